"""The state of the machine while a benchmark runs: what else it does, and how fast its processors may go."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

_CPU = Path("/sys/devices/system/cpu")
_MEMORY = Path("/proc/meminfo")
_STEADY = "performance"
_BUSY = 0.5  # of the processors


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> Dict[str, Any]:
    """What stays the same during a benchmark; None for what the machine does not say."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processors": processors(),
        "governor": _text(_CPU / "cpu0" / "cpufreq" / "scaling_governor"),
        "boost": _text(_CPU / "cpufreq" / "boost"),
    }


def moment() -> Dict[str, Any]:
    """What changes from run to run: load average of a minute, and memory in MB; None for what is not known.

    ``page_cache_mb`` is what the system has read from files and still holds: a log that is in it is not
    read from the disk.
    """
    memory = _memory()
    return {
        "time": time.time(),
        "load": _load(),
        "page_cache_mb": memory.get("Cached"),
        "memory_available_mb": memory.get("MemAvailable"),
    }


def doubts(facts: Dict[str, Any], before: Dict[str, Any]) -> List[str]:
    """Why times measured on this machine may scatter, in sentences.

    Parameters
    ----------
    facts, before:
        :func:`machine`, and :func:`moment` before the first run.
    """
    found = []
    load = before["load"]
    if load is not None and load > _BUSY * facts["processors"]:
        found.append(
            f"the machine is busy with other things (load {load:.1f} on {facts['processors']} processors): "
            "times will scatter"
        )
    governor = facts["governor"]
    if governor is not None and governor != _STEADY:
        found.append(f"the processors' clock varies (governor {governor}): times will scatter")
    return found


def _load() -> Optional[float]:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _text(path: Path) -> Optional[str]:
    try:
        return path.read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _memory() -> Dict[str, int]:
    found: Dict[str, int] = {}
    for line in (_text(_MEMORY) or "").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdecimal():
            found[name] = int(words[0]) // 1024
    return found
