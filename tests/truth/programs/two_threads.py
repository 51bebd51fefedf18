"""Two threads that burn at the same time: ``two_threads.py ROUNDS``.

What a thread waits for the interpreter's lock is in its loops, and so in what is known.
"""

from __future__ import annotations

import sys
import threading

from truth.known import US, burnt, calls, clock, probe, run

ROUNDS = int(sys.argv[1])


@probe("planner")
def first() -> None:
    began = clock()
    for _ in range(500 * US):
        pass
    burnt["first"] += clock() - began


@probe("observation")
def second() -> None:
    began = clock()
    for _ in range(200 * US):
        pass
    burnt["second"] += clock() - began


def firsts() -> None:
    for _ in range(ROUNDS):
        first()


def seconds() -> None:
    for _ in range(ROUNDS):
        second()


def main() -> None:
    thread = threading.Thread(target=seconds)
    thread.start()
    firsts()
    thread.join()
    calls.update(first=ROUNDS, second=ROUNDS)


run(main)
