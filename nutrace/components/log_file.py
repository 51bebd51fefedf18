"""Which file a name stands for, at this moment: what was read from one that is gone is no answer."""

from __future__ import annotations

import os
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
