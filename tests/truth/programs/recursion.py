"""A function that calls itself: ``recursion.py ROUNDS``, 40 levels of 20 us."""

from __future__ import annotations

import sys

from truth.known import US, burnt, calls, clock, probe, run

ROUNDS = int(sys.argv[1])
LEVELS = 40


@probe("planner")
def descend(levels: int) -> None:
    began = clock()
    for _ in range(20 * US):
        pass
    burnt["descend"] += clock() - began
    if levels > 1:
        descend(levels - 1)


@probe("simulation")
def begin() -> None:
    began = clock()
    for _ in range(200 * US):
        pass
    burnt["begin"] += clock() - began
    descend(LEVELS)


def main() -> None:
    for _ in range(ROUNDS):
        begin()
    calls.update(begin=ROUNDS, descend=LEVELS * ROUNDS)


run(main)
