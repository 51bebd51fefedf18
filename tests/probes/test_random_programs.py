"""Times and counts with copies and statements: random programs in which everything lies within everything.

As in test_exactness a fake clock moves only where the program says so, and the program keeps its own
account. Here functions (recursive ones too) and generators (interleaved, thrown into, closed, dropped)
run inside deep copies and between the rows of statements, which spend their time in execute or fetch.
"""

from __future__ import annotations

import copy
import sqlite3
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from fakes.clock import FakeClock, fake_clock
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nutrace
import nutrace.probes.copying.deepcopy
import nutrace.probes.sqlite.connections
from nutrace import semconv
from nutrace.probes.catalogue import copies, sqlite

Step = Tuple[Any, ...]
COPY = semconv.DEEPCOPY_SPAN
STATEMENT = semconv.STATEMENT_SPAN
PROBES = (*copies.PROBES, *sqlite.PROBES)
#: Not as a name of this module: those are bound to what stands in while probes are installed.
LIBRARY = {"copy": copy, "sqlite3": sqlite3}


class Failure(Exception):
    pass


class Part:
    """What is copied: spends time, runs steps and copies its own parts, with the memo it is given."""

    def __init__(self, machine: Machine, ns: int, body: List[Step], parts: List[Part]) -> None:
        self.machine, self.ns, self.body, self.parts = machine, ns, body, parts

    def __deepcopy__(self, memo: Dict[int, Any]) -> Part:
        machine = self.machine
        machine.copied += 1
        machine.spend(self.ns)
        machine.run(self.body)
        parts = [copy.deepcopy(part, memo) for part in self.parts]
        return Part(machine, self.ns, [], parts)


class Machine:
    """Runs programs, and keeps the true account beside the trace."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.self_ns: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.yielded = 0
        self.rows = 0
        self.copied = 0
        self.stack: List[str] = []
        self.pool: List[Any] = []
        self.running: List[Any] = []
        # Imported here, while the clock is fake: probes keep the clock that they were made with.
        self.function = nutrace.probe(name="function")(self._function)
        self.generator = nutrace.probe(name="rows")(self._generator)
        self.fetch_one = nutrace.probe(name="fetching")(self._fetching)

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """Time is spent in `name` now."""
        self.stack.append(name)
        try:
            yield
        finally:
            self.stack.pop()

    def spend(self, ns: int) -> None:
        self.clock.advance(ns)
        self.self_ns[self.stack[-1]] += ns

    def run(self, body: List[Step]) -> None:
        for step in body:
            getattr(self, f"do_{step[0]}")(*step[1:])

    # -- probed functions --------------------------------------------------------------------

    def _function(self, depth: int, body: List[Step]) -> None:
        self.calls["function"] += 1
        with self.within("function"):
            self.spend(1)
            if depth:
                self.function(depth - 1, body)
            else:
                self.run(body)

    def _generator(self, body: List[Step]) -> Iterator[int]:
        self.calls["rows"] += 1
        self.stack.append("rows")
        try:
            for step in body:
                self.run([step])
                self.yielded += 1
                self.stack.pop()  # from here on the time is the consumer's
                try:
                    yield len(body)
                finally:
                    self.stack.append("rows")
        finally:
            self.spend(2)
            self.stack.pop()

    # -- steps -------------------------------------------------------------------------------

    def do_spend(self, ns: int) -> None:
        self.spend(ns)

    def do_fail(self) -> None:
        raise Failure("on purpose")

    def do_call(self, depth: int, body: List[Step]) -> None:
        try:
            self.function(depth, body)
        except Failure:
            self.spend(1)

    def do_copy(self, ns: int, body: List[Step], parts: int) -> None:
        part = Part(self, ns, body, [Part(self, ns, [], []) for _ in range(parts)])
        # One that a copy in progress begins is part of that, whatever runs in between.
        nested = COPY in self.stack
        self.calls[COPY] += not nested
        try:
            with self.within(self.stack[-1] if nested else COPY):
                LIBRARY["copy"].deepcopy(part)
        except Failure:
            self.spend(1)

    def do_query(self, ns: int, rows: int, way: str, between: List[Step]) -> None:
        connection = LIBRARY["sqlite3"].connect(":memory:")

        def burn(value: int) -> int:
            with self.within(STATEMENT):
                self.spend(ns)
            return value

        connection.create_function("burn", 1, burn)
        text = (
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)"
            " select burn(i) from n where ? > 0"
        )
        self.calls[STATEMENT] += 1
        cursor = connection.execute(text, (rows, rows))
        try:
            if way == "all":
                self.rows += len(cursor.fetchall())
            elif way == "many":
                self.rows += len(cursor.fetchmany(2))
            elif way == "each":
                for _ in cursor:
                    self.rows += 1
                    self.run(between)
            elif way == "in functions":
                while self.fetch_one(cursor):
                    self.run(between)
        except Failure:
            self.spend(1)
        finally:
            cursor.close()
            connection.close()

    def _fetching(self, cursor: Any) -> bool:
        self.calls["fetching"] += 1
        with self.within("fetching"):
            self.spend(1)
            row = cursor.fetchone()
            self.rows += row is not None
            return row is not None

    def do_make(self, body: List[Step]) -> None:
        self.pool.append(self.generator(body))

    def do_resume(self, index: int, way: str) -> None:
        idle = [source for source in self.pool if source not in self.running]
        if not idle:
            return
        source = idle[index % len(idle)]
        self.running.append(source)
        try:
            if way == "next":
                next(source, None)
            elif way == "throw":
                source.throw(Failure("thrown in"))
            else:
                source.close()
        except Failure:
            self.spend(1)
        finally:
            self.running.remove(source)

    def do_drop(self, index: int) -> None:
        idle = [source for source in self.pool if source not in self.running]
        if idle:
            self.pool.remove(idle[index % len(idle)])


_INDEX = st.integers(0, 4)
_NS = st.integers(0, 1000)
_LEAVES = st.one_of(
    st.tuples(st.just("spend"), _NS),
    st.tuples(st.just("resume"), _INDEX, st.sampled_from(["next", "next", "next", "throw", "close"])),
    st.tuples(st.just("drop"), _INDEX),
    st.tuples(
        st.just("query"), _NS, st.integers(0, 3), st.sampled_from(["all", "many", "none"]), st.just([])
    ),
    st.just(("fail",)),
)


def _steps(children: Any) -> Any:
    body = st.lists(children, max_size=4)
    return st.one_of(
        st.tuples(st.just("call"), st.integers(0, 3), body),
        st.tuples(st.just("copy"), _NS, body, st.integers(0, 2)),
        st.tuples(st.just("make"), body),
        st.tuples(st.just("query"), _NS, st.integers(0, 3), st.sampled_from(["each", "in functions"]), body),
    )


PROGRAMS = st.lists(st.recursive(_LEAVES, _steps, max_leaves=20), min_size=1, max_size=8)


def _sums(recorded: Tracing, column: str) -> Dict[str, int]:
    totals: Counter[str] = Counter()
    for span in recorded.trace:
        totals[span.name] += getattr(span, column)
    return {name: total for name, total in totals.items() if total}


def check(program: List[Step], compress_us: float) -> None:
    with fake_clock() as clock, TemporaryDirectory() as folder:
        machine = Machine(clock)
        recorded = Tracing(Path(folder))
        with recorded(*PROBES, compress_us=compress_us):
            began = clock.now
            with nutrace.span("root"), machine.within("root"):
                try:
                    machine.run(program)
                except Failure:
                    pass
                machine.pool.clear()  # what is left is closed here
            passed = clock.now - began
        trace = recorded.trace
        assert _sums(recorded, "self_ns") == {name: ns for name, ns in machine.self_ns.items() if ns}
        calls = _sums(recorded, "calls")
        assert {name: calls.get(name, 0) for name in machine.calls} == dict(machine.calls)
        assert _sums(recorded, "yielded").get("rows", 0) == machine.yielded
        assert sum(trace.self_ns) == trace.busy_ns[trace.roots[0]] == passed
        assert trace.roots == [0]
        found_rows = sum(span.attributes.get(semconv.DB_ROWS, 0) for span in recorded.spans(STATEMENT))
        assert found_rows == machine.rows
        lost = trace.diagnostics
        assert (lost.orphans, lost.overlapping, lost.outside_parent, lost.busy_clamped) == (0, 0, 0, 0)
        assert (lost.unfinished, lost.dropped) == (0, 0)
        assert recorded.faults == []


COMMON = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(PROGRAMS)
def test_every_nanosecond_call_and_row_is_where_it_belongs(program: List[Step]) -> None:
    check(program, compress_us=0)


@COMMON
@given(PROGRAMS)
def test_merging_changes_no_sum(program: List[Step]) -> None:
    check(program, compress_us=1000)


@pytest.mark.parametrize("compress_us", [0, 1000])
def test_one_program_with_everything(compress_us: int) -> None:
    """What random programs seldom have all at once."""
    generator = ("make", [("spend", 5), ("query", 3, 2, "all", []), ("copy", 7, [("spend", 1)], 2)])
    resume: Step = ("resume", 0, "next")
    check(
        [
            *(generator, resume),
            (
                "call",
                3,
                [resume, ("copy", 11, [("call", 1, [("query", 2, 3, "in functions", [resume])])], 1)],
            ),
            ("query", 4, 3, "each", [("copy", 5, [], 1), ("call", 0, [resume])]),
            *(generator, generator, ("resume", 1, "next"), ("resume", 2, "throw"), ("drop", 1)),
            *[("copy", 2, [], 0), ("query", 1, 1, "many", [])] * 20,
        ],
        compress_us,
    )
