"""Which file a name stands for, at this moment: what was read from one that is gone is no answer."""

from __future__ import annotations

import os
import time
from typing import Optional, Tuple

#: Device, inode, size in bytes, time of the last change in nanoseconds.
Identity = Tuple[int, int, int, int]


def identity(file: str) -> Optional[Identity]:
    """The identity of the file that `file` names now, or ``None`` if there is none.

    Changes that wait in a write-ahead log beside the file are not seen.
    """
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


#: Of the file: device, inode, size, times of the last change of its contents and of its inode, in ns.
#: Of the write-ahead log beside it: inode, size, time of the last change.
State = Tuple[Tuple[int, ...], Optional[Tuple[int, ...]]]

_COARSE_NS = 100_000_000  # more than a tick of any clock that a local file system takes its times from


def state(file: str) -> Optional[State]:
    """All that says whether the rows of `file` are still the same, or ``None`` if there is no file.

    Unlike :func:`identity` it sees changes that wait in a write-ahead log, and a file of equal size
    and date that was copied over.
    """
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    own = found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    try:
        wal = os.stat(file + "-wal")
    except OSError:
        return own, None
    # SQLite makes an empty one when it opens such a file to read, and takes it away after; and it
    # sets the owner of one that is there, which changes the inode.
    return own, (wal.st_ino, wal.st_size, wal.st_mtime_ns) if wal.st_size else None


def is_settled(found: State) -> bool:
    """Whether a change from now on shows in the state: one within a tick of the last might not."""
    now = time.time_ns()
    return all(abs(now - each[-1]) > _COARSE_NS for each in found if each is not None)
