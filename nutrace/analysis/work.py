"""How much the steps ask of the database and copy: counts, beside the times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from nutrace.analysis.database import Executions, database
from nutrace.analysis.deepcopies import Amount, deep_copies
from nutrace.analysis.regions import Regions
from nutrace.trace import Trace


@dataclass(frozen=True)
class Work:
    """What the steps set off, on other threads as well; in a run without steps, all there is.

    Attributes
    ----------
    statements, connections:
        Executions, their rows and time; connections opened. None if nobody looked.
    deep_copies:
        Root calls of ``copy.deepcopy``. None if nobody looked.
    """

    statements: Optional[Executions]
    connections: Optional[int]
    deep_copies: Optional[Amount]


def work(trace: Trace, regions: Regions) -> Work:
    """Count."""
    asked, copied = database(trace, regions), deep_copies(trace, regions)
    connections = asked.connections
    return Work(
        statements=(asked.in_steps if asked.steps else asked.all) if asked.recorded else None,
        connections=(connections.opened_in_steps if asked.steps else connections.opened)
        if asked.recorded
        else None,
        deep_copies=(copied.in_steps + copied.beside_steps if copied.steps else copied.amount)
        if copied.recorded
        else None,
    )
