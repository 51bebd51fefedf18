"""Connections that are opened in the steps, each for a statement or a few."""

from __future__ import annotations

from typing import Iterator

from nutrace import semconv
from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, bench
from nutrace.advice.queries import connecting
from nutrace.advice.words import count, ms


def find(facts: Facts) -> Iterator[Finding]:
    """The time to open and close connections in the steps."""
    opened = facts.database.connections
    if opened is None or not facts.steps or opened.opened_in_steps < facts.steps:
        return
    trace = facts.trace
    spans = [span for below in connecting(facts).values() for span in below if facts.is_set_off_by_step(span)]
    saves = {span: float(trace.self_ns[span]) for span in spans}
    statements = facts.database.in_steps.count
    pooled = all(facts.is_devkits_query(span) for span in spans if trace.name[span] == semconv.CONNECT_SPAN)
    if pooled and "connection_pool" in facts.speedups:
        return
    yield Finding(
        title="Keep connections open",
        evidence=(
            f"{count(opened.opened_in_steps / facts.steps, 'connection')} a step for "
            f"{count(statements / facts.steps, 'statement')}: opening and closing takes "
            f"{ms(sum(saves.values()) / facts.steps)} a step",
        ),
        sureness=Sureness.MEASURED,
        because="the time to open and close; a part of it is the tracing of connections, which a run that is "
        "not traced does not save",
        saves=saves,
        proof=(bench(facts, "pool:connection_pool"),) if pooled else (against(facts),),
    )
