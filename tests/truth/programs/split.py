"""The same work in ever more calls: ``split.py CALLS ROUNDS``, 5 ms of work a round.

`pieces` only calls, so `burnt` knows nothing of it: what it truly takes is seen beside nothing, where
`facts["hot_ns"]` is the time of the whole.
"""

from __future__ import annotations

import sys

from truth.known import US, burnt, calls, clock, facts, probe, run

CALLS, ROUNDS = int(sys.argv[1]), int(sys.argv[2])
TURNS = 5000 * US // CALLS


@probe("planner")
def whole() -> None:
    began = clock()
    for _ in range(5000 * US):
        pass
    burnt["whole"] += clock() - began


@probe("database")
def piece() -> None:
    for _ in range(TURNS):
        pass


@probe("observation")
def pieces() -> None:
    for _ in range(CALLS):
        piece()


def main() -> None:
    hot_ns = 0
    for _ in range(ROUNDS):
        whole()
        began = clock()
        pieces()
        hot_ns += clock() - began
    calls.update(whole=ROUNDS, pieces=ROUNDS, piece=CALLS * ROUNDS)
    facts["hot_ns"] = hot_ns


run(main)
