"""Deep copies: ``copies.py ROUNDS``; `burnt` is the time around the copies themselves."""

from __future__ import annotations

import copy
import sys

from truth.known import US, burnt, calls, clock, probe, run

ROUNDS = int(sys.argv[1])
TREE = [[{"number": number, "name": str(number)} for number in range(5)] for _ in range(5)]


@probe("planner")
def copying() -> None:
    for _ in range(200 * US):
        pass
    began = clock()
    copy.deepcopy(TREE)
    burnt["deepcopy"] += clock() - began


def main() -> None:
    for _ in range(ROUNDS):
        copying()
    calls.update(copying=ROUNDS, deepcopy=ROUNDS)


run(main)
