"""Which process is meant: process ids come again, and mean other processes on other hosts."""

from __future__ import annotations

import os
import signal
from typing import Optional


def where() -> str:
    """The host and the space of process ids: the same ids mean other processes elsewhere."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{os.uname().nodename} {space}"


def started(pid: int) -> Optional[int]:
    """When a process started, in the system's clock ticks; ``None`` if it has ended, even if it is a zombie.

    Where the system does not say, 0.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in brackets, may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, IndexError, ValueError):
        if os.path.exists("/proc/self/stat"):
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass  # another user's process
    return 0


def is_alive(pid: int, since: int) -> bool:
    """Whether the process that started at `since` lives."""
    return started(pid) == since


def is_being_killed(pid: int) -> bool:
    """Whether a process was sent SIGKILL and is not gone yet: what traces it may hold it for ever."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            pending = [int(line.split()[1], 16) for line in file if line.startswith((b"SigPnd", b"ShdPnd"))]
    except (OSError, IndexError, ValueError):
        return False
    return any(signals >> (signal.SIGKILL - 1) & 1 for signals in pending)
