"""What recording an event of each kind costs, as a multiple of what a call costs.

    python tests/benchmarks/prices.py

Each row is a loop in one process, traced below an outer span and untraced in turn; the best of the rounds is
taken. Nanoseconds: `outside` lies in the outer span's self time, `inside` in the event's own span; writing is
in neither. `x` is the multiple of what a call costs in all, beside the one that is shipped in
`nutrace/probes/shipped_prices.py`. Fails (exit code 1) if a shipped one is wrong by more than a quarter of
the event's price.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional

from opentelemetry import trace

import nutrace
from nutrace.prices import (
    API,
    CALL,
    COLLECTION,
    CONNECTION,
    COPY,
    ERROR,
    MERGED,
    RESUMPTION,
    ROW,
    STATEMENT,
    Price,
)
from nutrace.probes.catalogue.copies import PROBES as OF_COPIES
from nutrace.probes.catalogue.garbage import PROBES as OF_GARBAGE
from nutrace.probes.catalogue.sqlite import PROBES as OF_SQLITE
from nutrace.probes.shipped_prices import MULTIPLES
from nutrace.recording import failures
from nutrace.recording.buffers import local
from nutrace.recording.garbage import collections as watched

clock = time.perf_counter_ns
WRONG = 0.25


@nutrace.probe
def one() -> None:
    pass


@nutrace.probe
def other() -> None:
    pass


@nutrace.probe
def failing() -> None:
    raise ValueError("as expected")


@nutrace.probe
def values(number: int) -> Iterator[int]:
    yield from range(number)


@nutrace.probe
async def waits() -> None:
    pass


@nutrace.probe
@contextlib.contextmanager
def manager() -> Iterator[None]:
    yield


class Methods:
    """Methods of all kinds."""

    @nutrace.probe
    def one(self) -> None:
        pass

    @nutrace.probe
    def other(self) -> None:
        pass

    @classmethod
    @nutrace.probe
    def of_class(cls) -> None:
        pass

    @nutrace.probe
    @staticmethod
    def static() -> None:
        pass


def calls(number: int) -> None:
    for _ in range(number // 2):
        one()
        other()


def methods(number: int) -> None:
    methods = Methods()
    for _ in range(number // 2):
        methods.one()
        methods.other()


def other_methods(number: int) -> None:
    methods = Methods()
    for _ in range(number // 2):
        methods.of_class()
        methods.static()


def merged(number: int) -> None:
    for _ in range(number):
        one()


def merged_methods(number: int) -> None:
    methods = Methods()
    for _ in range(number):
        methods.one()


def blocks(number: int) -> None:
    for _ in range(number // 2):
        with nutrace.span("one"):
            pass
        with nutrace.span("other"):
            pass


def managers(number: int) -> None:
    for _ in range(number):
        with manager():
            pass


def coroutines(number: int) -> None:
    async def main() -> None:
        for _ in range(number):
            await waits()

    with contextlib.suppress(StopIteration):
        main().send(None)


def resumptions(number: int) -> None:
    for _ in values(number):
        pass


def generators(number: int) -> None:
    for _ in range(number):
        for _ in values(0):
            pass


def errors(number: int) -> None:
    for _ in range(number):
        with contextlib.suppress(ValueError):
            failing()


def api(number: int) -> None:
    tracer = trace.get_tracer("benchmark")
    for _ in range(number):
        with tracer.start_as_current_span("api"):
            pass


ITEMS = [[1, 2], [3, 4]]


def copies(number: int) -> None:
    for _ in range(number):
        copy.deepcopy(ITEMS)


def collections(number: int) -> None:
    for _ in range(number):
        gc.collect(0)


def statements(number: int) -> None:
    for each in range(number):
        database.connection.execute("SELECT a FROM t WHERE a = ?", (each,)).fetchone()


def rows(number: int) -> None:
    for _ in database.connection.execute("SELECT a FROM t LIMIT ?", (number,)):
        pass


def rows_at_once(number: int) -> None:
    database.connection.execute("SELECT a FROM t LIMIT ?", (number,)).fetchall()


def connections(number: int) -> None:
    for _ in range(number):
        sqlite3.connect(":memory:").close()


class Database:
    """A table in memory, whose connection is traced if tracing is on when it is opened."""

    connection: sqlite3.Connection

    def open(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
        self.connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(1000)])


database = Database()


class Kind(NamedTuple):
    """A loop of events."""

    name: str
    loop: Callable[[int], None]
    number: int  # of turns
    kind: str  # of the events, two in a turn of `connections`
    besides: Mapping[str, float] = {}  # other events in a turn
    in_child: bool = False  # whether what an event takes untraced is in the event's own span


LOOPS = (
    Kind("two functions in turn", calls, 600, CALL),
    Kind("two methods in turn", methods, 600, CALL),
    Kind("class and static methods", other_methods, 600, CALL),
    Kind("nutrace.span", blocks, 600, CALL),
    Kind("context managers", managers, 300, CALL),
    Kind("coroutines", coroutines, 300, CALL),
    Kind("generators without values", generators, 300, CALL),
    Kind("one function", merged, 2560, MERGED),
    Kind("one method", merged_methods, 2560, MERGED),
    Kind("values of a generator", resumptions, 1000, RESUMPTION, {CALL: 0.001}),
    Kind("exceptions", errors, 300, ERROR, {CALL: 1}),
    Kind("statements", statements, 300, STATEMENT, {ROW: 1}, True),
    Kind("rows", rows, 1000, ROW, {STATEMENT: 0.001}, True),
    Kind("rows at once", rows_at_once, 1000, ROW, {STATEMENT: 0.001}, True),
    Kind("connections", connections, 300, CONNECTION, {}, True),
    Kind("deep copies", copies, 300, COPY, {}, True),
    Kind("collections", collections, 300, COLLECTION, {}, True),
    Kind("spans of the OpenTelemetry API", api, 300, API, {}, True),
)


class Measured(NamedTuple):
    """What a turn took, traced and not, in ns; `noted_ns` is what nutrace has clocked itself."""

    bare_ns: float
    outer_ns: float
    children_ns: float
    noted_ns: float


def empty(number: int) -> None:
    for _ in range(number):
        pass


def timed(loop: Callable[[int], None], number: int) -> int:
    began = clock()
    loop(number)
    return clock() - began


def measure(kind: Kind, folder: Path) -> Measured:
    """One round."""
    database.open()
    kind.loop(10)
    bare_ns = timed(kind.loop, kind.number)
    settings = nutrace.Settings(output=str(folder / "run.json"), summary=False, flush_seconds=3600)
    session = nutrace.instrument(settings, probes=[*OF_COPIES, *OF_GARBAGE, *OF_SQLITE])
    with nutrace.span("outer"):
        database.open()
        kind.loop(10)
        session.recorder.flush()
        noted_ns = session.recorder.own_time.sum_ns(failures.OWN)
        outer_ns = timed(kind.loop, kind.number)
        noted_ns = session.recorder.own_time.sum_ns(failures.OWN) - noted_ns
        children_ns = sum(collections_ns() if kind.kind == COLLECTION else map(busy_ns, local.spans))
    assert session.recorder.diagnostics.dropped == 0
    nutrace.uninstrument()
    return Measured(*(each / kind.number for each in (bare_ns, outer_ns, children_ns, noted_ns)))


def busy_ns(record: Any) -> int:
    if hasattr(record, "sum_ns"):
        return int(record.sum_ns)
    details = record.details
    return int(
        record.ended - record.started if details is None or details.busy_ns is None else details.busy_ns
    )


def collections_ns() -> Iterator[int]:
    began = 0
    for event in list(watched._waiting):
        if len(event) == 2:
            began = event[0]
        elif event[1][0] == 0:
            yield event[0] - began


def best(kind: Kind, rounds: List[Measured], empty_ns: float) -> Price:
    """The price of a turn."""
    bare_ns = min(each.bare_ns for each in rounds)
    total_ns = min(each.outer_ns - each.noted_ns for each in rounds) - bare_ns
    base_ns = empty_ns if kind.in_child else bare_ns
    outside_ns = min(each.outer_ns - each.children_ns - each.noted_ns for each in rounds) - base_ns
    return Price(outside_ns, total_ns - outside_ns)


def prices(rounds: int) -> Dict[str, Price]:
    """The price of an event, by the name of its loop; the rounds are interleaved."""
    found: Dict[str, List[Measured]] = {each.name: [] for each in LOOPS}
    empty_ns = min(timed(empty, 1000) / 1000 for _ in range(100))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for each in LOOPS:
                found[each.name].append(measure(each, Path(folder)))
    turns = {each.name: best(each, found[each.name], empty_ns) for each in LOOPS}
    by_kind: Dict[str, Price] = {}
    for each in LOOPS:
        by_kind.setdefault(each.kind, turns[each.name])
    of_turns: Dict[str, Price] = {}
    for each in LOOPS:
        outside_ns, inside_ns, _ = turns[each.name]
        for other_kind, often in each.besides.items():
            outside_ns -= often * by_kind[other_kind].outside_ns
            inside_ns -= often * by_kind[other_kind].inside_ns
        events = 2 if each.kind == CONNECTION else 1
        of_turns[each.name] = Price(outside_ns / events, inside_ns / events)
    return of_turns


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    found = prices(parser.parse_args().rounds)
    call_ns = found[LOOPS[0].name].total_ns
    wrong = False
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; ns, and multiples of a call")
    print(f"{'':32s}{'kind':12s}{'outside':>9s}{'inside':>9s}{'x outside':>12s}{'x inside':>10s}   shipped")
    seen = set()
    for each in LOOPS:
        price = found[each.name]
        outside, inside = (ns / call_ns for ns in price[:2])
        shipped: Optional[Any] = MULTIPLES.get(each.kind) if each.kind not in seen else None
        seen.add(each.kind)
        note = ""
        if shipped is not None:
            off = abs(sum(shipped) / (outside + inside) - 1) > WRONG
            wrong = wrong or off
            note = f"   {shipped[0]:.2f} {shipped[1]:.2f}{' wrong' * off}"
        print(
            f"{each.name:32s}{each.kind:12s}{price.outside_ns:9.0f}{price.inside_ns:9.0f}"
            f"{outside:12.2f}{inside:10.2f}{note}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
