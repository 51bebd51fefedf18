"""Queries in a loop (N+1): one caller executes one statement with many parameters in a step."""

from __future__ import annotations

import shlex
from collections import defaultdict
from typing import DefaultDict, Dict, Iterator, List

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, plain
from nutrace.advice.words import ms, origin, place, statement
from nutrace.analysis.database import Loop
from nutrace.analysis.executions import Batch


def find(facts: Facts) -> Iterator[Finding]:
    """A finding for each loop."""
    for loop in facts.database.loops:
        yield Finding(
            title=f"Ask once for what {place(loop.origin.caller)} asks for in a loop",
            evidence=(
                f"{loop.executions / loop.steps:,.1f} executions in a step, in {loop.steps:,} of "
                f"{facts.steps:,} steps: {statement(loop.text, loop.statement)}",
                f"by {origin(loop.origin)}",
            ),
            sureness=Sureness.ESTIMATED,
            because="for each execution but one the time of the fastest, as that of a query without rows: "
            f"{ms(loop.saved_ns)} in the run",
            saves=_saves(facts, loop),
            proof=(plain(f"nutrace sql {shlex.quote(facts.file)} --full"), against(facts)),
        )


def _saves(facts: Facts, loop: Loop) -> Dict[int, float]:
    """The saving of the loop, divided among its executions as their times are."""
    by_span: DefaultDict[int, float] = defaultdict(float)
    batches: List[Batch] = [
        batch
        for batch in facts.batches
        if batch.statement == loop.statement
        and facts.is_set_off_by_step(batch.span)
        and facts.origins.of(batch.span, batch.caller) == loop.origin
    ]
    total = sum(batch.total_ns for batch in batches)
    for batch in batches:
        if total:
            by_span[batch.span] += loop.saved_ns * batch.total_ns / total
    return dict(by_span)
