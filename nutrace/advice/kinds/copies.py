"""Deep copies in the steps."""

from __future__ import annotations

import shlex
from typing import Iterator, List, Tuple

from nutrace import semconv
from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import against, plain
from nutrace.advice.words import count, ms, place
from nutrace.analysis.deepcopies import Amount, Source

_LISTED = 6


def find(facts: Facts) -> Iterator[Finding]:
    """The copies of all callers."""
    copies, trace = facts.copies, facts.trace
    amount = copies.in_steps + copies.beside_steps
    if not facts.steps or not amount.root_calls:
        return
    spans = [
        span
        for span, name in enumerate(trace.name)
        if name == semconv.DEEPCOPY_SPAN and facts.is_set_off_by_step(span)
    ]
    sources = sorted(
        ((source, source.in_steps + source.beside_steps) for source in copies.sources),
        key=lambda each: -each[1].total_ns,
    )
    yield Finding(
        title=f"Make fewer deep copies in the steps: {count(amount.root_calls / facts.steps, 'call')} a step",
        evidence=(
            f"{facts.per_step(amount.root_calls)} of {amount.objects / facts.steps:,.0f} objects, "
            f"{ms(amount.total_ns / facts.steps)} a step",
            *_by_whom(facts, [each for each in sources if each[1].root_calls]),
        ),
        sureness=Sureness.MEASURED,
        because="the time of the copies; a shallow copy, or none, takes a part of it",
        saves={span: float(trace.self_ns[span]) for span in spans},
        proof=(plain(f"nutrace deepcopy {shlex.quote(facts.file)}"), against(facts)),
    )


def _by_whom(facts: Facts, sources: List[Tuple[Source, Amount]]) -> Iterator[str]:
    for source, amount in sources[:_LISTED]:
        yield (
            f"{amount.root_calls / facts.steps:,.1f} a step, {ms(amount.total_ns / facts.steps)}: "
            f"{place(source.caller)} copies {source.root_type}"
        )
    rest = sources[_LISTED:]
    if rest:
        calls = sum(amount.root_calls for _, amount in rest)
        yield f"{calls / facts.steps:,.1f} a step by {len(rest):,} more callers"
