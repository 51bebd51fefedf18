"""Waiting for the writer is nobody's time: it happens between steps, or it is taken out of the open spans.

The truth is the program's own: it reads the clock around what it does, and the writer is made slow. What is
taken out is at least what the writer slept, and at most what the calls took that waited. These bounds hold on
a busy machine as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import gc
import os
import signal
import sqlite3
import sys
import threading
import time
from typing import Any, Callable, Generator, Iterator, List

import pytest
from fakes.programs import counts, losses
from fakes.tracing import Tracing
from opentelemetry import context as otel_context
from opentelemetry import trace as otel

import nutrace
from nutrace import semconv
from nutrace.analysis import divide
from nutrace.analysis.own_cost import own_cost
from nutrace.prices import CALL, Calibration, Price, Prices
from nutrace.probes.blocks import Bracket
from nutrace.probes.catalogue.copies import PROBES as OF_COPIES
from nutrace.probes.catalogue.garbage import PROBES as OF_GARBAGE
from nutrace.probes.catalogue.sqlite import PROBES as OF_SQLITE
from nutrace.probes.copying import deepcopy
from nutrace.probes.resumptions import Account
from nutrace.probes.sqlite import connections, cursors
from nutrace.recording import recorder, stopwatch
from nutrace.recording.buffers import LIMIT, local
from nutrace.recording.span import SpanDetails
from nutrace.recording.stopwatch import worked_ns
from nutrace.session import Session
from nutrace.trace.trace import SpanView

SLOW_NS = 20_000_000  # of the writer, once for each time that it writes


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for the writer does so on a slow machine as well."""
    monkeypatch.setattr(recorder, "_SHORT_PATIENCE_S", 30.0)


@pytest.fixture(autouse=True)
def without_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is clocked is taken out and nothing else."""
    monkeypatch.setattr("nutrace.session.calibrated", lambda: Calibration(Prices()))


class SlowWriter:
    """Makes writing slow, and tells when and where it was done."""

    def __init__(self, session: Session) -> None:
        self.stands_inside = False  # whether the program is inside of a step
        self.inside: List[bool] = []  # the same when something was written
        self._write = session.recorder._writer.write
        session.recorder._writer.write = self.write  # type: ignore[method-assign]

    def write(self, entries: Any) -> Any:
        if entries:
            self.inside.append(self.stands_inside)
            time.sleep(SLOW_NS / 1e9)
        return self._write(entries)


def fill(count: int) -> int:
    """Record so many spans; returns how long the calls took that were too long: those that waited."""
    waited = 0
    for number in range(count):
        began = time.perf_counter_ns()
        with nutrace.span(f"s{number % 2}"):
            pass
        took = time.perf_counter_ns() - began
        waited += took if took > SLOW_NS / 2 else 0
    return waited


def own(span: SpanView) -> int:
    """What was taken out of a span."""
    taken: int = span.attributes.get(semconv.OWN_NS, 0)
    assert span.total_ns <= span.end_ns - span.start_ns - taken
    return taken


def bracketed(work: Callable[[], None]) -> Callable[[], None]:
    from nutrace.recording.span import CallSite

    bracket = Bracket(CallSite(semconv.STEP_SPAN, "simulation"))

    def step() -> None:
        bracket.open(lambda: None, None, (), {})
        work()
        bracket.close(lambda: None, None, (), {})

    return step


def probed(work: Callable[[], None]) -> Callable[[], None]:
    return nutrace.probe(name=semconv.STEP_SPAN, component="simulation")(work)


def block(work: Callable[[], None]) -> Callable[[], None]:
    def step() -> None:
        with nutrace.span(semconv.STEP_SPAN, component="simulation"):
            work()

    return step


@pytest.mark.parametrize("kind", [bracketed, probed, block])
def test_what_waits_is_written_at_the_end_of_a_step(
    recorded: Tracing, kind: Callable[[Callable[[], None]], Callable[[], None]]
) -> None:
    with recorded(flush_seconds=3600) as session:
        writer = SlowWriter(session)

        def work() -> None:
            writer.stands_inside = True
            fill(LIMIT // 4)
            writer.stands_inside = False

        step = kind(work)
        with nutrace.span("scenario"):
            for _ in range(8):
                step()
        assert len(writer.inside) > 3
        assert not any(writer.inside)
    steps, scenario = recorded.spans(semconv.STEP_SPAN), recorded.span("scenario")
    assert [own(step) for step in steps] == [0] * 8
    assert own(scenario) >= 3 * SLOW_NS
    assert scenario.total_ns == scenario.end_ns - scenario.start_ns - own(scenario)
    resource = recorded.trace.resources[0].attributes
    assert resource[f"{semconv.OWN_SPENT_NS}.step_ended"] == own(scenario)
    assert f"{semconv.OWN_TIMES}.queue_full" not in resource
    assert not losses(recorded.trace)


def test_what_has_waited_for_long_is_written_at_the_end_of_a_step(recorded: Tracing) -> None:
    """Else the background would write a moment later, beside the next step."""
    with recorded(flush_seconds=0.2) as session:
        writer = SlowWriter(session)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            with nutrace.span(semconv.STEP_SPAN):
                writer.stands_inside = True
                time.sleep(0.005)
                writer.stands_inside = False
        assert len(writer.inside) > 3
        assert sum(writer.inside) <= len(writer.inside) / 2  # a thread that gets no turn may be late


def test_waiting_with_a_full_queue_is_taken_out_of_every_open_span(recorded: Tracing) -> None:
    waited = slept = 0

    @nutrace.probe(name="function")
    def function() -> None:
        nonlocal waited
        waited += fill(LIMIT + 10)

    with recorded(flush_seconds=3600) as session:
        writer = SlowWriter(session)
        with nutrace.span(semconv.STEP_SPAN), nutrace.span("around"):
            function()
            slept = SLOW_NS * len(writer.inside)
            with nutrace.span("after"):
                pass
    assert slept
    for name in (semconv.STEP_SPAN, "around", "function"):
        span = recorded.span(name)
        assert slept <= own(span) <= waited, name
        assert span.total_ns == span.end_ns - span.start_ns - own(span)
    assert own(recorded.span("after")) == 0
    trace = recorded.trace
    assert sum(trace.self_ns) == sum(trace.busy_ns[root] for root in trace.roots)
    assert trace.resources[0].attributes[f"{semconv.OWN_TIMES}.queue_full"] == 1
    assert counts(trace)["s0"] + counts(trace)["s1"] == LIMIT + 10
    assert not losses(trace)


def test_the_thread_above_has_not_waited(recorded: Tracing) -> None:
    """A thread that runs in the context of another one lies below that one's span, and waits alone."""
    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        with nutrace.span("above"):
            context = contextvars.copy_context()

            def work() -> None:
                with nutrace.span("below"):
                    fill(LIMIT + 10)

            thread = threading.Thread(target=lambda: context.run(work))
            thread.start()
            thread.join()
    above, below = recorded.span("above"), recorded.span("below")
    assert below.parent is not None
    assert below.parent.name == "above"
    assert own(below) >= SLOW_NS
    assert own(above) == 0
    assert above.total_ns == above.end_ns - above.start_ns


def test_generators_wait_only_while_they_run(recorded: Tracing) -> None:
    inside: List[int] = []

    @nutrace.probe(name="waits")
    def waits() -> Iterator[int]:
        yield 1
        began = time.perf_counter_ns()
        waited = fill(LIMIT + 10)
        inside.extend((time.perf_counter_ns() - began, waited))
        yield 2

    @nutrace.probe(name="suspended")
    def suspended() -> Iterator[int]:
        yield 1
        yield 2

    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        with nutrace.span("consumer"):
            other = suspended()
            next(other)
            assert list(waits()) == [1, 2]
            assert list(other) == [2]
    assert own(recorded.span("suspended")) == 0
    span = recorded.span("waits")
    took, waited = inside
    assert SLOW_NS <= own(span) <= waited
    assert own(recorded.span("consumer")) == own(span)
    assert took - own(span) <= span.total_ns <= span.end_ns - span.start_ns - own(span)


def test_a_task_waits_and_the_coroutine_that_awaits_it_does_not(recorded: Tracing) -> None:
    @nutrace.probe(name="task")
    async def task() -> None:
        await asyncio.sleep(0)
        fill(LIMIT + 10)

    @nutrace.probe(name="outer")
    async def outer() -> None:
        await asyncio.gather(asyncio.ensure_future(task()))

    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        with nutrace.span("loop"):
            asyncio.run(outer())
    assert recorded.span("task").parent is not None
    assert own(recorded.span("task")) >= SLOW_NS
    assert own(recorded.span("outer")) == 0
    assert own(recorded.span("loop")) == own(recorded.span("task"))


@pytest.mark.parametrize("traced", [False, True])
def test_a_block_is_suspended_with_its_coroutine(recorded: Tracing, traced: bool) -> None:
    """A task lies below the block that it was begun in. It waits, and the block does not."""

    async def task() -> None:
        await asyncio.sleep(0)
        with nutrace.span("works"):
            fill(LIMIT + 10)

    async def outer() -> None:
        with nutrace.span("block"), otel.get_tracer("theirs").start_as_current_span("theirs"):
            await asyncio.gather(asyncio.ensure_future(task()))
            time.sleep(2 * SLOW_NS / 1e9)  # what is wrongly taken out could be taken out of this

    if traced:
        task = nutrace.probe(name="task")(task)
    outer = nutrace.probe(name="outer")(outer)
    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        with nutrace.span("loop"):
            asyncio.run(outer())
    works = recorded.span("works")
    assert own(works) >= SLOW_NS
    for name in ("theirs", "block", "outer"):
        assert own(recorded.span(name)) == 0, name
    assert own(recorded.span("loop")) == own(works)


def test_what_is_open_in_a_generator_is_suspended_with_it(recorded: Tracing) -> None:
    contexts: List[contextvars.Context] = []

    @nutrace.probe(name="generator")
    def generator() -> Iterator[int]:
        with nutrace.span("ended"):
            yield 1
        with nutrace.span("block"):
            contexts.append(contextvars.copy_context())
            yield 2
            fill(LIMIT + 10)

    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        each = generator()
        assert (next(each), next(each)) == (1, 2)
        contexts[0].run(fill, LIMIT + 10)
        assert list(each) == []
    resource = recorded.trace.resources[0].attributes
    assert resource[f"{semconv.OWN_TIMES}.queue_full"] == 2
    block = recorded.span("block")
    assert SLOW_NS <= own(block) <= resource[f"{semconv.OWN_SPENT_NS}.queue_full"] - SLOW_NS
    assert own(recorded.span("generator")) == own(block)
    assert own(recorded.span("ended")) == 0


def test_a_generator_that_is_closed_as_nobody_has_it_runs(recorded: Tracing) -> None:
    @nutrace.probe(name="closed")
    def closed() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            fill(LIMIT + 10)

    with recorded(flush_seconds=3600) as session:
        SlowWriter(session)
        generator = closed()
        next(generator)
        del generator
    assert own(recorded.span("closed")) >= SLOW_NS
    assert losses(recorded.trace) == {}


class SlowToSay(Exception):
    def __str__(self) -> str:
        time.sleep(SLOW_NS / 1e9)
        return "slow"


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_noting_of_an_error_is_taken_out(recorded: Tracing, by_hand: bool) -> None:
    """The message is made where the error passes, by the program's own code."""

    @nutrace.probe(name="fails")
    def fails() -> None:
        raise SlowToSay

    @nutrace.probe(name="catches")
    def catches() -> None:
        if by_hand:
            otel.get_current_span().record_exception(SlowToSay())
        else:
            with contextlib.suppress(SlowToSay):
                fails()

    with recorded(), nutrace.span("outer"):
        catches()
    catching, outer = recorded.span("catches"), recorded.span("outer")
    assert own(catching) >= SLOW_NS
    assert own(outer) == own(catching)
    assert outer.total_ns == outer.end_ns - outer.start_ns - own(outer)
    if not by_hand:
        assert own(recorded.span("fails")) == 0
    attributes = recorded.trace.resources[0].attributes
    assert attributes[f"{semconv.OWN_TIMES}.error"] == 1
    assert attributes[f"{semconv.OWN_SPENT_NS}.error"] == own(outer)
    assert attributes[semconv.OVERHEAD_NS] > own(outer)


def test_what_a_thread_writes_itself_is_taken_out(recorded: Tracing) -> None:
    """As before the result of a pool's task is sent, or when the program flushes its own provider."""
    with recorded(flush_seconds=3600) as session, nutrace.span("outer"):
        SlowWriter(session)
        with nutrace.span("task"):
            fill(10)
            session.recorder.flush()
    task, outer = recorded.span("task"), recorded.span("outer")
    assert own(task) >= SLOW_NS
    assert own(outer) == own(task)
    assert outer.total_ns == outer.end_ns - outer.start_ns - own(outer)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no such signals here")
def test_a_signal_handler_that_raises_ends_the_waiting(recorded: Tracing) -> None:
    class Struck(BaseException):
        pass

    def strike(*_: Any) -> None:
        raise Struck

    class StrikingWriter(SlowWriter):
        """Ends the first waiting, and goes on when the second has begun."""

        def write(self, entries: Any) -> Any:
            if not self.inside:
                time.sleep(0.01)  # else the thread may not sleep yet, and sees the signal when it next looks
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                until = time.monotonic() + patience_s
                while background.waited_for < 2 and time.monotonic() < until:
                    time.sleep(0.001)
            return super().write(entries)

    patience_s = 30
    before = signal.signal(signal.SIGUSR1, strike)
    try:
        with recorded(flush_seconds=3600) as session:
            background = session.recorder.background
            StrikingWriter(session)
            with nutrace.span("outer"):
                with pytest.raises(Struck), nutrace.span("struck"):
                    fill(LIMIT)
                fill(LIMIT)  # the writer wakes nobody who has gone
            assert background.waited_for == 0
    finally:
        signal.signal(signal.SIGUSR1, before)
    struck, outer = recorded.span("struck"), recorded.span("outer")
    assert 0 < own(struck) < patience_s * 1e9 / 2
    assert own(outer) >= own(struck) + SLOW_NS
    assert counts(recorded.trace)["s0"] + counts(recorded.trace)["s1"] == 2 * LIMIT
    assert recorded.faults == []
    assert not losses(recorded.trace)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_waits_for_the_writer_and_the_child_knows_nothing_of_it(recorded: Tracing) -> None:
    class WriterAtAFork(SlowWriter):
        """Is slow from the moment on when the fork waits for it."""

        def write(self, entries: Any) -> Any:
            if entries and not self.inside:
                self.inside.append(self.stands_inside)
                until = time.monotonic() + 30
                while not background.stopping and time.monotonic() < until:
                    time.sleep(0.0001)
            return super().write(entries)

    with recorded(flush_seconds=3600) as session:
        background = session.recorder.background
        writer = WriterAtAFork(session)
        with nutrace.span("forks"):
            fill(10)
            background.wake()
            while not writer.inside:
                time.sleep(0.0001)
            child = os.fork()
            if not child:
                with nutrace.span("child"):
                    fill(LIMIT + 10)
                nutrace.uninstrument()
                os._exit(0)
            os.waitpid(child, 0)
    forks, below = recorded.span("forks"), recorded.span("child")
    parent, other = recorded.trace.resources
    assert SLOW_NS <= own(forks) == parent.attributes[f"{semconv.OWN_SPENT_NS}.forked"]
    assert f"{semconv.OWN_SPENT_NS}.forked" not in other.attributes
    # Its queue is not full if the background of a child, which is quick, has come before.
    assert own(below) == other.attributes.get(f"{semconv.OWN_SPENT_NS}.queue_full", 0)
    assert f"{semconv.OWN_SPENT_NS}.queue_full" not in parent.attributes
    assert not losses(recorded.trace)


def test_the_programs_exporters_are_not_waited_for(recorded: Tracing) -> None:
    """They may send each span over a network, as they did beside the program before nutrace came."""
    may_go_on = threading.Event()
    exported: List[Any] = []

    def export(record: Any, _: int) -> None:
        may_go_on.wait(60)
        exported.append(record)

    with recorded(flush_seconds=3600) as session:
        session.recorder.listeners.append(export)
        with nutrace.span("scenario"):
            for _ in range(3):
                with nutrace.span(semconv.STEP_SPAN):
                    fill(LIMIT)
            assert not exported
            may_go_on.set()
    assert own(recorded.span("scenario")) == 0
    resource = recorded.trace.resources[0].attributes
    assert not [
        name
        for name in resource
        if name.startswith((f"{semconv.OWN_TIMES}.step", f"{semconv.OWN_TIMES}.queue"))
    ]
    assert len(exported) == len(recorded.trace)
    assert not losses(recorded.trace)


def test_a_writer_that_hangs_is_waited_for_once(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may need a lock that the thread holds; what waits grows, and nothing is dropped."""
    monkeypatch.setattr(recorder, "_SHORT_PATIENCE_S", 0.25)
    with recorded(flush_seconds=3600) as session:
        with session.recorder._lock:
            began = time.monotonic()
            fill(2 * LIMIT)
            took = time.monotonic() - began
        fill(LIMIT)  # now it is waited for again
    assert 0.2 < took < 5
    assert sum(counts(recorded.trace).values()) == 3 * LIMIT
    assert not losses(recorded.trace)


def test_who_is_in_the_writers_way_does_not_wait(recorded: Tracing) -> None:
    """A step may end in a finalizer or signal handler that has interrupted a merge in its own thread."""
    with recorded(flush_seconds=3600) as session:
        fill(LIMIT // 2)
        began = time.monotonic()
        with local.buffer.lock, nutrace.span(semconv.STEP_SPAN):
            pass
        took = time.monotonic() - began
        assert local.buffer.may_wait
        waits = session.recorder.own_time.attributes()
    assert f"{semconv.OWN_TIMES}.step_ended" not in waits
    assert took < 0.2
    assert sum(counts(recorded.trace).values()) == LIMIT // 2 + 1
    assert not losses(recorded.trace)


def test_a_generator_may_end_while_another_thread_looks_at_it(recorded: Tracing) -> None:
    class Ending(SpanDetails):
        looks = 0

        @property
        def driven(self) -> Any:  # type: ignore[override]
            self.looks += 1
            return Account() if self.looks == 1 else None

    with recorded() as session, nutrace.span("outer"):
        span: Any = otel.get_current_span()
        span.details = details = Ending()
        details.attributes = {}
        session.recorder.flush()
    assert own(recorded.span("outer")) > 0
    assert recorded.faults == []


def test_any_span_of_the_programs_may_be_current(recorded: Tracing) -> None:
    class Unnamed(otel.NonRecordingSpan):
        def get_span_context(self) -> Any:
            raise LookupError("it has none yet")

    def work() -> None:
        fill(LIMIT // 2)
        with nutrace.span(semconv.STEP_SPAN):
            otel_context.attach(otel.set_span_in_context(Unnamed(otel.INVALID_SPAN_CONTEXT)))

    with recorded(flush_seconds=3600):
        contextvars.copy_context().run(work)
    assert len(recorded.spans(semconv.STEP_SPAN)) == 1
    (fault,) = recorded.faults
    assert "it has none yet" in fault


def test_an_error_costs_little_for_each_span_that_is_open(recorded: Tracing) -> None:
    """It is noted as often as there are spans that it leaves: what it costs grows with the square of that."""
    depth, calls = 100, 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    with recorded(), contextlib.ExitStack() as stack:
        for number in range(depth):
            stack.enter_context(nutrace.span(f"s{number}"))
        span: Any = otel.get_current_span()
        span.fail(ValueError("the first one makes details"))
        sys.setprofile(count)
        span.fail(ValueError("the second"))
        sys.setprofile(None)
    assert depth <= calls < 3 * depth


def test_what_two_threads_note_on_a_span_at_once_is_kept(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that waits below a span of another one notes that on it, as the other may do something."""

    class Slow(SpanDetails):
        def __init__(self) -> None:
            monkeypatch.undo()
            other = threading.Thread(target=span.set_attribute, args=("theirs", 1))
            other.start()
            other.join()

    with recorded(), nutrace.span("both") as span:
        monkeypatch.setattr("nutrace.recording.span.SpanDetails", Slow)
        span.set_attribute("ours", 1)
    attributes = recorded.span("both").attributes
    assert (attributes["ours"], attributes["theirs"]) == (1, 1)


@pytest.fixture
def dear(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """What probes do around a call takes 40 us for a statement, 30 for a connection and 20 for a copy."""

    def slowed(owner: Any, name: str, took_ns: int) -> None:
        original = getattr(owner, name)

        def slow(*args: Any, **kwargs: Any) -> Any:
            clock.advance(took_ns)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, slow)

    slowed(cursors, "parameters_hash", 40_000)
    slowed(connections.call_sites, "find", 30_000)
    slowed(deepcopy, "span_below", 20_000)


@pytest.mark.usefixtures("dear")
def test_what_is_done_around_a_call_is_clocked(recorded: Tracing, clock: Any) -> None:
    """It is in the file, in no self time, and one sum wherever it is said."""
    with recorded(*OF_SQLITE, *OF_COPIES) as session, nutrace.span("outer"):
        session.recorder.price_events(Calibration(Prices({CALL: Price(0.0, 0.0)})))
        clock.advance(1_000_000)
        connection = sqlite3.connect(":memory:")
        for number in range(3):
            assert connection.execute("SELECT ?", (number,)).fetchall() == [(number,)]
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("SELECT")
        connection.close()
        copy.deepcopy([1])
    told = {span.name: span.attributes.get(semconv.CLOCKED_NS) for span in recorded.trace}
    # A statement finds its call site as well.
    assert [span.attributes[semconv.CLOCKED_NS] for span in recorded.spans("sqlite3.statement")] == [
        70_000
    ] * 4
    assert (told["sqlite3.connect"], told["sqlite3.close"], told["copy.deepcopy"]) == (30_000, 30_000, 20_000)
    outer = recorded.span("outer")
    whole = 4 * 70_000 + 2 * 30_000 + 20_000
    assert (outer.self_ns, recorded.trace.own_ns[0]) == (1_000_000, whole)
    assert session.recorder.totals.self_all_ns["other"] == 1_000_000
    assert session.recorder.totals.clocked_ns() == whole
    cost = own_cost(recorded.trace, divide(recorded.trace))
    assert cost.events_ns == whole
    assert {event.kind: event.total_ns for event in cost.events} == {
        **dict.fromkeys(("call", "error"), 0),
        "statement": 280_000,
        "connection": 60_000,
        "copy": 20_000,
    }


@pytest.mark.usefixtures("dear")
def test_equal_calls_add_up_what_was_clocked(recorded: Tracing) -> None:
    with recorded(*OF_COPIES, compress_us=200), nutrace.span("outer"):
        for _ in range(5):
            copy.deepcopy([1])
    assert recorded.span("copy.deepcopy").attributes[semconv.CLOCKED_NS] == 5 * 20_000


def test_what_came_in_between_is_not_clocked(recorded: Tracing, clock: Any) -> None:
    """A collection is a span of its own; who took a whole millisecond was made to wait."""
    since = stopwatch.now_ns(), stopwatch.struck()
    clock.advance(1_000_000)
    assert worked_ns(since) == 1_000_000
    clock.advance(1)
    assert worked_ns(since) == 0
    with recorded(*OF_GARBAGE):
        gc.disable()
        try:
            since = stopwatch.now_ns(), stopwatch.struck()
            clock.advance(1000)
            assert worked_ns(since) == 1000
            gc.collect(0)
            assert worked_ns(since) == 0
        finally:
            gc.enable()
