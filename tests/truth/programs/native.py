"""C code that holds the interpreter's lock, and C code that gives it away: ``native.py ROUNDS``."""

from __future__ import annotations

import hashlib
import sys

from truth.known import burnt, calls, clock, probe, run

ROUNDS = int(sys.argv[1])
NUMBERS = list(range(100_000))


@probe("planner")
def holding() -> None:
    began = clock()
    sum(NUMBERS)
    sum(NUMBERS)
    burnt["holding"] += clock() - began


@probe("observation")
def releasing() -> None:
    began = clock()
    hashlib.pbkdf2_hmac("sha256", b"laboratory", b"salt", 4000)
    burnt["releasing"] += clock() - began


def main() -> None:
    for _ in range(ROUNDS):
        holding()
        releasing()
    calls.update(holding=ROUNDS, releasing=ROUNDS)


run(main)
