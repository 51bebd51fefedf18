"""The run file: lines while the program runs, one line when it is over.

While running, ``run.json.partial`` grows by whole lines, each a TracesData of its own, so that what
is on disk is readable whenever the process dies. At the end the lines of all processes are joined
into one, which is valid JSON and valid JSON lines at once, and the partial files go.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
from pathlib import Path
from typing import BinaryIO, Iterator, List, Optional, Tuple

import msgspec

from nutrace import semconv
from nutrace.recording import encoding

PARTIAL = ".partial"
_BATCH = 1000  # spans to a line: readers cut a joined file there
_OPEN = f'"scopeSpans":[{{"scope":{{"name":"{semconv.OPEN_SCOPE}"'.encode()
_BODY = b'"scopeSpans":['
_END = b"]}]}\n"
_COMPLETE = f'{{"key":"{semconv.RUN_COMPLETE}","value":{{"boolValue":true}}}}'.encode()


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    number = 1
    while True:
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1


def reserve(path: Path) -> Tuple[Path, int]:
    """Take the first free name like `path` (run.json, run-1.json, ...) by making its partial file.

    Returns the run file's name and the partial file's descriptor.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    for name in _numbered(path):
        if name.exists():
            continue
        partial = name.with_name(name.name + PARTIAL)
        try:
            fd = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        except FileExistsError:
            continue
        return name, fd
    raise AssertionError("unreachable")


class RunFile:
    """One process's share of a run on disk: the run's own file, or a shard beside it.

    Parameters
    ----------
    run:
        Absolute path of the run file.
    fd:
        Descriptor of its partial file, from :func:`reserve`; ``None`` makes a shard, whose file
        appears with the first line, so that processes without spans leave none.
    """

    def __init__(self, run: Path, fd: Optional[int] = None) -> None:
        self.run = run
        self.shard = fd is None
        self._fd = fd
        self._size = 0
        self.partial = run.with_name(run.name + PARTIAL)
        if self.shard:
            name = f"{run.name}.shard-{os.getpid()}-{secrets.token_hex(3)}{PARTIAL}"
            self.partial = run.with_name(name)
        elif fd is not None:
            _lock(fd)

    @property
    def begun(self) -> bool:
        """Whether a line has been written."""
        return self._size > 0

    def write(self, resource: str, groups: List[Tuple[str, List[str]]]) -> None:
        """Append spans; `groups` are (scope, spans) as JSON texts.

        Raises
        ------
        OSError
            If the disk will not take them; the file then ends with the last whole line.
        """
        for scope, spans in groups:
            for first in range(0, max(len(spans), 1), _BATCH):
                body = encoding.scope_spans([(scope, spans[first : first + _BATCH])])
                self._append(encoding.line(resource, body))

    def _append(self, line: bytes) -> None:
        if self._fd is None:
            self._fd = os.open(self.partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
            _lock(self._fd)
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)

    def leave(self) -> None:
        """Let go of the file without a word: it is another process's from now on."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def discard(self) -> None:
        """Close and delete the partial file: there was nothing to say."""
        if self._fd is not None:
            self.leave()
            with contextlib.suppress(OSError):
                self.partial.unlink()

    def finish(self, resource: str, scope: str) -> Tuple[Path, List[Path]]:
        """Close the file; the run's own is joined with the shards of processes that have ended.

        Returns the path of what now holds the spans, and the shards of processes still running.

        Raises
        ------
        OSError
            If the joined file cannot be written; the partial files stay, and are readable.
        """
        self.write(resource, [(scope, [])])  # the last word on this process: its final resource
        if self.shard:
            self.leave()
            return self.partial, []
        ended, running = self._shards()
        joined = self.run.with_name(f"{self.run.name}.joining-{os.getpid()}")
        try:
            with open(joined, "xb") as out:
                _join([self.partial, *ended], out)
            final = self._publish(joined)
        except OSError:
            with contextlib.suppress(OSError):
                joined.unlink()
            self.leave()
            raise
        self.leave()
        for file in (self.partial, *ended):
            with contextlib.suppress(OSError):
                file.unlink()
        return final, running

    def _publish(self, joined: Path) -> Path:
        for name in _numbered(self.run):
            try:
                os.link(joined, name)
            except FileExistsError:
                continue  # somebody made that file meanwhile: theirs stays
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT) or name.exists():
                    raise
                os.rename(joined, name)  # a file system without hard links
                return name
            joined.unlink()
            return name
        raise AssertionError("unreachable")

    def _shards(self) -> Tuple[List[Path], List[Path]]:
        ended: List[Path] = []
        running: List[Path] = []
        for file in sorted(self.run.parent.glob(f"{_escaped(self.run.name)}.shard-*{PARTIAL}")):
            (ended if _unlocked(file) else running).append(file)
        return ended, running


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _lock(fd: int) -> None:
    # Held for the process's life; whoever can take it knows that the process has ended.
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unlocked(file: Path) -> bool:
    try:
        fd = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(fd)


def _join(files: List[Path], out: BinaryIO) -> None:
    out.write(b'{"resourceSpans":[')
    between = b""
    for file in files:
        with open(file, "rb") as lines:
            resource, complete = _resource_of(lines)
            if resource is None:
                continue
            out.write(between + b'{"resource":' + resource + b',"scopeSpans":[')
            between = b","
            inner = b""
            for line in lines:
                begin = line.find(_BODY) + len(_BODY)
                if not line.endswith(_END) or begin < len(_BODY):
                    continue  # the torn last line of a killed process
                if complete and line.find(_OPEN, 0, begin + 64) >= 0:
                    continue  # those spans have ended since, and are in the file
                out.write(inner + line[begin : -len(_END)])
                inner = b","
            out.write(b"]}")
    out.write(b"]}\n")


def _resource_of(lines: BinaryIO) -> Tuple[Optional[bytes], bool]:
    """The resource to join a file under, and whether its process ended in order.

    The last whole line has the final word if it says so; otherwise the first line's resource.
    """
    first = lines.readline()
    if not first.endswith(_END):
        return None, False
    lines.seek(0, os.SEEK_END)
    lines.seek(max(0, lines.tell() - (1 << 20)))
    last = lines.read().rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    lines.seek(0)
    complete = last.endswith(_END) and _COMPLETE in last[: last.find(_BODY)]
    document = msgspec.json.decode(last if complete else first, type=_TracesData)
    return bytes(document.resourceSpans[0].resource), complete


class _ResourceSpans(msgspec.Struct):
    resource: msgspec.Raw


class _TracesData(msgspec.Struct):
    resourceSpans: List[_ResourceSpans]  # noqa: N815  (OTLP's spelling)
