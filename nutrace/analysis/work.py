"""How many queries and copies the steps make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from nutrace.analysis.database import Database, Executions
from nutrace.analysis.deepcopies import Amount, DeepCopies


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


def work(queries: Database, copies: DeepCopies) -> Work:
    """Count the work of a trace's steps, from all its work with databases and all its copies."""
    opened = queries.connections
    if queries.steps:
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
