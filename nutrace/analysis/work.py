"""How many queries and copies the steps make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from nutrace.analysis.database import Executions, database
from nutrace.analysis.deepcopies import Amount, deep_copies
from nutrace.analysis.regions import Regions
from nutrace.trace import Trace


@dataclass(frozen=True)
class Work:
    """The work that the steps set off, on other threads as well; in a run without steps, all work.

    Attributes
    ----------
    statements, connections:
        Executions, their rows and time; connections opened. None if the run did not record them.
    deep_copies:
        Root calls of ``copy.deepcopy``. None if the run did not record them.
    """

    statements: Optional[Executions]
    connections: Optional[int]
    deep_copies: Optional[Amount]


def work(trace: Trace, regions: Regions) -> Work:
    """Count the work of a trace's steps."""
    queries, copies = database(trace, regions), deep_copies(trace, regions)
    opened = queries.connections
    if regions.steps:
        statements, copied = queries.in_steps, copies.in_steps + copies.beside_steps
        connections = None if opened is None else opened.opened_in_steps
    else:
        statements, copied = queries.all, copies.amount
        connections = None if opened is None else opened.opened
    return Work(
        statements=statements if queries.recorded else None,
        connections=connections,
        deep_copies=copied if copies.recorded else None,
    )
