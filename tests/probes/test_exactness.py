"""Random programs: every nanosecond is charged to the function that spent it, every call counted.

A program is a list of steps. Running it advances a fake clock and keeps the true account; the trace
must say the same. What programs do: spend time, call functions (recursively), open with-blocks and
context managers, make generators, resume, throw into, close and drop them anywhere.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, Iterator, List, Tuple
from typing import Counter as CounterType

from fakes.clock import FakeClock, fake_clock
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nutrace

Step = Tuple[Any, ...]
NAMES = ("f", "g", "h")
GENERATORS = ("rows", "lines")


class Failure(Exception):
    pass


class Machine:
    """Runs programs, and keeps the true account beside the trace."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.self_ns: CounterType[str] = Counter()
        self.calls: CounterType[str] = Counter()
        self.yielded: CounterType[str] = Counter()
        self.stack: List[str] = []
        self.pool: List[Any] = []
        self.running: List[Any] = []
        self.depth = 0
        self.functions: Dict[str, Callable[..., Any]] = {name: self._function(name) for name in NAMES}
        self.generators: Dict[str, Callable[..., Any]] = {name: self._generator(name) for name in GENERATORS}
        self.managers: Dict[str, Callable[..., Any]] = {"manager": self._manager("manager")}

    # -- the probed functions ----------------------------------------------------------------

    def _function(self, name: str) -> Callable[..., Any]:
        @nutrace.probe(name=name)
        def function(body: List[Step]) -> None:
            self.calls[name] += 1
            self.stack.append(name)
            try:
                self.run(body)
            finally:
                self.stack.pop()

        return function

    def _generator(self, name: str) -> Callable[..., Any]:
        @nutrace.probe(name=name)
        def generator(body: List[Step], held: bool = False) -> Iterator[int]:
            self.calls[name] += 1
            self.stack.append(name)
            try:
                for step in body:
                    if step[0] == "yield":
                        yield from self._yield(name, step[1])
                    elif step[0] == "hold" and held:
                        with nutrace.span("held"):
                            self.calls["held"] += 1
                            self.stack.append("held")
                            try:
                                self.spend(step[1])
                                yield from self._yield(name, step[1], "held")
                                self.spend(step[1])
                            finally:
                                self.stack.pop()
                    else:
                        self.step(step)
            finally:
                self.spend(3)  # cleaning up takes time as well
                self.stack.pop()

        return generator

    def _manager(self, name: str) -> Callable[..., Any]:
        @nutrace.probe(name=name)
        @contextmanager
        def manager(swallow: bool) -> Iterator[None]:
            self.calls[name] += 1
            self.stack.append(name)
            self.spend(2)
            try:
                yield
            except Failure:
                if not swallow:
                    raise
            finally:
                self.spend(1)
                self.stack.pop()

        return manager

    def _yield(self, name: str, value: int, *above: str) -> Iterator[int]:
        """Hand `value` to the consumer, whose time it is until the generator is resumed."""
        self.yielded[name] += 1
        del self.stack[len(self.stack) - 1 - len(above) :]
        try:
            yield value
        finally:
            self.stack.extend((name, *above))

    # -- the steps ---------------------------------------------------------------------------

    def spend(self, ns: int) -> None:
        self.clock.advance(ns)
        self.self_ns[self.stack[-1]] += ns

    def run(self, body: List[Step]) -> None:
        for step in body:
            self.step(step)

    def step(self, step: Step) -> None:
        getattr(self, f"do_{step[0]}")(*step[1:])

    def do_spend(self, ns: int) -> None:
        self.spend(ns)

    def do_yield(self, ns: int) -> None:
        """Outside a generator it is but time."""
        self.spend(ns)

    do_hold = do_yield

    def do_fail(self) -> None:
        raise Failure("on purpose")

    def do_call(self, name: str, body: List[Step]) -> None:
        try:
            self.functions[name](body)
        except Failure:
            self.spend(1)

    def do_block(self, name: str, body: List[Step]) -> None:
        with nutrace.span(name):
            self.calls[name] += 1
            self.stack.append(name)
            try:
                self.run(body)
            finally:
                self.stack.pop()

    def do_manage(self, swallow: bool, body: List[Step]) -> None:
        try:
            with self.managers["manager"](swallow):
                self.run(body)
        except Failure:
            self.spend(1)

    def do_make(self, name: str, body: List[Step]) -> None:
        self.pool.append(self.generators[name](body))

    def do_loop(self, name: str, body: List[Step], between: List[Step]) -> None:
        source = self.generators[name](body, held=True)
        try:
            for _ in source:
                self.run(between)
        except Failure:
            self.spend(1)
        finally:
            source.close()

    def _picked(self, index: int) -> Any:
        idle = [source for source in self.pool if not source.gi_running and source not in self.running]
        return idle[index % len(idle)] if idle else None

    def do_resume(self, index: int, way: str) -> None:
        source = self._picked(index)
        if source is None:
            return
        self.running.append(source)
        try:
            {
                "next": lambda: next(source, None),
                "send": lambda: source.send(None),
                "throw": lambda: source.throw(Failure("thrown in")),
                "close": source.close,
            }[way]()
        except (Failure, StopIteration):
            self.spend(1)
        finally:
            self.running.remove(source)

    def do_drop(self, index: int) -> None:
        source = self._picked(index)
        if source is not None:
            self.pool.remove(source)


def _steps(children: Any) -> Any:
    body = st.lists(children, max_size=5)
    index = st.integers(0, 5)
    return st.one_of(
        st.tuples(st.just("call"), st.sampled_from(NAMES), body),
        st.tuples(st.just("block"), st.just("block"), body),
        st.tuples(st.just("manage"), st.booleans(), body),
        st.tuples(st.just("make"), st.sampled_from(GENERATORS), body),
        st.tuples(st.just("loop"), st.sampled_from(GENERATORS), body, body),
        st.tuples(
            st.just("resume"), index, st.sampled_from(["next", "next", "next", "send", "throw", "close"])
        ),
        st.tuples(st.just("drop"), index),
    )


_LEAVES = st.one_of(
    st.tuples(st.just("spend"), st.integers(0, 1000)),
    st.tuples(st.sampled_from(["yield", "hold"]), st.integers(0, 1000)),
    st.tuples(st.just("resume"), st.integers(0, 5), st.sampled_from(["next", "next", "close"])),
    st.just(("fail",)),
)
PROGRAMS = st.lists(st.recursive(_LEAVES, _steps, max_leaves=25), min_size=1, max_size=12)


def account(recorded: Tracing, column: str) -> Dict[str, int]:
    """A column's sums by name, without zeros."""
    sums: CounterType[str] = Counter()
    for span in recorded.trace:
        sums[span.name] += getattr(span, column)
    return {name: total for name, total in sums.items() if total}


def check(program: List[Step], compress_us: float) -> None:
    with fake_clock() as clock, TemporaryDirectory() as folder:
        machine = Machine(clock)
        recorded = Tracing(Path(folder))
        with recorded(compress_us=compress_us):
            began = clock.now
            with nutrace.span("root"):
                machine.stack.append("root")
                machine.calls["root"] = 1
                try:
                    machine.run(program)
                except Failure:
                    pass
                machine.pool.clear()  # what is left is closed here
                machine.stack.pop()
            passed = clock.now - began
        trace = recorded.trace
        assert account(recorded, "self_ns") == {k: v for k, v in machine.self_ns.items() if v}
        assert account(recorded, "calls") == dict(machine.calls)
        assert account(recorded, "yielded") == {k: v for k, v in machine.yielded.items() if v}
        assert sum(trace.self_ns) == trace.busy_ns[trace.roots[0]] == passed
        assert trace.roots == [0]
        lost = trace.diagnostics
        assert (lost.orphans, lost.overlapping, lost.outside_parent, lost.busy_clamped) == (0, 0, 0, 0)
        assert recorded.faults == []


COMMON = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(PROGRAMS)
def test_every_nanosecond_is_where_it_was_spent(program: List[Step]) -> None:
    check(program, compress_us=0)


@COMMON
@given(PROGRAMS)
def test_merging_changes_no_sum(program: List[Step]) -> None:
    check(program, compress_us=1000)


def test_a_hundred_leaves_are_one_span_and_a_hundred_calls(recorded: Tracing) -> None:
    with fake_clock() as clock:
        machine = Machine(clock)
        with recorded(compress_us=200), nutrace.span("root"):
            machine.stack.append("root")
            machine.run([("call", "f", [("spend", 5)])] * 100)
    assert recorded.shape() == [("root", ["f"])]
    assert (recorded.span("f").calls, recorded.span("f").total_ns) == (100, 500)


def test_calls_with_children_are_not_merged(recorded: Tracing) -> None:
    """A composite stands for leaves; what has children keeps them."""
    with fake_clock() as clock:
        machine = Machine(clock)
        with recorded(compress_us=200), nutrace.span("root"):
            machine.stack.append("root")
            machine.run([("call", "f", [("call", "g", [("spend", 7)])]), ("call", "f", [("spend", 5)])] * 2)
    assert recorded.shape() == [("root", [("f", ["g"]), "f", ("f", ["g"]), "f"])]
    assert account(recorded, "self_ns") == {"f": 10, "g": 14}


def test_threads_keep_their_own_accounts(recorded: Tracing) -> None:
    clocks: List[int] = []

    @nutrace.probe(name="work")
    def work(depth: int) -> None:
        if depth:
            work(depth - 1)

    def run() -> None:
        for _ in range(50):
            work(3)
        clocks.append(1)

    with recorded():
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(clocks) == 4
    assert recorded.calls("work") == 4 * 50 * 4
    assert sum(1 for root in recorded.trace.roots) == 200
    assert len({span.thread.thread_id for span in recorded.spans("work")}) == 4
