"""Which process is meant: process ids come again, and mean other processes on other hosts."""

from __future__ import annotations

import os
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
