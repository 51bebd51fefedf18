"""Statements that are executed for each frame of a scenario, one by one."""

from __future__ import annotations

import re
from typing import Iterator

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import bench
from nutrace.advice.queries import with_connections
from nutrace.advice.words import count, ms, statement
from nutrace.analysis.database import Statement

_LISTED = 4
_OFTEN = 0.5  # executions a step
#: One value of one column is looked up, at the end; the speedup looks at the plans as well.
_ONE_FRAME = re.compile(r"\bWHERE [\w.]+ ==? \?\Z", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:WITH|ORDER|GROUP|LIMIT|DISTINCT|UNION)\b", re.IGNORECASE)


def find(facts: Facts) -> Iterator[Finding]:
    """All statements that the prefetch answers."""
    if not facts.steps or "scenario_prefetch" in facts.speedups:
        return
    named = [each for each in facts.database.statements if _is_of_a_frame(facts, each)]
    hashes = {each.statement for each in named}
    spans = {
        batch.span: float(batch.total_ns)
        for batch in facts.batches
        if batch.statement in hashes
        and facts.is_set_off_by_step(batch.span)
        and facts.is_devkits_query(batch.span)
    }
    if not spans:
        return
    executed = sum(each.in_steps.count for each in named)
    yield Finding(
        title="Read the rows of many frames with one statement",
        evidence=(
            f"{count(executed / facts.steps, 'statement')} a step, each for one frame, take "
            f"{ms(sum(spans.values()) / facts.steps)} a step without their connections",
            *(
                f"{facts.per_step(each.in_steps.count)}, {ms(each.in_steps.total_ns / facts.steps)} a step: "
                f"{statement(each.text, each.statement)}"
                for each in named[:_LISTED]
            ),
        ),
        sureness=Sureness.ESTIMATED,
        because="the speedup reads 200 frames at a time, where the plans keep each frame's order of rows; "
        "what remains is to read the rows",
        saves=with_connections(facts, spans, dict.fromkeys(spans, 1.0)),
        proof=(bench(facts, "prefetch:scenario_prefetch"),),
    )


def _is_of_a_frame(facts: Facts, each: Statement) -> bool:
    return (
        each.system == "sqlite"
        and each.in_steps.count >= _OFTEN * facts.steps
        and each.in_steps.count > 1
        and _ONE_FRAME.search(each.text) is not None
        and _OTHERS.search(each.text) is None
    )
