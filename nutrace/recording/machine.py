"""When this process began, and which machine it runs on: as many processors, as much memory."""

from __future__ import annotations

import os
import sys
import time
from typing import Optional

from nutrace.text_file import read_text

_STAT = "/proc/self/stat"
_STARTED = 19  # of the fields behind the name, which may have blanks in it: ticks from the boot to the start
_LIMIT = "/sys/fs/cgroup/memory.max"  # of a container; "max" is none


def creation_time() -> Optional[str]:
    """When the kernel made this process, in ISO 8601; ``None`` where there is no /proc."""
    try:
        with open(_STAT, "rb") as file:  # no codec: the program may not be able to import one
            ticks = int(file.read().rpartition(b")")[2].split()[_STARTED])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    began = time.time() - age
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(began)) + f".{int(began % 1 * 1000):03d}Z"


def processors() -> int:
    """The processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_bytes() -> Optional[int]:
    """The machine's memory, or that of the container; ``None`` if the system does not say."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None
    try:
        return min(size, int(read_text(_LIMIT)))
    except (OSError, ValueError):  # no such file, or no limit
        return size
