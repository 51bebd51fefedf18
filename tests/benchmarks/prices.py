"""What recording an event of each kind costs, as a multiple of what a call costs.

    python tests/benchmarks/prices.py

Each row is a loop in one process, traced below an outer span and untraced in turn; the best of the rounds
is taken. Nanoseconds: `clocked` is what nutrace clocks itself, event by event; of the rest, `outside` lies
in the outer span's self time, and `inside` in the event's own span. Writing is in none of them. `x` is the
multiple of what a call costs in all, beside the one that is shipped in `nutrace/probes/shipped_prices.py`.
Fails (exit code 1) if an event costs 1.5 times what is clocked and shipped, or the other way round.
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
from nutrace import semconv
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
WRONG = 1.5
LOOPS_IN_A_ROUND = 20  # of a millisecond or so: some of them are not interrupted


Decorator = Callable[[Any], Any]


class Functions:
    """Functions that do nothing, with a decorator or without."""

    def __init__(self, probe: Decorator) -> None:
        def one() -> None:
            pass

        def other() -> None:
            pass

        def failing() -> None:
            raise ValueError("as expected")

        def values(number: int) -> Iterator[int]:
            yield from range(number)

        async def waits() -> None:
            pass

        @contextlib.contextmanager
        def manager() -> Iterator[None]:
            yield

        class Methods:
            @probe
            def one(self) -> None:
                pass

            @probe
            def other(self) -> None:
                pass

            @classmethod
            @probe
            def of_class(cls) -> None:
                pass

            @probe
            @staticmethod
            def static() -> None:
                pass

        self.one, self.other, self.failing = probe(one), probe(other), probe(failing)
        self.values, self.waits, self.manager = probe(values), probe(waits), probe(manager)
        self.methods = Methods()


PLAIN, PROBED = Functions(lambda function: function), Functions(nutrace.probe)


def calls(number: int, of: Functions) -> None:
    one, other = of.one, of.other
    for _ in range(number // 2):
        one()
        other()


def methods(number: int, of: Functions) -> None:
    methods = of.methods
    for _ in range(number // 2):
        methods.one()
        methods.other()


def other_methods(number: int, of: Functions) -> None:
    methods = of.methods
    for _ in range(number // 2):
        methods.of_class()
        methods.static()


def merged(number: int, of: Functions) -> None:
    one = of.one
    for _ in range(number):
        one()


def merged_methods(number: int, of: Functions) -> None:
    methods = of.methods
    for _ in range(number):
        methods.one()


def blocks(number: int, of: Functions) -> None:
    for _ in range(number // 2 if of is PROBED else 0):  # untraced, they are not there
        with nutrace.span("one"):
            pass
        with nutrace.span("other"):
            pass


def managers(number: int, of: Functions) -> None:
    for _ in range(number):
        with of.manager():
            pass


def coroutines(number: int, of: Functions) -> None:
    async def main() -> None:
        for _ in range(number):
            await of.waits()

    with contextlib.suppress(StopIteration):
        main().send(None)


def resumptions(number: int, of: Functions) -> None:
    for _ in of.values(number):
        pass


def generators(number: int, of: Functions) -> None:
    for _ in range(number):
        for _ in of.values(0):
            pass


def errors(number: int, of: Functions) -> None:
    for _ in range(number):
        with contextlib.suppress(ValueError):
            of.failing()


def api(number: int, _: Functions) -> None:
    tracer = trace.get_tracer("benchmark")
    for _ in range(number):
        with tracer.start_as_current_span("api"):
            pass


ITEMS = [[1, 2], [3, 4]]


def copies(number: int, _: Functions) -> None:
    for _ in range(number):
        copy.deepcopy(ITEMS)


def collections(number: int, _: Functions) -> None:
    for _ in range(number):
        gc.collect(0)


def statements(number: int, _: Functions) -> None:
    for each in range(number):
        database.connection.execute("SELECT a FROM t WHERE a = ?", (each,)).fetchone()


def rows(number: int, _: Functions) -> None:
    for _ in database.connection.execute("SELECT a FROM t LIMIT ?", (number,)):
        pass


def rows_at_once(number: int, _: Functions) -> None:
    database.connection.execute("SELECT a FROM t LIMIT ?", (number,)).fetchall()


def connections(number: int, _: Functions) -> None:
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
    loop: Callable[[int, Functions], None]
    number: int  # of turns
    kind: str  # of the events, two in a turn of `connections`
    besides: Mapping[str, float] = {}  # other events in a turn
    in_child: bool = False  # whether what an event takes untraced is in the event's own span


LOOPS = (
    Kind("two functions in turn", calls, 200, CALL),
    Kind("two methods in turn", methods, 200, CALL),
    Kind("class and static methods", other_methods, 200, CALL),
    Kind("nutrace.span", blocks, 200, CALL),
    Kind("context managers", managers, 100, CALL),
    Kind("coroutines", coroutines, 100, CALL),
    Kind("generators without values", generators, 100, CALL),
    Kind("one function", merged, 512, MERGED),
    Kind("one method", merged_methods, 512, MERGED),
    Kind("values of a generator", resumptions, 500, RESUMPTION, {CALL: 0.002}),
    Kind("exceptions", errors, 50, ERROR, {CALL: 1}),
    Kind("statements", statements, 50, STATEMENT, {ROW: 1}, True),
    Kind("rows", rows, 1000, ROW, {STATEMENT: 0.001}, True),
    Kind("rows at once", rows_at_once, 1000, ROW, {STATEMENT: 0.001}, True),
    Kind("connections", connections, 50, CONNECTION, {}, True),
    Kind("deep copies", copies, 50, COPY, {}, True),
    Kind("collections", collections, 50, COLLECTION, {}, True),
    Kind("spans of the OpenTelemetry API", api, 50, API),
)


class Measured(NamedTuple):
    """What a turn took, traced and not, in ns; `clocked_ns` is what nutrace has clocked itself."""

    bare_ns: float
    outer_ns: float
    children_ns: float
    clocked_ns: float


def empty(number: int, _: Functions) -> None:
    for _ in range(number):
        pass


def timed(loop: Callable[[int, Functions], None], number: int, of: Functions) -> int:
    began = clock()
    loop(number, of)
    return clock() - began


def measure(kind: Kind, folder: Path) -> List[Measured]:
    """A few short loops, untraced and traced."""
    database.open()
    kind.loop(10, PLAIN)
    untraced = [timed(kind.loop, kind.number, PLAIN) for _ in range(LOOPS_IN_A_ROUND)]
    settings = nutrace.Settings(output=str(folder / "run.json"), summary=False, flush_seconds=3600)
    session = nutrace.instrument(settings, probes=[*OF_COPIES, *OF_GARBAGE, *OF_SQLITE])
    measured: List[Measured] = []
    with nutrace.span("outer"):
        database.open()
        kind.loop(10, PROBED)
        for bare_ns in untraced:
            session.recorder.flush()
            noted_ns = session.recorder.own_time.sum_ns(failures.OWN)
            outer_ns = timed(kind.loop, kind.number, PROBED)
            noted_ns = session.recorder.own_time.sum_ns(failures.OWN) - noted_ns
            clocked_ns = noted_ns + sum(map(stated_ns, local.spans))
            children_ns = sum(collections_ns() if kind.kind == COLLECTION else map(busy_ns, local.spans))
            each = bare_ns, outer_ns, children_ns, clocked_ns
            measured.append(Measured(*(one_ns / kind.number for one_ns in each)))
    assert session.recorder.diagnostics.dropped == 0
    nutrace.uninstrument()
    return measured


def busy_ns(record: Any) -> int:
    if hasattr(record, "sum_ns"):
        return int(record.sum_ns)
    details = record.details
    return int(
        record.ended - record.started if details is None or details.busy_ns is None else details.busy_ns
    )


def stated_ns(record: Any) -> int:
    """What was clocked beside the calls."""
    details = record.details
    attributes = (
        record.numbers if hasattr(record, "numbers") else {} if details is None else details.attributes
    )
    return int(attributes.get(semconv.CLOCKED_NS, 0))


def collections_ns() -> Iterator[int]:
    began = 0
    for event in list(watched._waiting):
        if len(event) == 2:
            began = event[0]
        elif event[1][0] == 0:
            yield event[0] - began


class Cost(NamedTuple):
    """What an event costs: what is priced, and what is clocked besides, in ns."""

    price: Price
    clocked_ns: float


def best(kind: Kind, rounds: List[Measured], empty_ns: float) -> Cost:
    """What a turn costs."""
    bare_ns = min(each.bare_ns for each in rounds)
    total_ns = min(each.outer_ns - each.clocked_ns for each in rounds) - bare_ns
    base_ns = empty_ns if kind.in_child else bare_ns
    outside_ns = min(each.outer_ns - each.children_ns - each.clocked_ns for each in rounds) - base_ns
    return Cost(Price(outside_ns, total_ns - outside_ns), min(each.clocked_ns for each in rounds))


def costs(rounds: int) -> Dict[str, Cost]:
    """What an event costs, by the name of its loop; the rounds are interleaved."""
    found: Dict[str, List[Measured]] = {each.name: [] for each in LOOPS}
    empty_ns = min(timed(empty, 1000, PLAIN) / 1000 for _ in range(100))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for each in LOOPS:
                found[each.name] += measure(each, Path(folder))
    turns = {each.name: best(each, found[each.name], empty_ns) for each in LOOPS}
    by_kind: Dict[str, Cost] = {}
    for each in LOOPS:
        by_kind.setdefault(each.kind, turns[each.name])
    of_turns: Dict[str, Cost] = {}
    for each in LOOPS:
        (outside_ns, inside_ns, _), clocked_ns = turns[each.name]
        for other_kind, often in each.besides.items():
            other = by_kind[other_kind]
            outside_ns -= often * other.price.outside_ns
            inside_ns -= often * other.price.inside_ns
            clocked_ns -= often * other.clocked_ns
        events = 2 if each.kind == CONNECTION else 1
        of_turns[each.name] = Cost(Price(outside_ns / events, inside_ns / events), clocked_ns / events)
    return of_turns


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    found = costs(parser.parse_args().rounds)
    call_ns = found[LOOPS[0].name].price.total_ns
    wrong = False
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; ns, and multiples of a call")
    columns = f"{'clocked':>9s}{'outside':>9s}{'inside':>9s}{'x outside':>12s}{'x inside':>10s}   shipped"
    print(f"{'':32s}{'kind':12s}{columns}")
    seen = set()
    for each in LOOPS:
        price, clocked_ns = found[each.name]
        outside, inside = (ns / call_ns for ns in price[:2])
        shipped: Optional[Any] = MULTIPLES.get(each.kind) if each.kind not in seen else None
        seen.add(each.kind)
        note = ""
        if shipped is not None:
            clocked = clocked_ns / call_ns
            off = not 1 / WRONG < (sum(shipped) + clocked) / (outside + inside + clocked) < WRONG
            wrong = wrong or off
            note = f"   {shipped[0]:.2f} {shipped[1]:.2f}{' wrong' * off}"
        print(
            f"{each.name:32s}{each.kind:12s}{clocked_ns:9.0f}{price.outside_ns:9.0f}{price.inside_ns:9.0f}"
            f"{outside:12.2f}{inside:10.2f}{note}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
