"""Nested functions that burn 10 us, 100 us, 1 ms and 10 ms themselves: ``nested.py STEPS``."""

from __future__ import annotations

import sys

from truth.known import US, burnt, calls, clock, probe, run

STEPS = int(sys.argv[1])


@probe("database")
def tens() -> None:
    began = clock()
    for _ in range(10 * US):
        pass
    burnt["tens"] += clock() - began


@probe("observation")
def hundreds() -> None:
    began = clock()
    for _ in range(100 * US):
        pass
    burnt["hundreds"] += clock() - began
    for _ in range(10):
        tens()


@probe("controller")
def thousands() -> None:
    began = clock()
    for _ in range(1000 * US):
        pass
    burnt["thousands"] += clock() - began
    for _ in range(5):
        hundreds()


@probe("planner")
def step() -> None:
    began = clock()
    for _ in range(10_000 * US):
        pass
    burnt["step"] += clock() - began
    for _ in range(2):
        thousands()


def main() -> None:
    for _ in range(STEPS):
        step()
    calls.update(step=STEPS, thousands=2 * STEPS, hundreds=10 * STEPS, tens=100 * STEPS)


run(main)
