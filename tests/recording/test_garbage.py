"""Garbage collections become spans of what they strike, and nothing that the program does changes."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from fakes.programs import counts, losses, run
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.prices import Calibration, Prices
from nutrace.probes.catalogue.garbage import PROBES
from nutrace.trace.trace import SpanView


class Node:
    def __init__(self) -> None:
        self.me = self


def cycles(number: int) -> None:
    for _ in range(number):
        Node()


class Watch:
    """The program's own look at its collections: an independent count."""

    def __init__(self) -> None:
        self.seen: List[Tuple[int, int]] = []

    def __call__(self, phase: str, info: Dict[str, int]) -> None:
        if phase == "stop":
            self.seen.append((info["generation"], info["collected"]))


@pytest.fixture
def watch() -> Iterator[Watch]:
    watching = Watch()
    gc.collect()
    gc.callbacks.append(watching)
    yield watching
    gc.callbacks.remove(watching)


@pytest.fixture
def alone() -> Iterator[None]:
    """No callbacks of others: hypothesis has one that is written in Python."""
    others = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = others


def _collections(recorded: Tracing) -> List[SpanView]:
    return recorded.spans(semconv.GC_SPAN)


def test_collections_are_children_of_what_they_strike(recorded: Tracing, watch: Watch) -> None:
    # The writer is another thread, and collects in no span.
    with recorded(*PROBES, flush_seconds=3600), nutrace.span("outside"):
        gc.collect(0)  # so that none comes between this and the span
        watch.seen.clear()
        with nutrace.span("inside"):
            cycles(30_000)
        seen = list(watch.seen)
        gc.disable()  # uninstalling makes garbage as well
    gc.enable()
    found = [span for span in _collections(recorded) if span.parent and span.parent.name == "inside"]
    assert len(found) == len(seen) > 10
    assert [span.attributes[semconv.GC_GENERATION] for span in found] == [each for each, _ in seen]
    assert [span.attributes[semconv.GC_COLLECTED] for span in found] == [each for _, each in seen]
    assert {span.component for span in found} == {"gc"}
    (inside,) = recorded.spans("inside")
    assert inside.self_ns == inside.total_ns - sum(span.total_ns for span in found) > 0
    assert recorded.trace.diagnostics.overlapping == recorded.trace.diagnostics.outside_parent == 0


def test_young_collections_are_merged_and_full_ones_stand_for_themselves(
    recorded: Tracing, watch: Watch
) -> None:
    heap = [[each] for each in range(200_000)]  # a full collection takes milliseconds
    with recorded(*PROBES, compress_us=200, flush_seconds=3600):
        gc.collect(0)  # so that none comes between this and the span
        watch.seen.clear()
        with nutrace.span("work"):
            cycles(5_000)
            gc.collect()
            cycles(5_000)
            seen = list(watch.seen)
            gc.disable()
    gc.enable()
    del heap
    young = [span for span in _collections(recorded) if span.attributes[semconv.GC_GENERATION] < 2]
    full = [span for span in _collections(recorded) if span.attributes[semconv.GC_GENERATION] == 2]
    assert sum(span.calls for span in young) == sum(generation < 2 for generation, _ in seen)
    assert len(young) <= 3  # one for each time that spans were written
    assert len(full) == sum(generation == 2 for generation, _ in seen) >= 1
    collected = sum(span.attributes[semconv.GC_COLLECTED] for span in young + full)
    assert collected == sum(each for _, each in seen)


def test_a_loop_of_short_full_collections_is_bounded(recorded: Tracing) -> None:
    gc.freeze()
    try:
        with recorded(*PROBES, compress_us=100_000), nutrace.span("loop"):
            for _ in range(500):
                gc.collect()
            gc.disable()
    finally:
        gc.enable()
        gc.unfreeze()
    assert sum(span.calls for span in _collections(recorded)) == 500
    assert len(recorded.trace) < 50
    assert recorded.session is not None
    assert recorded.session.recorder.diagnostics.dropped == 0


def test_merged_leaves_have_their_collections(recorded: Tracing) -> None:
    """A short leaf that a collection strikes is merged like the others; the collection lies below it."""

    @nutrace.probe
    def leaf() -> None:
        cycles(5)

    with recorded(*PROBES, compress_us=1e6) as session:
        session.recorder.price_events(Calibration(Prices()))  # the totals are those of the recorded times
        with nutrace.span("outer"):
            for _ in range(20_000):
                leaf()
    leaves = [span for span in recorded.trace if "leaf" in span.name]
    assert sum(span.calls for span in leaves) == 20_000
    assert sum(child.calls for span in leaves for child in span.children) > 10
    totals = recorded.session.recorder.totals  # type: ignore[union-attr]
    assert totals.self_all_ns["gc"] == sum(span.self_ns for span in _collections(recorded))
    outer = recorded.span("outer")
    assert abs(sum(totals.self_all_ns.values()) - outer.total_ns) < 1_000
    assert losses(recorded.trace) == {}


def test_the_programs_callbacks_stay_as_they_were(recorded: Tracing, watch: Watch) -> None:
    callbacks, before = gc.callbacks, list(gc.callbacks)
    with recorded(*PROBES), nutrace.span("work"):
        assert gc.callbacks[: len(before)] == before
        assert len(gc.callbacks) == len(before) + 2
        gc.callbacks.append(print)
    assert gc.callbacks is callbacks
    assert gc.callbacks == [*before, print]
    gc.callbacks.remove(print)


@pytest.mark.parametrize(
    "change",
    [
        "gc.callbacks.clear()",
        "gc.callbacks = []",
        "gc.callbacks[:] = [lambda *_: None]",
        "gc.callbacks.reverse()",
    ],
)
def test_a_program_may_change_the_list_of_callbacks(tmp_path: Path, change: str) -> None:
    ended = run(
        tmp_path,
        f"""
        import gc, nutrace
        with nutrace.span("work"):
            gc.collect()
            {change}
            gc.collect()
            print(len(gc.callbacks))
        """,
    )
    assert (ended.code, ended.err.count("fault"), ended.err.count("Traceback")) == (0, 0, 0)
    assert counts(ended.trace) == {"work": 1}
    assert sum(span.name == semconv.GC_SPAN for span in ended.trace) >= 1


@pytest.mark.usefixtures("alone")
def test_ctrl_c_during_a_collection_reaches_the_program(recorded: Tracing) -> None:
    """Python drops what callbacks raise: none of ours may be written in Python."""

    class Interrupted(Exception):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    def collect_until_interrupted() -> None:
        gc.collect()  # what other tests have left: a finalizer would swallow the exception
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            gc.collect()

    heap = [[each] for each in range(300_000)]
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(3):
            with recorded(*PROBES), nutrace.span("work"), pytest.raises(Interrupted):
                collect_until_interrupted()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    del heap
    assert recorded.faults == []


@pytest.mark.usefixtures("alone")
def test_no_line_of_python_runs_at_a_collection(recorded: Tracing) -> None:
    lines: List[Any] = []

    def see(frame: FrameType, event: str, arg: object) -> Any:
        lines.append((frame.f_code.co_filename, event))
        return see

    with recorded(*PROBES):
        gc.collect()  # what other tests have left: finalizers may be written in Python
        sys.settrace(see)
        gc.collect(0)
        sys.settrace(None)
    assert lines == []


def test_calls_outside_of_spans_are_not_recorded(recorded: Tracing) -> None:
    with recorded(*PROBES):
        gc.disable()
        gc.enable()
        with nutrace.span("work"):
            gc.disable()
            assert not gc.isenabled()
            gc.enable()
    assert gc.isenabled()
    assert [recorded.calls(f"gc.{name}") for name in ("disable", "enable")] == [1, 1]


def test_a_program_with_nothing_but_collections_writes_no_file(tmp_path: Path) -> None:
    ended = run(tmp_path, "import gc\nfor _ in range(3): gc.collect()")
    assert (ended.code, ended.files) == (0, [])


def test_a_fork_takes_no_collections_with_it(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import gc, os, nutrace
        gc.disable()
        with nutrace.span("outer"):
            for _ in range(5):
                gc.collect()
            child = os.fork()
            if not child:
                with nutrace.span("child"):
                    gc.collect()
                os._exit(0)
            os.waitpid(child, 0)
        """,
        variables={"NUTRACE_COMPRESS_US": "0", "NUTRACE_FLUSH_SECONDS": "30"},
    )
    assert ended.code == 0, ended.err
    pids: Dict[Any, int] = {}
    for span in ended.trace:
        if span.name == semconv.GC_SPAN:
            pid = ended.trace.resources[span.thread.resource].pid
            pids[pid] = pids.get(pid, 0) + 1
    assert sorted(pids.values()) == [1, 5]


def test_too_many_collections_are_counted_as_lost(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import gc, nutrace
        from nutrace.recording import garbage
        gc.disable()
        gc.freeze()
        with nutrace.span("work"):
            for _ in range(60_000):
                gc.collect(0)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "30", "NUTRACE_LEVEL": "coarse"},
    )
    assert ended.code == 0, ended.err
    kept = sum(span.calls for span in ended.trace if span.name == semconv.GC_SPAN)
    assert (kept, ended.trace.diagnostics.dropped) == (50_000, 10_000)


TORTURE = """
import copy, gc, os, sqlite3, sys, threading
import nutrace

class Node:
    def __init__(self):
        self.me = self
    def __del__(self):
        # Before 3.12 a collection may strike ContextVar.set: CPython crashes if a finalizer sets one then.
        if sys.version_info >= (3, 12):
            finalized()

@nutrace.probe
def finalized(): pass

@nutrace.probe
def leaf(n): return [n]

@nutrace.probe
def numbers(n):
    for each in range(n):
        yield leaf(each)

@nutrace.probe
def fails(n):
    Node()
    raise ValueError(n)

@nutrace.probe
def work(n):
    total = 0
    for _ in range(n):
        total += sum(sum(each) for each in numbers(5))
        total += len(copy.deepcopy([[1], [2], {"a": [3]}]))
        Node()
        try:
            fails(n)
        except ValueError as error:
            total += error.args[0]
    connection = sqlite3.connect(":memory:")
    total += sum(row[0] for row in connection.execute("select 1 union select 2"))
    connection.close()
    return total

gc.set_threshold(1, 2, 3)
results = []
with nutrace.span("all"):
    threads = [threading.Thread(target=lambda: results.append(work(4))) for _ in range(3)]
    for thread in threads: thread.start()
    results.append(work(4))
    for thread in threads: thread.join()
    for _ in range(3):
        child = os.fork()
        if not child:
            work(5)
            os._exit(0 if work(2) else 1)
        results.append(os.waitpid(child, 0)[1])
print(results)
"""


@pytest.mark.parametrize("compress", ["0", "200"])
def test_collections_at_every_allocation(tmp_path: Path, compress: str) -> None:
    """In the middle of everything, our own code included: nothing hangs, nothing is lost, all is the same."""
    variables = {"NUTRACE_COMPRESS_US": compress}
    for folder in ("plain", "traced"):
        (tmp_path / folder).mkdir()
    plain = run(tmp_path / "plain", TORTURE.replace("@nutrace.probe\n", ""), variables={"NUTRACE": None})
    ended = run(tmp_path / "traced", TORTURE, variables=variables)
    assert (ended.code, ended.out) == (0, plain.out), ended.err
    assert "fault" not in ended.err
    assert "Exception ignored" not in ended.err
    trace = ended.trace
    calls = counts(trace)
    works = 4 + 3 * 2
    loops = 4 * 4 + 3 * 7
    assert (calls["work"], calls["numbers"], calls["leaf"], calls["fails"]) == (
        works,
        loops,
        5 * loops,
        loops,
    )
    # A finalizer's span may be written while its collection goes on: then it is shown beside that. It may
    # also run between the moment when a span becomes current and its start: then it is shown beside the span.
    assert losses(trace).keys() <= {"overlapping", "outside_parent"}
    assert min(trace.self_ns) >= 0
    assert sum(span.calls for span in trace if span.name == semconv.GC_SPAN) > 500


BETWEEN = """
import gc, sqlite3
import nutrace

connection = sqlite3.connect(":memory:")
connection.execute("create table numbers (n)")
connection.executemany("insert into numbers values (?)", [(n,) for n in range(20)])

@nutrace.probe
def rows():
    yield from connection.execute("select n from numbers")

@nutrace.probe
def one():
    cursor = connection.execute("select n from numbers where n = 3")
    return cursor.fetchone(), cursor.fetchone()

@nutrace.probe
def work():
    list(connection.execute("select n from numbers"))
    list(rows())
    one()

gc.set_threshold(1, 2, 30)
for _ in range(30):
    work()
gc.set_threshold(700)
"""


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="a collection may strike between a span and a reading of the clock"
)
@pytest.mark.parametrize("compress", ["0", "200"])
def test_a_collection_is_below_the_span_whose_time_it_takes(tmp_path: Path, compress: str) -> None:
    """Also if it strikes while rows are fetched, or as a generator goes on or yields."""
    ended = run(tmp_path, BETWEEN, variables={"NUTRACE_COMPRESS_US": compress})
    assert ended.code == 0, ended.err
    assert losses(ended.trace) == {}
    assert sum(span.calls for span in ended.trace if span.name == semconv.GC_SPAN) > 500


def test_a_collection_in_a_thread_of_its_own(recorded: Tracing) -> None:
    def collect() -> None:
        with nutrace.span("in the thread"):
            gc.collect()

    with recorded(*PROBES), nutrace.span("work"):
        thread = threading.Thread(target=collect)
        thread.start()
        thread.join()
    full = [span for span in _collections(recorded) if span.attributes[semconv.GC_GENERATION] == 2]
    parents = {span.parent.name for span in full if span.parent}
    assert "in the thread" in parents
    assert os.getpid() == recorded.trace.resources[0].pid
