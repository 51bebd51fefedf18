"""Faults of components at work: said once, and counted in the run file if there is one."""

from __future__ import annotations

from nutrace.recording.faults import Faults
from nutrace.recording.span import home, unrecorded

_faults = Faults()


def fault(where: str) -> None:
    """Note the error being handled; called from an ``except`` block, where the program goes on as stock."""
    if home.fault is unrecorded:
        _faults.note(where)
    else:
        home.fault(where)
