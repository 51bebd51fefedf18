"""Spans that take much of a step, and of which it is not known what they do."""

from __future__ import annotations

import shlex
from typing import Iterator, Tuple

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import plain, traced
from nutrace.advice.words import ms, place
from nutrace.analysis.origins import Caller
from nutrace.suggestions.opaque import Opaque, opaque

_LEAST = 0.1  # of a step, in no span below
_ITSELF = 0.5  # of its own time
#: Their spans say what they do.
_CLEAR = ("database", "gc", "deepcopy", "config")
_LISTED = 5
_ALL = 0.95  # a function that is the whole span says nothing


def find(facts: Facts) -> Iterator[Finding]:
    """A finding for each such kind of span."""
    if not facts.steps:
        return
    for span in opaque(facts.trace, facts.regions):
        if span.share < _LEAST or span.self_share < _ITSELF or span.component in _CLEAR:
            continue
        inside = _sampled(facts, span)
        run = shlex.quote(facts.file)
        suggest = plain(f"nutrace suggest {run} > probes.toml")
        yield Finding(
            title=f"Look into {span.span}: {ms(span.self_ms * 1e6)} a step, {span.share:.0%} of it, "
            f"{'lie in no span' if not inside else 'are sampled, and have no spans'}",
            evidence=inside or (f"{span.self_share:.0%} of its time lies in no span below it",),
            sureness=Sureness.MEASURED,
            because="what can be saved shows when its functions are known",
            unknown_share=span.share,
            proof=(
                (plain(f"nutrace report {run} --inside {shlex.quote(span.span)}"), suggest)
                if inside
                else (traced(facts, "NUTRACE=1 NUTRACE_SAMPLE=1"), suggest)
            ),
        )


def _sampled(facts: Facts, span: Opaque) -> Tuple[str, ...]:
    """The functions in which it spends most, as far as samples tell."""
    for kind in facts.inside:
        if kind.span == span.span:
            below = [each for each in kind.functions if not each.itself and each.total_share < _ALL]
            below.sort(key=lambda each: -each.total_ns)
            return tuple(
                f"{each.total_share:.0%} ({each.total_low:.0%} to {each.total_high:.0%}) in "
                f"{place(Caller(each.function, each.file, each.line))} and what it calls"
                for each in below[:_LISTED]
            )
    return ()
