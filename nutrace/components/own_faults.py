"""Faults of components at work: said once, and counted in the run file if there is one."""

from __future__ import annotations

from nutrace.recording.faults import Faults
from nutrace.recording.span import home, unrecorded

_faults = Faults()


def note_unrecorded() -> None:
    """Let faults that no recorder counts be said: those of what installs components as well."""
    if home.fault is unrecorded:
        home.fault = _faults.note


def fault(where: str) -> None:
    """Note the error being handled; called from an ``except`` block, where the program goes on as stock."""
    if home.fault is unrecorded:
        _faults.note(where)
    else:
        home.fault(where)
