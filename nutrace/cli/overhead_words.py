"""What the entries of nutrace's ledger of its own cost are called."""

from __future__ import annotations

from typing import Final, Mapping

from nutrace.analysis.own_clocked import IN_SPANS, WRITING
from nutrace.cli.correction_text import EVENTS
from nutrace.printable import printable

_CLOCKED: Final[Mapping[str, str]] = {
    "start": "start-up",
    "exit": "exit",
    WRITING: "writing (processor time)",
    "showing": "showing the progress",
    "error": "noting errors",
    "step_ended": "after a step",
    "queue_full": "a queue was full",
    "flushed": "before a pool's result, an exec, the exit",
    "forked": "before a fork",
    IN_SPANS: "waiting, and noting errors",
}


def event_name(kind: str) -> str:
    """Of a kind of event, see :data:`nutrace.prices.KINDS`."""
    return EVENTS[kind]


def clocked_name(what: str) -> str:
    """Of work that was clocked, see :class:`nutrace.analysis.own_clocked.Clocked`."""
    return _CLOCKED.get(what) or printable(what)
