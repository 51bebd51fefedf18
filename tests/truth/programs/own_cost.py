"""Events of one kind, warm or cold: ``own_cost.py KIND TEMPERATURE EVENTS``.

`facts["events_ns"]` is what they took by the program's clock. Before each cold event the program goes through
more memory and code than the processor's caches hold. Beside nothing it is what events cost by themselves;
the rest is what the tool costs.
"""

from __future__ import annotations

import copy
import sqlite3
import sys
from typing import Any, Callable, Dict, Iterator

from truth.known import clock, facts, probe, run

KIND, TEMPERATURE, EVENTS = sys.argv[1], sys.argv[2], int(sys.argv[3])
ROWS = 1000
ITEMS = [[1, 2], [3, 4]]
# Copied over and over, so that it goes through the caches; nothing is allocated for it.
LARGE, SOURCE = bytearray(8 << 20), bytes(8 << 20)


@probe("planner")
def even() -> None:
    pass


@probe("observation")
def odd() -> None:
    pass


@probe("database")
def values(number: int) -> Iterator[int]:
    yield from range(number)


@probe("planner")
def failing() -> None:
    raise ValueError("as expected")


def api_spans() -> Callable[[], None]:
    """A span of the OpenTelemetry API, which is recorded by whichever provider there is."""
    from opentelemetry import trace

    tracer = trace.get_tracer("laboratory")

    def one() -> None:
        with tracer.start_as_current_span("api"):
            pass

    return one


def pair() -> None:
    # Two functions in turn, so that no tool can merge them.
    even()
    odd()


def exception() -> None:
    try:
        failing()
    except ValueError:
        pass


def events(connection: sqlite3.Connection) -> Dict[str, Callable[[], Any]]:
    """The kinds; a pair of calls, and the next row or value, count as they are."""
    rows = iter(())
    numbers = iter(())

    def row() -> None:
        nonlocal rows
        if next(rows, None) is None:
            rows = connection.execute("SELECT a FROM t")

    def value() -> None:
        nonlocal numbers
        if next(numbers, None) is None:
            numbers = values(ROWS)

    def connect() -> None:
        sqlite3.connect(":memory:").close()

    return {
        "calls": pair,
        "values": value,
        "exceptions": exception,
        "rows": row,
        "statements": lambda: connection.execute("SELECT 1").fetchone(),
        "connects": connect,
        "copies": lambda: copy.deepcopy(ITEMS),
        "api": api_spans(),
        "nothing": lambda: None,
    }


def main() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(ROWS)])
    event = events(connection)[KIND]
    spent = 0
    if TEMPERATURE == "cold":
        for _ in range(EVENTS):
            LARGE[:] = SOURCE
            began = clock()
            event()
            spent += clock() - began
    else:
        began = clock()
        for _ in range(EVENTS):
            event()
        spent = clock() - began
    connection.close()
    facts["events_ns"], facts["events"] = spent, EVENTS


run(main)
