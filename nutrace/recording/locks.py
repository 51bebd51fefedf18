"""Whether the process that writes a file is alive: it holds a lock (``flock``) on it as long as it lives."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Optional

# A reader that asks whether the writer lives holds the lock for microseconds.
_ATTEMPTS = 3
#: In the place of the id of a process on another host: whether it lives does not show here.
ELSEWHERE = "elsewhere"
_PAUSE_S = 0.002


def lock(fd: int) -> None:
    """Take the lock, and keep it until the file is closed."""
    _take(fd)


def let_go(fd: int, pid: str) -> bool:
    """Whether the writer has let go of the file. If so, the caller has the lock until it closes the file.

    Parameters
    ----------
    pid:
        The writer's process id, which tells if the file system has no locks; :data:`ELSEWHERE` is taken for
        alive.
    """
    taken = _take(fd)
    return not _is_alive(pid) if taken is None else taken


def ended(file: Path, pid: str = "") -> bool:
    """Whether the process that wrote `file` has let go of it."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return let_go(fd, pid)
    finally:
        os.close(fd)


def _take(fd: int) -> Optional[bool]:
    """Whether the lock was to be had; ``None`` on a file system without locks."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_S)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return None
        else:
            return True
    return False


def _is_alive(pid: str) -> bool:
    if pid == ELSEWHERE:
        return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:
        pass  # another user's process
    return True
