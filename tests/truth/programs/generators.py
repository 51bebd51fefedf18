"""A loop over a generator's rows, and a generator that yields from another: ``generators.py ROUNDS``."""

from __future__ import annotations

import sys
from typing import Iterator

from truth.known import US, burnt, calls, clock, clockings, probe, run

ROUNDS = int(sys.argv[1])
ROWS = 50


@probe("database")
def rows() -> Iterator[int]:
    for row in range(ROWS):
        began = clock()
        for _ in range(10 * US):
            pass
        burnt["rows"] += clock() - began
        yield row


@probe("observation")
def looping() -> None:
    for _ in rows():
        began = clock()
        for _ in range(5 * US):
            pass
        burnt["looping"] += clock() - began


@probe("database")
def inner() -> Iterator[int]:
    for row in range(ROWS):
        began = clock()
        for _ in range(10 * US):
            pass
        burnt["inner"] += clock() - began
        yield row


@probe("database")
def outer() -> Iterator[int]:
    began = clock()
    for _ in range(200 * US):
        pass
    burnt["outer"] += clock() - began
    yield from inner()


@probe("observation")
def delegating() -> None:
    for _ in outer():
        began = clock()
        for _ in range(5 * US):
            pass
        burnt["delegating"] += clock() - began


def main() -> None:
    for _ in range(ROUNDS):
        looping()
        delegating()
    calls.update(dict.fromkeys(("rows", "looping", "inner", "outer", "delegating"), ROUNDS))
    clockings.update(dict.fromkeys(("rows", "looping", "inner", "delegating"), ROWS * ROUNDS))


run(main)
