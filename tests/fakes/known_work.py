"""A program whose functions spend known parts of the time of known spans, and which says how much.

    python known_work.py SECONDS SEED

It prints, for each span, the seconds of each function as it has measured them itself; and then for which part
of its work it had a processor, in that section where this was the least.
Parts are 50, 30 and 20 %, in slices of a few milliseconds that differ, so that no sampler beats in time.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import sys
import threading
import time
from typing import Any, Callable, Dict, Iterator, Tuple

import nutrace

Spent = Dict[str, Dict[str, float]]

spent: Spent = {}
SECONDS = float(sys.argv[1]) if __name__ == "__main__" else 0.0
chance = random.Random(int(sys.argv[2]) if __name__ == "__main__" else 0)


def heavy(where: str, seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass
    note(where, "heavy", time.perf_counter() - began)


def medium(where: str, seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass
    note(where, "medium", time.perf_counter() - began)


def light(where: str, seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass
    note(where, "light", time.perf_counter() - began)


def note(where: str, function: str, seconds: float) -> None:
    of = spent.setdefault(where, {})
    of[function] = of.get(function, 0.0) + seconds


PARTS: Tuple[Tuple[Callable[[str, float], None], float], ...] = ((heavy, 0.5), (medium, 0.3), (light, 0.2))


def mixed(where: str, seconds: float) -> None:
    """Spend about so many seconds."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        slice_s = chance.uniform(0.003, 0.03)
        for function, part in PARTS:
            function(where, part * slice_s)


@nutrace.probe(name="plain")
def plain() -> None:
    mixed("plain", SECONDS)


@nutrace.probe(name="rows")
def rows() -> Iterator[int]:
    for row in range(10):
        mixed("rows", SECONDS / 10)
        yield row


@nutrace.probe(name="consumer")
def consumer() -> None:
    for _ in rows():
        heavy("consumer", SECONDS / 25)


@nutrace.probe(name="recursing")
def recursing() -> None:
    descend(20)


def descend(depth: int) -> None:
    if depth:
        descend(depth - 1)
        if depth % 5 == 0:
            mixed("recursing", SECONDS / 5)
    else:
        mixed("recursing", SECONDS / 5)


@nutrace.probe(name="walk")
def walk(depth: int) -> None:
    mixed("walk", SECONDS / 4)
    if depth:
        walk(depth - 1)


@nutrace.probe(name="threaded")
def threaded() -> None:
    mixed("threaded", SECONDS)


@nutrace.probe(name="waiting")
def waiting() -> None:
    thread = threading.Thread(target=threaded)
    thread.start()
    thread.join()


@nutrace.probe(name="child")
def child() -> None:
    mixed("child", SECONDS)


def in_child(sender: Any) -> None:
    spent.clear()
    had = had_processor(child)
    sender.send((spent, had))


def had_processor(section: Callable[[], None]) -> float:
    """Run a section; for which part of it this process had a processor."""
    began, used = time.perf_counter(), time.process_time()
    section()
    return (time.process_time() - used) / (time.perf_counter() - began)


def main() -> None:
    had = [had_processor(section) for section in (plain, consumer, recursing, lambda: walk(3), waiting)]
    forked = multiprocessing.get_context("fork")
    receiver, sender = forked.Pipe(duplex=False)
    process = forked.Process(target=in_child, args=(sender,))
    process.start()
    spent_by_child, had_by_child = receiver.recv()
    spent.update(spent_by_child)
    process.join()
    print(json.dumps(spent))
    print(min(*had, had_by_child))


if __name__ == "__main__":
    main()
