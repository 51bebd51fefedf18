"""The run file: lines while the program runs, one line when it is over.

While running, ``run.json.partial`` grows by whole lines, each a TracesData of its own, so that what
is on disk is readable whenever the process dies. At the end the lines of all processes are joined
into one, which is valid JSON and valid JSON lines at once, and the partial files go.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import secrets
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.recording import encoding
from nutrace.recording.joining import join

PARTIAL = ".partial"


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
        If the folder cannot be written, or `path` is a folder itself.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    for name in _numbered(path):
        # A shard without its run file was left by an earlier run, and readers would take it for ours.
        if os.path.lexists(name) or _shards_of(name):
            continue
        partial = name.with_name(name.name + PARTIAL)
        try:
            fd = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        except FileExistsError:
            continue
        return name, fd
    raise AssertionError("unreachable")


def abandoned(run: Path) -> bool:
    """Whether `run` was begun by a process that has let go of it without joining it."""
    partial = run.with_name(run.name + PARTIAL)
    return partial.exists() and _ended(partial)


class Finished(NamedTuple):
    """What the end of a run left on disk."""

    path: Path  # holds the spans
    joined: int  # shards of other processes that are in it
    running: List[Path]  # shards of processes that go on


class RunFile:
    """One process's part of a run on disk: the run's own file, or a shard beside it.

    Parameters
    ----------
    run:
        Absolute path of the run file.
    run_id:
        The run's id. It tells the run's shards from those of another run of the same name.
    fd:
        Descriptor of its partial file, from :func:`reserve`; ``None`` makes a shard, whose file
        appears with the first line, so that a process without spans leaves no file.
    heir:
        This process was the run's first one, and has become another program by ``exec``: it
        writes a shard, and joins the run when it ends.
    """

    def __init__(self, run: Path, run_id: str, fd: Optional[int] = None, *, heir: bool = False) -> None:
        self.run = run
        self.joins = fd is not None or heir
        self._tag = run_id[:8]
        self._fd = fd
        self._size = 0
        self._base = self.partial = run.with_name(run.name + PARTIAL)
        if fd is None:
            name = f"{run.name}.shard-{os.getpid()}-{self._tag}{secrets.token_hex(3)}{PARTIAL}"
            self.partial = run.with_name(name)
        else:
            _lock(fd)

    @property
    def begun(self) -> bool:
        """Whether a line has been written."""
        return self._size > 0

    @property
    def expected(self) -> bool:
        """Whether there is anything to join: lines of ours, or of other processes of the run."""
        return self.begun or (self.joins and (self._base != self.partial or any(self._shards())))

    def write(self, resource: str, scope: str, spans: Sequence[str]) -> None:
        """Append a line with spans of one scope; all three are JSON texts.

        Raises
        ------
        OSError
            If the disk will not take it; the file then ends with the last whole line.
        """
        line = encoding.line(resource, scope, spans)
        if self._fd is None:
            self._fd = self._make_shard()
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except BaseException:  # Ctrl-C as well: whole lines or none
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)

    def _make_shard(self) -> int:
        # It is locked before it gets its name: a shard without a lock is taken for an ended process's.
        nameless = self.partial.with_suffix(".starting")
        fd = os.open(nameless, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        _lock(fd)
        try:
            os.rename(nameless, self.partial)
        except OSError:
            os.close(fd)
            raise
        return fd

    def leave(self) -> None:
        """Close the file and leave it: it is another process's from now on."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def discard(self) -> None:
        """Close and delete the partial file: nothing was recorded."""
        if self._fd is not None:
            self.leave()
            with contextlib.suppress(OSError):
                self.partial.unlink()

    def finish(self, resource: str, scope: str) -> Finished:
        """Close the file; the run's own is joined with the shards of processes that have ended.

        Raises
        ------
        OSError
            If the joined file cannot be written; the partial files stay, and are readable.
        """
        self.write(resource, scope, [])  # the process's final resource
        if not self.joins:
            self.leave()
            return Finished(self.partial, 0, [])
        ended, running = self._shards()
        parts = list(dict.fromkeys([self._base, self.partial, *ended]))
        joined = self.run.with_name(f"{self.run.name}.joining-{os.getpid()}")
        try:
            with open(joined, "xb") as out:
                join(parts, out)
            final = self._publish(joined)
        except BaseException:
            with contextlib.suppress(OSError):
                joined.unlink()
            raise
        finally:
            self.leave()
        for file in parts:
            with contextlib.suppress(OSError):
                file.unlink()
        return Finished(final, len(ended), running)

    def _publish(self, joined: Path) -> Path:
        for name in _numbered(self.run):
            try:
                os.link(joined, name)
            except FileExistsError:
                continue  # somebody has made a file of that name meanwhile, and keeps it
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
        for file in _shards_of(self.run, self._tag):
            if file != self.partial:
                (ended if _ended(file) else running).append(file)
        return ended, running


def _shards_of(run: Path, tag: str = "") -> List[Path]:
    return sorted(run.parent.glob(f"{glob.escape(run.name)}.shard-*-{tag}*{PARTIAL}"))


def _lock(fd: int) -> None:
    # Held as long as the process lives: if another process can take it, this one has ended.
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _ended(file: Path) -> bool:
    """Whether the process that wrote `file` has let go of it."""
    try:
        fd = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        return not _alive(file)  # a file system without locks
    finally:
        os.close(fd)


def _alive(shard: Path) -> bool:
    pid = shard.name.rpartition(".shard-")[2].partition("-")[0]
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        pass  # another user's process
    return True
