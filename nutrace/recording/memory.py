"""How much memory this process has resident, and how much at most.

The current reading leaves out what nutrace keeps from being freed (a simulation log's pickle, until it was
followed): else a scenario seems to leave that behind. The peak is the kernel's, and may have it in it.
"""

from __future__ import annotations

import os
import resource
import sys
from typing import Optional

from nutrace.recording.errands import errands

_PAGE = resource.getpagesize()


def resident_bytes() -> Optional[int]:
    """Bytes resident now, without what :data:`errands` hold.

    ``None`` where the system has no /proc: macOS tells a process only its peak.
    """
    held, before = errands.held_bytes, -1
    resident: Optional[int] = 0
    while resident is not None and held != before:  # another thread may have freed some in between
        resident = _resident_bytes()
        held, before = errands.held_bytes, held
    return None if resident is None else max(resident - held, 0)


def _resident_bytes() -> Optional[int]:
    try:
        # Opened anew each time: a descriptor that stays would be the parent's in a forked child.
        fd = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(fd, 100).split()[1]) * _PAGE
    finally:
        os.close(fd)


def peak_bytes() -> int:
    """Bytes that were resident at most since the program began."""
    try:
        # ru_maxrss of a child includes that of the program which started it.
        with open("/proc/self/status", "rb") as file:  # no codec: the program may not be able to import one
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def gpu_bytes() -> Optional[int]:
    """Bytes that torch has allocated on all GPUs; ``None`` if the program does not use them through torch.

    torch is neither imported nor made to begin with CUDA.
    """
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    return sum(int(cuda.memory_allocated(device)) for device in range(cuda.device_count()))
