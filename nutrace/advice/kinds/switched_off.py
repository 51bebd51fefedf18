"""A program that switches its garbage collector off in the steps and never on again."""

from __future__ import annotations

import shlex
from typing import Iterator

from nutrace.advice.facts import Facts
from nutrace.advice.finding import Finding, Sureness
from nutrace.advice.proof import plain
from nutrace.advice.words import mb
from nutrace.analysis.memory import memory

_MOST_OF_THE_STEPS = 0.5


def find(facts: Facts) -> Iterator[Finding]:
    """Something to know, which saves no time."""
    collected = facts.collections
    switched = None if collected is None else collected.switched
    if switched is None or not switched.off or switched.on or (switched.off_share or 0) < _MOST_OF_THE_STEPS:
        return
    used = memory(facts.whole)
    grown = [
        f"a process grows by {mb(growth.per_scenario)} a scenario ({growth.scenarios:,} scenarios)"
        for growth in (used.growth if used else ())
        if growth.steady and growth.per_scenario
    ]
    where = ", ".join(f"{name} {calls:,} times" for name, calls in switched.off_in[:2])
    yield Finding(
        title="Know that the garbage collector is off: no pauses in the steps, and cycles stay in memory",
        evidence=(
            f"gc.disable() in {where}, gc.enable() never; off for {switched.off_share:.0%} of the steps",
            *(grown[:1] or [f"peak {mb(used.peak)} resident" if used else "memory was not recorded"]),
        ),
        sureness=Sureness.MEASURED,
        because="it saves no time to change it; with many scenarios in a process it may cost the memory",
        proof=(plain(f"nutrace report {shlex.quote(facts.file)}"),),
    )
