"""Thirty functions alike, below one that calls them: ``injected.py MICROSECONDS ROUNDS``.

Each burns 30 us, and `part_17` so many microseconds more. They are written out, as some tools tell functions
apart by their lines.
"""

from __future__ import annotations

import sys

from truth.known import US, burnt, calls, clock, facts, probe, run

MICROSECONDS, ROUNDS = int(sys.argv[1]), int(sys.argv[2])
USUAL = 30 * US


@probe("planner")
def part_00() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_00"] += clock() - began


@probe("planner")
def part_01() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_01"] += clock() - began


@probe("planner")
def part_02() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_02"] += clock() - began


@probe("planner")
def part_03() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_03"] += clock() - began


@probe("planner")
def part_04() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_04"] += clock() - began


@probe("planner")
def part_05() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_05"] += clock() - began


@probe("planner")
def part_06() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_06"] += clock() - began


@probe("planner")
def part_07() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_07"] += clock() - began


@probe("planner")
def part_08() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_08"] += clock() - began


@probe("planner")
def part_09() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_09"] += clock() - began


@probe("planner")
def part_10() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_10"] += clock() - began


@probe("planner")
def part_11() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_11"] += clock() - began


@probe("planner")
def part_12() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_12"] += clock() - began


@probe("planner")
def part_13() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_13"] += clock() - began


@probe("planner")
def part_14() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_14"] += clock() - began


@probe("planner")
def part_15() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_15"] += clock() - began


@probe("planner")
def part_16() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_16"] += clock() - began


@probe("planner")
def part_17() -> None:
    began = clock()
    for _ in range(USUAL + MICROSECONDS * US):
        pass
    burnt["part_17"] += clock() - began


@probe("planner")
def part_18() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_18"] += clock() - began


@probe("planner")
def part_19() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_19"] += clock() - began


@probe("planner")
def part_20() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_20"] += clock() - began


@probe("planner")
def part_21() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_21"] += clock() - began


@probe("planner")
def part_22() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_22"] += clock() - began


@probe("planner")
def part_23() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_23"] += clock() - began


@probe("planner")
def part_24() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_24"] += clock() - began


@probe("planner")
def part_25() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_25"] += clock() - began


@probe("planner")
def part_26() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_26"] += clock() - began


@probe("planner")
def part_27() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_27"] += clock() - began


@probe("planner")
def part_28() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_28"] += clock() - began


@probe("planner")
def part_29() -> None:
    began = clock()
    for _ in range(USUAL):
        pass
    burnt["part_29"] += clock() - began


@probe("observation")
def parts() -> None:
    began = clock()
    for _ in range(10 * USUAL):
        pass
    burnt["parts"] += clock() - began
    for part in PARTS:
        part()


PARTS = [globals()[f"part_{number:02}"] for number in range(30)]


def main() -> None:
    for _ in range(ROUNDS):
        parts()
    calls.update({part.__name__: ROUNDS for part in PARTS}, parts=ROUNDS)
    facts["injected_ns"] = MICROSECONDS * 1000 * ROUNDS


run(main)
