"""The names of a run's files, and which of them are free or left over.

``run.json`` is the run's file when it is over. Until then its first process writes ``run.json.partial``, the
others write shards, and what is being joined is called ``run.json.joining-<pid>``.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

from nutrace.recording.host import in_file_names, this_host
from nutrace.recording.locks import ELSEWHERE, let_go

PARTIAL = ".partial"
_STARTING = ".starting"
_JOINING = ".joining-"
_SHARD = ".shard-"
#: What a joined file begins with.
HEAD = b'{"resourceSpans":['


class Writer(NamedTuple):
    """The process that writes a file: its id ("" if unknown), and its host as names of files have it."""

    pid: str
    host: str


def partial_of(run: Path) -> Path:
    """The file of a run's first process."""
    return run.with_name(run.name + PARTIAL)


def shard_of(run: Path, tag: str) -> Path:
    """A name for the file of another of its processes, this one; `tag` has digits of the run's id."""
    writer = f"{os.getpid()}@{in_file_names(this_host().name)}"
    return run.with_name(f"{run.name}{_SHARD}{writer}-{tag}{secrets.token_hex(3)}{PARTIAL}")


def starting(shard: Path) -> Path:
    """What a shard is called until it is locked."""
    return shard.with_suffix(_STARTING)


def joining(run: Path) -> Path:
    """What a run's file is called until it is whole."""
    return run.with_name(f"{run.name}{_JOINING}{os.getpid()}-{secrets.token_hex(3)}")


def shards(run: Path, tag: str = "") -> List[Path]:
    """The shards of a run; all that have its name if there is no `tag`."""
    return sorted(run.parent.glob(f"{glob.escape(run.name)}{_SHARD}*-{tag}*{PARTIAL}"))


def writer_in(name: str) -> Writer:
    """The process in the name of a shard, or of a file that is not whole; on this host if none is named."""
    match = re.search(r"\.(?:shard|joining)-(\d+)(?:@([\w.]+))?", name)
    pid, host = match.groups() if match else ("", "")
    return Writer(pid, host or in_file_names(this_host().name))


def pid_in(name: str) -> str:
    """The process id in such a name, :data:`~nutrace.recording.locks.ELSEWHERE` if it is of another host."""
    writer = writer_in(name)
    return writer.pid if writer.host == in_file_names(this_host().name) else ELSEWHERE


def numbered(path: Path) -> Iterator[Path]:
    """``run.json``, ``run-1.json``, ``run-2.json``, ..."""
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
        If the folder cannot be written, or `path` is a folder or a device.
    """
    with contextlib.suppress(FileNotFoundError):
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
    remove_leftovers(path)
    for name in numbered(path):
        # A shard without its run file was left by an earlier run, and readers would take it for ours.
        if os.path.lexists(name) or shards(name):
            continue
        try:
            fd = os.open(partial_of(name), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        except FileExistsError:
            continue
        return name, fd
    raise AssertionError("unreachable")


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes of runs called like `path` had begun and not finished; it holds no data.

    Only what has such a name and such a content is removed, and only if nobody holds its lock.
    """
    name = rf"{re.escape(path.stem)}(-\d+)?{re.escape(path.suffix)}"
    joined = re.compile(rf"{name}{re.escape(_JOINING)}\d+-[0-9a-f]+\Z")
    shard = re.compile(rf"{name}{re.escape(_SHARD)}\d+(@[\w.]+)?-[0-9a-f]+{re.escape(_STARTING)}\Z")
    with contextlib.suppress(OSError):
        for file in os.listdir(path.parent):
            if joined.match(file):
                _remove(path.with_name(file), HEAD)
            elif shard.match(file):
                _remove(path.with_name(file), b"")


def _remove(file: Path, head: bytes) -> None:
    """Remove a file whose writer is gone, if it begins with `head` or ends before that."""
    with contextlib.suppress(OSError):
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or not let_go(fd, pid_in(file.name)):
                return
            begins = os.read(fd, len(head) or 1)
            if head.startswith(begins) and os.path.samestat(status, os.stat(file)):
                file.unlink()
        finally:
            os.close(fd)
