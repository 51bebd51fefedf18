"""Tasks of asyncio that work and wait in turn: ``tasks.py ROUNDS``, two tasks of 20 turns."""

from __future__ import annotations

import asyncio
import sys

from truth.known import US, burnt, calls, clock, clockings, probe, run

ROUNDS = int(sys.argv[1])
TURNS = 20


@probe("planner")
async def longer() -> None:
    for _ in range(TURNS):
        began = clock()
        for _ in range(100 * US):
            pass
        burnt["longer"] += clock() - began
        await asyncio.sleep(0)


@probe("observation")
async def shorter() -> None:
    for _ in range(TURNS):
        began = clock()
        for _ in range(50 * US):
            pass
        burnt["shorter"] += clock() - began
        await asyncio.sleep(0)


async def rounds() -> None:
    for _ in range(ROUNDS):
        await asyncio.gather(longer(), shorter())


def main() -> None:
    asyncio.run(rounds())
    calls.update(longer=ROUNDS, shorter=ROUNDS)
    clockings.update(longer=TURNS * ROUNDS, shorter=TURNS * ROUNDS)


run(main)
