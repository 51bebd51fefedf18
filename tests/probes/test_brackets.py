"""Bracketed pairs: one call opens a span, another closes it, whatever happens between."""

from __future__ import annotations

import contextvars
import importlib
import textwrap
import threading
from typing import Any, Callable, Iterator

import pytest
from fakes.clock import FakeClock
from fakes.tracing import Tracing
from opentelemetry import baggage, context
from opentelemetry import trace as otel

import nutrace
from nutrace.probes.probe import Probe

SOURCE = """
class Failure(Exception):
    pass

class Loop:
    def begin(self, fail=False):
        if fail:
            raise Failure("begin")
        return "begun"
    def end(self, fail=False):
        if fail:
            raise Failure("end")
        return "ended"
    def inner(self, called=None):
        return called() if called else None

def run(loop, steps, fail_at=None):
    for step in range(steps):
        loop.begin()
        if step == fail_at:
            raise Failure("between")
        loop.inner()
        loop.end()
"""
STEP = Probe("nutrace_loop:Loop.begin", name="step", until="nutrace_loop:Loop.end")
PROBES = (STEP, Probe("nutrace_loop:Loop.inner", name="inner"), Probe("nutrace_loop:run", name="run"))


@pytest.fixture
def loops(module: Callable[[str, str], str]) -> Any:
    return importlib.import_module(module("nutrace_loop", SOURCE))


def test_steps(recorded: Tracing, loops: Any) -> None:
    with recorded(*PROBES):
        loops.run(loops.Loop(), 2)
    assert recorded.shape() == [("run", [("step", ["inner"]), ("step", ["inner"])])]
    assert not any(span.unfinished for span in recorded.trace)


def test_both_calls_lie_inside_whatever_the_order_of_the_probes(recorded: Tracing, loops: Any) -> None:
    calls = (Probe("nutrace_loop:Loop.begin", name="begin"), Probe("nutrace_loop:Loop.end", name="end"))
    for probes in ((STEP, *calls), (*calls, STEP)):
        with recorded(*probes):
            loop = loops.Loop()
            assert (loop.begin(), loop.end()) == ("begun", "ended")
        assert recorded.shape() == [("step", ["begin", "end"])]


def test_an_error_between_ends_the_step_with_the_span_around_it(
    recorded: Tracing, loops: Any, clock: FakeClock
) -> None:
    with recorded(*PROBES), nutrace.span("outer"):
        with pytest.raises(loops.Failure, match="between"):
            loops.run(loops.Loop(), 2, fail_at=1)
        clock.advance(1000)
    assert recorded.shape() == [("outer", [("run", [("step", ["inner"]), "step"])])]
    assert [span.unfinished for span in recorded.spans("step")] == [False, True]
    assert recorded.spans("step")[1].end_ns == recorded.span("run").end_ns


def test_the_lines_at_exit_count_finished_steps_as_the_report_does(recorded: Tracing, loops: Any) -> None:
    step = Probe("nutrace_loop:Loop.begin", name="simulation.step", until="nutrace_loop:Loop.end")
    with recorded(step, Probe("nutrace_loop:run", name="simulation.run")) as session:
        with pytest.raises(loops.Failure):
            loops.run(loops.Loop(), 3, fail_at=2)
        totals = session.recorder.totals
    assert len(recorded.trace.step_indices) == 3
    assert list(totals.step_ns) == [recorded.trace.busy_ns[step] for step in recorded.trace.finished_steps]
    (scenario,) = recorded.trace.simulations
    assert (scenario.outcome, len(scenario.steps)) == ("failed", 3)


@pytest.mark.parametrize("around", ["span", "generator", "manager", "coroutine"])
def test_unclosed_below_every_kind_of_span(recorded: Tracing, loops: Any, around: str) -> None:
    import asyncio
    from contextlib import contextmanager

    loop = loops.Loop()

    @nutrace.probe(name="around")
    def generator() -> Iterator[None]:
        loop.begin()
        yield

    @nutrace.probe(name="around")
    @contextmanager
    def manager() -> Iterator[None]:
        yield

    @nutrace.probe(name="around")
    async def coroutine() -> None:
        loop.begin()

    with recorded(*PROBES):
        if around == "generator":
            list(generator())
        elif around == "coroutine":
            asyncio.run(coroutine())
        else:
            with nutrace.span("around") if around == "span" else manager():
                loop.begin()
        loop.inner()
    assert recorded.shape() == [("around", ["step"]), "inner"]
    assert recorded.span("step").unfinished


def test_two_brackets_unclosed(recorded: Tracing, loops: Any) -> None:
    other = Probe("nutrace_loop:Loop.inner", name="other", until="nutrace_loop:Loop.end")
    with recorded(STEP, other), nutrace.span("outer"):
        loops.Loop().begin()
        loops.Loop().inner()
    assert recorded.shape() == [("outer", [("step", ["other"])])]
    assert recorded.span("step").unfinished
    assert recorded.span("other").unfinished


def test_opened_twice(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    with recorded(*PROBES), nutrace.span("outer"):
        for _ in range(3):
            loop.begin()
            loop.inner()
        loop.end()
        loop.inner()
    assert recorded.shape() == [("outer", [("step", ["inner"])] * 3 + ["inner"])]
    assert [span.unfinished for span in recorded.spans("step")] == [True, True, False]


def test_opened_twice_without_anything_around(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    with recorded(*PROBES):
        loop.begin()
        loop.begin()
        loop.end()
        loop.inner()
    assert recorded.shape() == ["step", "step", "inner"]


def test_a_step_inside_a_step(recorded: Tracing, loops: Any) -> None:
    """A planner that simulates has steps of its own."""
    loop = loops.Loop()
    with recorded(*PROBES):
        loop.begin()
        loop.inner(lambda: loops.run(loops.Loop(), 2))
        loop.end()
    assert recorded.shape() == [("step", [("inner", [("run", [("step", ["inner"]), ("step", ["inner"])])])])]
    assert not any(span.unfinished for span in recorded.trace)


def test_closed_without_being_open(recorded: Tracing, loops: Any) -> None:
    with recorded(*PROBES):
        assert loops.Loop().end() == "ended"
        loops.Loop().inner()
    assert recorded.shape() == ["inner"]


def test_closed_from_deeper_inside(recorded: Tracing, loops: Any) -> None:
    """The span that the closing call was made in sticks out; the next step is no child of the last."""
    loop = loops.Loop()
    with recorded(*PROBES), nutrace.span("outer"):
        for _ in range(3):
            loop.begin()
            loop.inner(loop.end)
    steps = recorded.spans("step")
    assert [(step.depth, step.calls, step.unfinished) for step in steps] == [(1, 1, False)] * 3


def test_two_threads_at_once(recorded: Tracing, loops: Any) -> None:
    barrier = threading.Barrier(2, timeout=20)

    def run() -> None:
        loop = loops.Loop()
        for _ in range(5):
            loop.begin()
            barrier.wait()
            loop.inner()
            barrier.wait()
            loop.end()

    with recorded(*PROBES):
        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert recorded.shape() == [("step", ["inner"])] * 10
    steps = recorded.spans("step")
    assert all(step.children[0].thread == step.thread for step in steps)
    assert len({step.thread.thread_id for step in steps}) == 2


def test_calls_that_fail(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    with recorded(*PROBES):
        with pytest.raises(loops.Failure, match="begin"):
            loop.begin(fail=True)
        loop.inner()
        loop.begin()
        with pytest.raises(loops.Failure, match="end"):
            loop.end(fail=True)
        loop.inner()
    assert recorded.shape() == ["step", "inner", "step", "inner"]
    assert [span.status.code for span in recorded.spans("step")] == [2, 2]


def test_a_missing_end_leaves_the_beginning_alone(recorded: Tracing, loops: Any) -> None:
    before = vars(loops.Loop)["begin"]
    # The second one's module may still be imported: the pair waits for it.
    for until, is_missing in (("nutrace_loop:Loop.gone", True), ("nutrace_elsewhere:end", False)):
        probe = Probe("nutrace_loop:Loop.begin", until=until)
        with recorded(probe):
            assert (probe.target in recorded.missing) == is_missing
            assert vars(loops.Loop)["begin"] is before


def test_both_ends_come_back(recorded: Tracing, loops: Any) -> None:
    before = dict(vars(loops.Loop))
    with recorded(*PROBES):
        assert vars(loops.Loop)["begin"] is not before["begin"]
    assert all(vars(loops.Loop)[name] is value for name, value in before.items())


def test_baggage_is_there_again_after_the_step(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    with recorded(*PROBES):
        token = context.attach(baggage.set_baggage("token", "abc"))
        loop.begin()
        assert baggage.get_baggage("token") == "abc"
        loop.end()
        assert baggage.get_baggage("token") == "abc"
        context.detach(token)
        assert baggage.get_baggage("token") is None


def test_a_remote_parent_is_there_again_after_the_step(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    remote = otel.NonRecordingSpan(otel.SpanContext(0xABC, 0xDEF, is_remote=True))
    with recorded(*PROBES):
        token = context.attach(otel.set_span_in_context(remote))
        loop.begin()
        assert otel.get_current_span() is not remote
        loop.end()
        assert otel.get_current_span() is remote
        context.detach(token)


def test_uninstrumented_in_the_middle(recorded: Tracing, loops: Any) -> None:
    loop = loops.Loop()
    with recorded(*PROBES):
        end = loop.end
        loop.begin()
    assert end() == "ended"
    assert recorded.span("step").unfinished


def test_a_context_attached_by_the_first_call_and_detached_by_the_second(
    recorded: Tracing, module: Callable[[str, str], str]
) -> None:
    source = """
    from opentelemetry import baggage, context

    class Loop:
        def begin(self, detached):
            token = context.attach(baggage.set_baggage("user", "bob"))
            self.tokens = [token] * detached
        def inner(self):
            return baggage.get_baggage("user")
        def end(self):
            for token in self.tokens:
                context.detach(token)
    """
    loop = importlib.import_module(module("nutrace_loop", textwrap.dedent(source))).Loop()

    def run() -> None:
        for detached in (True, True, False):
            loop.begin(detached)
            assert loop.inner() == "bob"
            loop.end()
            assert baggage.get_baggage("user") == (None if detached else "bob")

    with recorded(*PROBES[:2]), nutrace.span("outer"):
        contextvars.copy_context().run(run)
    assert recorded.shape() == [("outer", [("step", ["inner"])] * 3)]
    assert not any(span.unfinished for span in recorded.trace)
