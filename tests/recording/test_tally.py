"""Tallies: every leaf is in one composite, once, whatever ends in between and whoever takes the queue."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Dict, List

import pytest
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nutrace
from nutrace.recording.buffers import Buffer, local
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import LONGEST_SERIES, Composite, tally
from nutrace.recording.context import current
from nutrace.recording.span import CallSite, Span

SITES = [CallSite(name, "deepcopy", attributes={"kind": name}) for name in "ab"]


def leaf(site: CallSite, number: int, **series: Any) -> Span:
    """Record one call as a probe on copies or statements does."""
    state: Any = current.get()
    span = Span(site, state)
    span.started = now_ns()
    span.ended = span.started + number
    tally(span, numbers={"objects": number}, series=series)
    return span


def test_leaves_of_one_site_are_one_record_whatever_comes_between(recorded: Tracing) -> None:
    with recorded(compress_us=1000), nutrace.span("around"):
        for number in range(1, 4):
            leaf(SITES[0], number)
            leaf(SITES[1], 10 * number)
            with nutrace.span("between"):
                pass
    a, b = recorded.span("a"), recorded.span("b")
    assert (a.calls, a.total_ns, a.attributes["objects"], a.attributes["kind"]) == (3, 6, 6, "a")
    assert (b.calls, b.total_ns, b.attributes["nutrace.composite.max_ns"]) == (3, 60, 30)
    assert a.parent == b.parent == recorded.span("around")
    assert recorded.trace.diagnostics.overlapping == 0


def test_a_leaf_that_began_first_and_ended_last_keeps_its_time(recorded: Tracing) -> None:
    """Such as a statement whose rows are fetched while others begin and end."""
    with recorded(compress_us=1_000_000), nutrace.span("around"):
        leaf(SITES[0], 1)
        early = Span(SITES[1], current.get())  # type: ignore[arg-type]
        early.started = now_ns()
        early.ended = early.started + 500_000
        while now_ns() < early.started + 300_000:
            pass
        leaf(SITES[1], 1_000)
        while now_ns() < early.ended:
            pass
        tally(early, {"objects": 1}, busy_ns=400_000)
    span = recorded.span("b")
    assert (span.calls, span.total_ns) == (2, 401_000)
    assert recorded.trace.diagnostics.busy_clamped == 0


def test_each_parent_has_tallies_of_its_own(recorded: Tracing) -> None:
    with recorded(compress_us=1000):
        for _ in range(3):
            with nutrace.span("around", number=1):
                leaf(SITES[0], 1)
                leaf(SITES[0], 1)
    assert [span.calls for span in recorded.spans("a")] == [2, 2, 2]


def test_series_have_an_entry_for_each_call(recorded: Tracing) -> None:
    with recorded(compress_us=1000), nutrace.span("around"):
        for number in range(LONGEST_SERIES + 2):
            leaf(SITES[0], 1, key=f"{number}")
    spans = recorded.spans("a")
    assert [span.calls for span in spans] == [LONGEST_SERIES, 2]
    assert [key for span in spans for key in span.attributes["key"]] == [
        str(number) for number in range(LONGEST_SERIES + 2)
    ]


def test_what_is_long_or_bears_something_stands_for_itself(recorded: Tracing) -> None:
    with recorded(compress_us=0.001), nutrace.span("around"):
        leaf(SITES[0], 5, key="k")
    span = recorded.span("a")
    assert span.attributes["objects"] == 5
    assert span.attributes["key"] == ["k"]
    assert "nutrace.composite.count" not in span.attributes


def test_leaves_that_end_while_the_queue_is_held_stand_for_themselves(recorded: Tracing) -> None:
    """Such as those of a finalizer that interrupts its own thread in the middle of adding one."""
    with recorded(compress_us=1000), nutrace.span("around"):
        for held in (False, True, False):
            if held:
                with local.buffer.lock:
                    leaf(SITES[0], 1, key="k")
            else:
                leaf(SITES[0], 1, key="k")
    spans = recorded.spans("a")
    assert [span.calls for span in spans] == [2, 1]
    assert [span.attributes["key"] for span in spans] == [["k", "k"], ["k"]]


def test_nothing_is_added_to_what_the_recorder_took(recorded: Tracing) -> None:
    with recorded(compress_us=1000, flush_seconds=3600), nutrace.span("around"):
        leaf(SITES[0], 1)
        taken: List[Any] = []
        local.buffer.take(taken, 10)
        leaf(SITES[0], 1)
        ((composite, thread_id),) = taken
        assert isinstance(composite, Composite)
        assert (composite.count, thread_id) == (1, threading.get_native_id())
        assert len(local.spans) == 1
    assert recorded.calls("a") == 1


def test_a_lock_that_is_never_released_is_replaced(recorded: Tracing) -> None:
    """Such as when Ctrl-C strikes between taking the lock and the block that releases it."""
    with recorded(compress_us=1000, flush_seconds=3600) as session, nutrace.span("around"):
        assert local.buffer.lock.acquire(False)
        for _ in range(2):
            leaf(SITES[0], 1)
        session.recorder.flush()
        assert len(local.spans) == 0
        for _ in range(3):
            leaf(SITES[0], 1)
        assert len(local.spans) == 1
    assert [span.calls for span in recorded.spans("a")] == [1, 1, 3]


@pytest.mark.parametrize("way", ["tally", "settle"])
def test_a_lock_that_is_never_released_is_waited_for_once(recorded: Tracing, way: str) -> None:
    @nutrace.probe(name="probed")
    def probed() -> None:
        pass

    with recorded(compress_us=1000, flush_seconds=60), nutrace.span("around"):
        local.buffer.lock.acquire()
        began = time.monotonic()
        for _ in range(500):
            leaf(SITES[0], 1) if way == "tally" else probed()
        assert time.monotonic() - began < 1.0
    assert recorded.calls(SITES[0].name if way == "tally" else "probed") == 500


def test_a_merge_whose_thread_waits_for_its_turn_is_not_overtaken() -> None:
    buffer = Buffer()
    lock = buffer.lock
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    buffer.take([], 10)
    assert buffer.lock is lock


def test_a_thread_adds_while_another_drains(recorded: Tracing) -> None:
    calls = 20_000
    with recorded(compress_us=1e6) as session:
        over = threading.Event()

        def drain() -> None:
            while not over.is_set():
                session.recorder.flush()

        thread = threading.Thread(target=drain)
        thread.start()
        with nutrace.span("around"):
            for number in range(calls):
                leaf(SITES[number % 2], 1, key="k")
        over.set()
        thread.join()
    for name in "ab":
        spans = recorded.spans(name)
        assert sum(span.calls for span in spans) == calls // 2
        assert sum(span.attributes["objects"] for span in spans) == calls // 2
        assert sum(len(span.attributes["key"]) for span in spans) == calls // 2


def test_a_leaf_with_children_stands_for_itself(recorded: Tracing) -> None:
    with recorded(compress_us=1e6), nutrace.span("around"):
        leaf(SITES[0], 1)
        state: Any = current.get()
        outer = Span(SITES[0], state)
        outer.started = now_ns()
        token = current.set(outer)
        leaf(SITES[1], 1)
        current.reset(token)
        outer.ended = now_ns()
        tally(outer)
    assert recorded.shape() == [("around", ["a", ("a", ["b"])])]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(calls=st.lists(st.sampled_from(["a", "b", "flush", "in", "out"]), max_size=40))
def test_nothing_is_lost_or_counted_twice(recorded: Tracing, calls: List[str]) -> None:
    expected: Dict[str, int] = {"a": 0, "b": 0}
    with recorded(compress_us=1000) as session:
        blocks = []
        for number, call in enumerate(calls, 1):
            if call == "flush":
                session.recorder.flush()
            elif call == "in":
                blocks.append(nutrace.span("block"))
                blocks[-1].__enter__()
            elif call == "out":
                if blocks:
                    blocks.pop().__exit__(None, None, None)
            else:
                leaf(SITES["ab".index(call)], number)
                expected[call] += number
        while blocks:
            blocks.pop().__exit__(None, None, None)
    for name in "ab":
        spans = recorded.spans(name)
        assert sum(span.attributes["objects"] for span in spans) == expected[name]
        assert sum(span.calls for span in spans) == calls.count(name)


def test_the_next_recording_has_its_own(recorded: Tracing) -> None:
    for _ in range(2):
        with recorded(compress_us=1000):
            leaf(SITES[0], 1)
        assert recorded.calls("a") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_its_own(recorded: Tracing) -> None:
    with recorded(compress_us=1000), nutrace.span("around"):
        leaf(SITES[0], 1)
        pid = os.fork()
        if not pid:
            leaf(SITES[0], 1)
            leaf(SITES[0], 1)
            os._exit(0)
        os.waitpid(pid, 0)
        leaf(SITES[0], 1)
    calls: Dict[int, int] = {}
    for span in recorded.spans("a"):
        calls[span.thread.resource] = calls.get(span.thread.resource, 0) + span.calls
    assert sorted(calls.values()) == [2, 2]
