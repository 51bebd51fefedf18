"""Short calls of which one in ten is long, in one loop: ``mixed_calls.py CALLS``.

`facts` has the percentiles of what the calls have burnt, in nanoseconds.
"""

from __future__ import annotations

import sys
from typing import List

from truth.known import US, burnt, calls, clock, facts, percentile, probe, run

CALLS = int(sys.argv[1])
durations: List[int] = []


@probe("planner")
def leaf(turns: int) -> None:
    began = clock()
    for _ in range(turns):
        pass
    durations.append(clock() - began)


@probe("simulation")
def loop() -> None:
    for number in range(CALLS):
        leaf(100 * US if number % 10 == 0 else 5 * US)


def main() -> None:
    loop()
    burnt["leaf"] = sum(durations)
    calls.update(loop=1, leaf=CALLS)
    facts["p50_ns"], facts["p95_ns"] = percentile(durations, 0.50), percentile(durations, 0.95)


run(main)
