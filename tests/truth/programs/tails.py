"""Many steps of 97 calls, of which none can be merged: ``tails.py STEPS``.

`facts` has percentiles of the steps by the program's own clock, in nanoseconds. There are enough calls that
every buffer fills several times.
"""

from __future__ import annotations

import sys
from typing import List

from truth.known import US, burnt, calls, clock, facts, percentile, probe, run

STEPS = int(sys.argv[1])


@probe("planner")
def even() -> None:
    began = clock()
    for _ in range(15 * US):
        pass
    burnt["even"] += clock() - began


@probe("observation")
def odd() -> None:
    began = clock()
    for _ in range(15 * US):
        pass
    burnt["odd"] += clock() - began


@probe("simulation")
def step() -> None:
    for _ in range(48):
        even()
        odd()


def main() -> None:
    durations: List[int] = []
    for _ in range(STEPS):
        began = clock()
        step()
        durations.append(clock() - began)
    calls.update(step=STEPS, even=48 * STEPS, odd=48 * STEPS)
    facts["mean_ns"] = sum(durations) / STEPS
    for name, share in (("p50_ns", 0.50), ("p95_ns", 0.95), ("p99_ns", 0.99)):
        facts[name] = percentile(durations, share)
    facts["longest_ns"] = max(durations)


run(main)
