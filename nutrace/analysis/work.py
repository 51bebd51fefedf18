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
        Executions, their rows and time; connections opened. None if the run did not record databases.
    deep_copies:
        Root calls of ``copy.deepcopy``. None if the run did not record them.
    """

    statements: Optional[Executions]
    connections: Optional[int]
    deep_copies: Optional[Amount]


def work(trace: Trace, regions: Regions) -> Work:
    """Count the work of a trace's steps."""
    queries, copies = database(trace, regions), deep_copies(trace, regions)
    if regions.steps:
        statements, connections = queries.in_steps, queries.connections.opened_in_steps
        copied = copies.in_steps + copies.beside_steps
    else:
        statements, connections = queries.all, queries.connections.opened
        copied = copies.amount
    return Work(
        statements=statements if queries.recorded else None,
        connections=connections if queries.recorded else None,
        deep_copies=copied if copies.recorded else None,
    )
