"""The run file: lines while the program runs, one line when it is over.

While running, ``run.json.partial`` grows by whole lines, each a TracesData of its own, so that what
is on disk is readable whenever the process dies. At the end the lines of all processes are joined
into one, which is valid JSON and valid JSON lines at once, and the partial files go.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from pathlib import Path
from typing import BinaryIO, Deque, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.recording import encoding, names
from nutrace.recording.appended import AppendedFile
from nutrace.recording.joining import join
from nutrace.recording.locks import ended, lock

_MOST_CUT = 16  # lines that can be taken back


def abandoned(run: Path) -> bool:
    """Whether `run` was begun by a process that has let go of it without joining it."""
    return ended(names.partial_of(run))


class Finished(NamedTuple):
    """What the end of a run left on disk."""

    path: Path  # holds the spans
    joined: int  # shards of other processes that are in it
    running: List[Path]  # shards of processes that go on


class Lost(NamedTuple):
    """What was in the file and is there no more."""

    spans: int
    calls: int  # that the spans stand for


class _Line(NamedTuple):
    begins: int  # at this byte of the file
    holds: Lost


class RunFile:
    """One process's part of a run on disk: the run's own file, or a shard beside it.

    Parameters
    ----------
    run:
        Absolute path of the run file.
    run_id:
        The run's id. It tells the run's shards from those of another run of the same name.
    fd:
        Descriptor of its partial file, from :func:`~nutrace.recording.names.reserve`; ``None`` makes a
        shard, whose file appears with the first line, so that a process without spans leaves no file.
    heir:
        This process was the run's first one, and has become another program by ``exec``: it
        writes a shard, and joins the run when it ends.
    """

    def __init__(self, run: Path, run_id: str, fd: Optional[int] = None, *, heir: bool = False) -> None:
        self.joins = fd is not None or heir
        self._run = run
        self._tag = run_id[:8]
        self._is_shard = fd is None
        self._file: Optional[AppendedFile] = None
        self._last: Deque[_Line] = deque(maxlen=_MOST_CUT)
        self._holds = Lost(0, 0)
        if fd is not None:
            self._file = AppendedFile(names.partial_of(run), fd)

    @property
    def run(self) -> Path:
        """The run file's path, which changes if a folder is renamed."""
        if self._file is not None:
            self._run = self._file.path.with_name(self._run.name)
        return self._run

    @property
    def partial(self) -> Path:
        """The path of this process's file; a shard that has no file yet has the run's."""
        return self._run if self._file is None else self._file.path

    @property
    def begun(self) -> bool:
        """Whether a line has been written."""
        return self._file is not None and self._file.size > 0

    @property
    def expected(self) -> bool:
        """Whether there is anything to join: lines of ours, or of other processes of the run."""
        return self.begun or (self.joins and (self._is_shard or any(self._shards())))

    def follow(self) -> Optional[Lost]:
        """Look for the file, which somebody may have moved or deleted meanwhile.

        If it was deleted, the next line begins another one. Returns what was lost with it.
        """
        file = self._file
        if file is None:
            return None
        # If the program has closed our descriptor, the lock was gone as well: the run's first process may
        # have taken us for ended, and joined the shard.
        joined = self._is_shard and not file.is_open()
        if file.follow():
            return None
        lost = self._holds
        self._run = self.run
        self.leave()
        return None if joined else lost

    def write(self, resource: str, scope: str, spans: Sequence[str], calls: int = 0) -> None:
        """Append a line with spans of one scope, which stand for a number of calls; all three are JSON texts.

        Raises
        ------
        OSError
            If the disk will not take it; the file then ends with the last whole line.
        """
        if self._file is None:
            self._file = self._begin()
        begins = self._file.size
        self._file.append(encoding.line(resource, scope, spans))
        self._last.append(_Line(begins, Lost(len(spans), calls)))
        self._holds = Lost(self._holds.spans + len(spans), self._holds.calls + calls)

    def cut(self) -> Optional[Lost]:
        """Take the last line back, and return what was in it; ``None`` if that is not possible."""
        if self._file is None or not self._last:
            return None
        line = self._last.pop()
        try:
            self._file.cut(line.begins)
        except OSError:
            return None
        self._holds = Lost(self._holds.spans - line.holds.spans, self._holds.calls - line.holds.calls)
        return line.holds

    def _begin(self) -> AppendedFile:
        if not self._is_shard:  # the first file was deleted
            self._run, fd = names.reserve(self._run)
            return AppendedFile(names.partial_of(self._run), fd)
        while True:
            shard = names.shard_of(self._run, self._tag)
            # It is locked before it gets its name: a shard without a lock is taken for an ended process's.
            nameless = names.starting(shard)
            file = AppendedFile(nameless, _create(nameless))
            try:
                os.rename(nameless, shard)
            except FileNotFoundError:  # taken for a leftover in the moment before it was locked
                file.close()
                if not self._run.parent.is_dir():
                    raise
            except OSError:
                file.close()
                raise
            else:
                file.path = shard
                return file

    def leave(self) -> None:
        """Close the file and leave it: it is another process's from now on."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._last.clear()
            self._holds = Lost(0, 0)

    def discard(self) -> None:
        """Close and delete the partial file: nothing was recorded."""
        if self._file is not None:
            if self._file.follow():
                with contextlib.suppress(OSError):
                    self.partial.unlink()
            self.leave()

    def finish(self) -> Finished:
        """Close the file; the run's own is joined with the shards of processes that have ended.

        Raises
        ------
        OSError
            If the joined file cannot be written; the partial files stay, and are readable.
        """
        partial, run = self.partial, self.run
        if not self.joins:
            self.leave()
            return Finished(partial, 0, [])
        others, running = self._shards()
        parts = [names.partial_of(run)] if self._is_shard else []
        parts += [partial, *others]
        joined, out = _create_joined(run)
        try:
            with out:
                join([part for part in parts if part.exists()], out)
            final = _publish(joined, run)
        except BaseException:
            with contextlib.suppress(OSError):
                joined.unlink()
            raise
        finally:
            self.leave()
        for file in parts:
            with contextlib.suppress(OSError):
                file.unlink()
        # A process that was killed may have left its samples in a file of their own.
        return Finished(final, len({names.writer_in(file.name) for file in others}), running)

    def _shards(self) -> Tuple[List[Path], List[Path]]:
        gone: List[Path] = []
        running: List[Path] = []
        for file in names.shards(self.run, self._tag):
            if file != self.partial:
                (gone if ended(file, names.pid_in(file.name)) else running).append(file)
        return gone, running


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)


def _create_joined(run: Path) -> Tuple[Path, BinaryIO]:
    while True:
        joined = names.joining(run)
        out = open(_create(joined), "wb")  # noqa: SIM115  # the caller closes it
        lock(out.fileno())
        if os.fstat(out.fileno()).st_nlink:
            return joined, out
        out.close()  # taken for a leftover in the moment before it was locked


def _publish(joined: Path, run: Path) -> Path:
    """Give the joined file the run's name, or the first free one like it."""
    for name in names.numbered(run):
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
