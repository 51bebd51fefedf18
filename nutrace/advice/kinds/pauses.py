"""Full garbage collections in simulations, where most objects that they look at are older than these."""

from __future__ import annotations

from typing import Iterator, List

from nutrace import semconv
from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import bench
from nutrace.advice.words import count, ms
from nutrace.analysis.collections import is_full

_LIKELY = 0.8  # a full collection still looks at what the simulation made


def find(facts: Facts) -> Iterator[Finding]:
    """The full collections inside of simulations."""
    collected = facts.collections
    if collected is None or "propagation" in facts.speedups:
        return
    spans = full_collections(facts, inside=True)
    saves = facts.subtrees(spans)
    if not saves:
        return
    in_steps = collected.full_in_steps
    calls = sum(facts.trace.calls[span] for span in spans)
    evidence: List[str] = [
        f"{count(calls, 'full collection')} in the simulations, {ms(sum(saves.values()))}; "
        f"{in_steps.count:,} of them in the steps, {ms(in_steps.total_ns)}"
    ]
    for tail in collected.tails:
        if tail.struck:
            evidence.append(
                f"{tail.struck:,} of the {tail.steps:,} slowest steps hold one: without collections p"
                f"{tail.percent} would be {ms(tail.without_ns)} instead of {ms(tail.threshold_ns)}"
            )
    yield Finding(
        title="Keep older objects out of garbage collections (gc.freeze) while a simulation runs",
        evidence=tuple(evidence),
        sureness=Sureness.MEASURED,
        because="the time of these collections, of which those are left that look at what a simulation made; "
        "when a collection strikes differs from run to run",
        saves=saves,
        likely_part=_LIKELY,
        proof=(bench(facts, "frozen:propagation"),),
    )


def full_collections(facts: Facts, *, inside: bool) -> List[int]:
    """The spans of full collections inside, or outside, of simulations; without these, of steps."""
    trace = facts.trace
    spans, end = [], 0
    around = semconv.RUN_SPAN if semconv.RUN_SPAN in trace.name else semconv.STEP_SPAN
    for span, name in enumerate(trace.name):
        if name == around:
            end = max(end, trace.subtree_end[span])
        elif (
            name == semconv.GC_SPAN
            and trace.component[span] == "gc"
            and (span < end) is inside
            and is_full(trace, span)
        ):
            spans.append(span)
    return spans
