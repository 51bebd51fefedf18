"""An exception that passes through a function into another that handles it: ``exceptions.py ROUNDS``.

`usual` and `returns` do the same without an exception.
"""

from __future__ import annotations

import sys

from truth.known import US, burnt, calls, clock, probe, run

ROUNDS = int(sys.argv[1])


@probe("database")
def raises(fail: bool) -> None:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["raises"] += clock() - began
    if fail:
        raise ValueError("as expected")


@probe("map")
def passes() -> None:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["passes"] += clock() - began
    raises(True)


@probe("planner")
def handles() -> None:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["handles"] += clock() - began
    try:
        passes()
    except ValueError:
        pass


@probe("planner")
def usual() -> None:
    began = clock()
    for _ in range(50 * US):
        pass
    burnt["usual"] += clock() - began
    raises(False)


def main() -> None:
    for _ in range(ROUNDS):
        handles()
        usual()
    calls.update(raises=2 * ROUNDS, passes=ROUNDS, handles=ROUNDS, usual=ROUNDS)


run(main)
