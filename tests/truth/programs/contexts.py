"""A context manager that works before and after its block: ``contexts.py ROUNDS``.

The block calls a function, and does nothing itself: so it makes no difference whether a tool counts a block
to its context manager or to the function in which it stands.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Iterator

from truth.known import US, burnt, calls, clock, clockings, probe, run

ROUNDS = int(sys.argv[1])


@probe("database")
@contextmanager
def opened() -> Iterator[None]:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["opened"] += clock() - began
    yield
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["opened"] += clock() - began


@probe("planner")
def within() -> None:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["within"] += clock() - began


@probe("simulation")
def uses() -> None:
    began = clock()
    for _ in range(100 * US):
        pass
    burnt["uses"] += clock() - began
    with opened():
        within()


def main() -> None:
    for _ in range(ROUNDS):
        uses()
    calls.update(uses=ROUNDS, opened=ROUNDS, within=ROUNDS)
    clockings.update(opened=2 * ROUNDS)


run(main)
