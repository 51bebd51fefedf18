"""Spans that cost more than they show: a lower NUTRACE_LEVEL leaves them out."""

from __future__ import annotations

from collections import defaultdict
from typing import DefaultDict, Dict, Iterator, List

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import bench
from nutrace.advice.words import ms
from nutrace.probes.catalogue import collect
from nutrace.settings import LEVELS
from nutrace.suggestions.cost import calling_ns, unit_ns

_LISTED = 4
#: Spans of sqlite3 that have no row of their own in the catalogue.
_OF_STATEMENTS = ("sqlite3.close", "sqlite3.commit", "sqlite3.rollback")


def find(facts: Facts) -> Iterator[Finding]:
    """The cost of the spans that the level below would leave out."""
    level = facts.settings.get("level")
    unit = unit_ns(facts.whole)
    if level not in LEVELS[1:] or unit is None or not facts.steps:
        return
    below = LEVELS[LEVELS.index(level) - 1]
    trace = facts.trace
    left_out = _only_at(level)
    saves: DefaultDict[int, float] = defaultdict(float)
    costs: Dict[str, List[float]] = {}
    for span, name in enumerate(trace.name):
        if name in left_out and facts.in_step(span):
            cost = calling_ns(unit, trace.calls[span], trace.yielded[span])
            holder = trace.parent[span] if trace.nested(span) else span
            saves[holder] += cost  # most of it is spent around the call
            entry = costs.setdefault(name, [0, 0, 0])
            entry[0] += trace.calls[span]
            entry[1] += cost
            entry[2] += trace.self_ns[span]
    if not costs:
        return
    dearest = sorted(costs.items(), key=lambda each: -each[1][1])
    yield Finding(
        title=f"Trace with NUTRACE_LEVEL={below} where {level} is not needed",
        evidence=(
            f"about {ms(sum(cost for _, cost, _ in costs.values()) / facts.steps)} a step of a traced run go "
            f"into spans that {below} leaves out",
            *(
                f"{calls / facts.steps:,.1f} a step {name}: cost {ms(cost / facts.steps)}, "
                f"show {ms(own / facts.steps)} of self time"
                for name, (calls, cost, own) in dearest[:_LISTED]
            ),
        ),
        sureness=Sureness.ESTIMATED,
        because="from what a call of a probe takes in a loop, twice that between other work; a run that is "
        "not traced does not have it",
        saves={span: min(time, trace.self_ns[span]) for span, time in saves.items()},
        likely_part=1.0,
        proof=(bench(facts, f"{below}:NUTRACE_LEVEL={below}"),),
        only_traced=True,
    )


def _only_at(level: str) -> frozenset[str]:
    """Names of spans that the level has, and the one below has not."""
    probes = collect()
    names = {probe.span_name for probe in probes if probe.level == level}
    names -= {probe.span_name for probe in probes if LEVELS.index(probe.level) < LEVELS.index(level)}
    return frozenset(names | set(_OF_STATEMENTS if "sqlite3.statement" in names else ()))
