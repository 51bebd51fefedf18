"""Faults of speedups: printed once, and counted in the run file if there is one."""

from __future__ import annotations

from nutrace.recording.faults import Faults
from nutrace.recording.span import process_state, unrecorded

_faults = Faults()


def note_unrecorded() -> None:
    """Print faults that no recorder counts, also those of installing speedups."""
    if process_state.fault is unrecorded:
        process_state.fault = _faults.note


def fault(where: str) -> None:
    """Note the error being handled; called in an ``except`` block that lets the program go on as stock."""
    if process_state.fault is unrecorded:
        _faults.note(where)
    else:
        process_state.fault(where)
