"""Which file a name stands for now, and whether its rows may have changed."""

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

    It changes if a file of equal size and date is copied over it; not if a change is still in a write-ahead
    log beside the file.
    """
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


_MOST = 1_000  # files that are remembered
_COARSE_NS = 100_000_000  # longer than a tick of the clocks from which local file systems take their times


_absolute: Dict[str, str] = {}  # by name, if that is absolute


def absolute(file: Union[str, bytes, os.PathLike[Any]]) -> str:
    """The absolute name of a file, which stays the same if the program changes its directory."""
    name = os.fsdecode(file)
    known = _absolute.get(name)
    if known is None:
        try:
            known = os.path.abspath(name)
        except OSError:  # the working directory is gone
            return name
        if os.path.isabs(name):
            if len(_absolute) >= _MOST:
                _absolute.clear()
            _absolute[name] = known
    return known


_WAL_AT = 18  # bytes 18 and 19 are 2 in write-ahead mode: https://sqlite.org/fileformat.html
_has_wal: Dict[Identity, bool] = {}


def state(file: str) -> Optional[State]:
    """What changes whenever the rows of `file` do, or ``None`` if there is no file.

    Unlike :func:`identity` it sees changes that are still in a write-ahead log.
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
    # SQLite makes an empty log when it opens such a file to read, and removes it afterwards; and it sets the
    # owner of one that is there, which changes ctime.
    return own, (wal.st_ino, wal.st_size, wal.st_mtime_ns) if wal.st_size else None


def _look_for_wal(file: str, own: Identity) -> bool:
    """Whether the file's header says that it is in write-ahead mode; looked up once for each identity."""
    try:
        with open(file, "rb", buffering=0) as log:
            has_wal = log.read(_WAL_AT + 2)[_WAL_AT:] != b"\1\1"
    except OSError:
        return True
    if time.time_ns() - own[-1] > _COARSE_NS:  # else the next change might not change the identity
        if len(_has_wal) >= _MOST:
            _has_wal.clear()
        _has_wal[own] = has_wal
    return has_wal


def is_settled(file_state: State) -> bool:
    """Whether a change from now on will change the state; one within a tick after the last might not."""
    now = time.time_ns()
    own, wal = file_state
    return abs(now - own[-1]) > _COARSE_NS and (wal is None or abs(now - wal[-1]) > _COARSE_NS)
