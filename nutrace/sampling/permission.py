"""The permission to read a process's memory, which a sampler outside needs, and what to do without it."""

from __future__ import annotations

import sys

#: Yama's setting: who may trace a process of the same user. 0: any process; 1: its ancestors, and the one
#: that it has named; 2: root; 3: nobody.
SCOPE_FILE = "/proc/sys/kernel/yama/ptrace_scope"
_NAMED_ONLY = 1
_REFUSALS = ("permission denied", "operation not permitted", "os error 1)")
_PR_SET_PTRACER = 0x59616D61


def scope(file: str = SCOPE_FILE) -> int:
    """Yama's setting; 0 on a system without it."""
    try:
        with open(file, encoding="ascii") as setting:
            return int(setting.read())
    except (OSError, ValueError):
        return 0


def allow(pid: int, file: str = SCOPE_FILE) -> bool:
    """Let a process, and those that it starts, trace this one, if this has to be said; whether it was."""
    if sys.platform != "linux" or scope(file) != _NAMED_ONLY:
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def is_refusal(failure: str) -> bool:
    """Whether py-spy says that it has no permission."""
    return any(words in failure.lower() for words in _REFUSALS)


def why_not(failure: str, file: str = SCOPE_FILE) -> str:
    """Why py-spy does not sample, and what to do.

    Parameters
    ----------
    failure:
        What it said.
    """
    if not is_refusal(failure):
        return f"py-spy does not sample: {failure}"
    if sys.platform == "darwin":
        return "py-spy may not look into this process: on macOS it must run as root (sudo -E ...)"
    if scope(file):
        return (
            "py-spy may not look into this process: allow it with sudo sysctl kernel.yama.ptrace_scope=0, "
            "or run as root"
        )
    return (
        "py-spy may not look into this process: start a container with docker run --cap-add SYS_PTRACE, "
        "and run the program as root elsewhere"
    )
