"""Which file a name stands for, at this moment: what was read from one that is gone is no answer."""

from __future__ import annotations

import os
import time
from typing import Any, Dict, Optional, Tuple, Union

#: Device, inode, size in bytes, times of the last change of its contents and of its inode, in ns.
Identity = Tuple[int, int, int, int, int]
#: Of the file, and of the write-ahead log beside it: inode, size, time of the last change.
State = Tuple[Identity, Optional[Tuple[int, int, int]]]


def identity(file: str) -> Optional[Identity]:
    """The identity of the file that `file` names now, or ``None`` if there is none.

    A file of equal size and date that was copied over is seen; changes that wait in a write-ahead log
    beside the file are not.
    """
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


_MOST = 1_000  # files of which something is remembered
_COARSE_NS = 100_000_000  # more than a tick of any clock that a local file system takes its times from


_absolute: Dict[str, str] = {}  # by the absolute names that files were opened by


def absolute(file: Union[str, bytes, os.PathLike[Any]]) -> str:
    """The name by which a file is known: a program may change its directory."""
    name = os.fsdecode(file)
    found = _absolute.get(name)
    if found is None:
        try:
            found = os.path.abspath(name)
        except OSError:  # the working directory is gone
            return name
        if os.path.isabs(name):
            if len(_absolute) >= _MOST:
                _absolute.clear()
            _absolute[name] = found
    return found


_WAL_AT = 18  # where the header says 2 if changes wait beside the file: https://sqlite.org/fileformat.html
_has_wal: Dict[Identity, bool] = {}


def state(file: str) -> Optional[State]:
    """All that says whether the rows of `file` are still the same, or ``None`` if there is no file.

    Unlike :func:`identity` it sees changes that wait in a write-ahead log.
    """
    own = identity(file)
    if own is None:
        return None
    has_wal = _has_wal.get(own)
    if has_wal is None:
        has_wal = _look_for_wal(file, own)
    if not has_wal:
        return own, None
    try:
        wal = os.stat(os.path.realpath(file) + "-wal")  # beside the file, not beside a link to it
    except OSError:
        return own, None
    # SQLite makes an empty one when it opens such a file to read, and takes it away after; and it
    # sets the owner of one that is there, which changes the inode.
    return own, (wal.st_ino, wal.st_size, wal.st_mtime_ns) if wal.st_size else None


def _look_for_wal(file: str, own: Identity) -> bool:
    """Whether the file's header says so, once for each state: beginning to have one changes it."""
    try:
        with open(file, "rb", buffering=0) as log:
            found = log.read(_WAL_AT + 2)[_WAL_AT:] != b"\1\1"
    except OSError:
        return True
    if time.time_ns() - own[-1] > _COARSE_NS:  # else the next change might look the same
        if len(_has_wal) >= _MOST:
            _has_wal.clear()
        _has_wal[own] = found
    return found


def is_settled(found: State) -> bool:
    """Whether a change from now on shows in the state: one within a tick of the last might not."""
    now = time.time_ns()
    own, wal = found
    return abs(now - own[-1]) > _COARSE_NS and (wal is None or abs(now - wal[-1]) > _COARSE_NS)
