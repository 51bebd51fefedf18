"""Composite spans: what is merged, and that nothing gets lost in it."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from fakes.programs import losses
from fakes.tracing import Tracing
from hypothesis import given, settings
from hypothesis import strategies as st

import nutrace
from nutrace.analysis import divide, span_costs
from nutrace.probes.probe import Probe
from nutrace.recording.buffers import local
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import Composite, Record, settle
from nutrace.recording.span import CallSite, Span, process_state
from nutrace.sketch import Sketch

SITES = (CallSite("a", "map"), CallSite("b", "map"))
PARENTS = (None, Span(SITES[0], None))
LONGEST_NS = 100


@pytest.fixture(autouse=True)
def _longest() -> Iterator[None]:
    before = process_state.longest_ns
    process_state.longest_ns = LONGEST_NS
    yield
    process_state.longest_ns = before


# Call site, parent, duration, and what the span has of its own: nothing, details or an id.
ended = st.tuples(
    st.sampled_from(SITES),
    st.sampled_from(PARENTS),
    st.integers(0, 2 * LONGEST_NS),
    st.sampled_from("nnnnxi"),
)


def _queue(calls: List[Tuple[CallSite, Any, int, str]]) -> List[Record]:
    """Settle a span for each call, and take the queue."""
    at = 1000
    for site, parent, took, own in calls:
        span = Span(site, parent)
        span.started, span.ended = at, at + took
        at += took + 7
        if own == "x":
            span.ensure_details()
        elif own == "i":
            span.id = at
        settle(span)
    taken: List[Tuple[Record, int]] = []
    local.buffer.take(taken, len(calls))
    return [record for record, _ in taken]


@given(st.lists(ended, max_size=60))
def test_what_is_merged_adds_up(calls: List[Tuple[CallSite, Any, int, str]]) -> None:
    queue = _queue(calls)
    position = 0
    for record in queue:
        count = record.count if isinstance(record, Composite) else 1
        members = calls[position : position + count]
        position += count
        took = [member[2] for member in members]
        assert {(member[0], member[1]) for member in members} == {(record.site, record.parent)}
        if isinstance(record, Composite):
            assert count > 1
            assert all(member[3] == "n" and member[2] <= LONGEST_NS for member in members)
            assert record.count == count
            assert record.sum_ns == sum(took)
            assert record.folded()[:4] == (count, sum(took), min(took), max(took))
            assert record.ended - record.started == sum(took) + 7 * (count - 1)
        else:
            assert record.ended - record.started == took[0]
    assert position == len(calls)


@given(st.lists(st.integers(0, LONGEST_NS), min_size=2, max_size=700))
@settings(max_examples=20, deadline=None)
def test_a_long_run_is_one_composite_with_a_sketch(took: List[int]) -> None:
    """Its times are added to the sketch many at a time."""
    (record,) = _queue([(SITES[0], None, each, "n") for each in took])
    assert isinstance(record, Composite)
    assert len(record.times) <= 256
    assert (record.count, record.sum_ns) == (len(took), sum(took))
    assert record.folded() == Sketch().plus(took)
    assert (record.count, record.sum_ns, record.times) == (len(took), sum(took), [])


def test_ctrl_c_between_two_instructions_neither_loses_leaves_nor_counts_them_twice() -> None:
    class Struck(BaseException):
        pass

    def strike(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal instructions
        frame.f_trace_opcodes = True
        if event == "opcode":
            instructions += 1
            if instructions > untouched:
                raise Struck
        return strike

    untouched, instructions, was_struck, before = 0, 0, True, sys.gettrace()
    while was_struck:
        composite = Composite(_span_that_took(1), 1)
        composite.folded()
        composite.add(_span_that_took(10), 10)
        instructions = 0
        sys.settrace(strike)
        try:
            composite.folded()
            was_struck = False
        except Struck:
            pass
        finally:
            sys.settrace(before)
        assert (composite.count, composite.sum_ns) == (2, 11), untouched
        untouched += 1
    assert untouched > 50


def _span_that_took(took: int) -> Span:
    span = Span(SITES[0], None)
    span.started, span.ended = 1000, 1000 + took
    return span


def test_percentiles_of_merged_calls_are_in_the_file(recorded: Tracing) -> None:
    """Nine of ten calls take 2 us, the others 100: the mean of all is 12."""
    with recorded(compress_us=1000):
        at = now_ns()
        for number in range(5000):
            span = Span(SITES[0], None)
            span.started = at
            at += 100_000 + number if number % 10 == 0 else 2_000 + number % 7
            span.ended = at
            settle(span)
    trace = recorded.trace
    (cost,) = (cost for cost in span_costs(trace, divide(trace)) if cost.name == "a")
    assert cost.calls == 5000
    assert cost.p50_ns == pytest.approx(2_003, rel=0.05)
    assert cost.p95_ns == pytest.approx(102_500, rel=0.05)


@given(st.lists(ended, max_size=60))
def test_neighbours_that_can_be_merged_are(calls: List[Tuple[CallSite, Any, int, str]]) -> None:
    queue = _queue(calls)

    def plain(record: Record) -> bool:
        short = isinstance(record, Composite) or record.ended - record.started <= LONGEST_NS
        return record.details is None and not record.id and short

    for one, other in zip(queue, queue[1:]):
        equal = one.site is other.site and one.parent is other.parent
        assert not (equal and plain(one) and plain(other))


def test_what_ends_while_the_queue_is_held_stands_for_itself() -> None:
    """Such as a leaf of a signal handler that interrupts its own thread in the middle of a merge."""
    spans = [Span(SITES[0], None) for _ in range(3)]
    for span in spans:
        span.started, span.ended = 1, 2
    settle(spans[0])
    with local.buffer.lock:
        settle(spans[1])
    settle(spans[2])
    first, last = local.spans
    local.spans.clear()
    assert first is spans[0]
    assert (last.count, last.sum_ns) == (2, 2)


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("taken", [False, True])
def test_what_changes_the_queue_after_we_looked_is_seen(
    monkeypatch: pytest.MonkeyPatch, before: int, taken: bool
) -> None:
    """A finalizer's span came in, or the recorder took everything; before that, a span or a composite."""
    spans = [Span(SITES[0], None) for _ in range(before + 1)]
    for span in spans:
        span.started, span.ended = 1, 2
        if span is not spans[-1]:
            settle(span)
    queued = list(local.spans)
    between = Span(SITES[1], None)

    class Lock:
        def acquire(self, blocking: bool, timeout: float) -> bool:
            if taken:
                local.spans.clear()
            else:
                local.spans.append(between)
            return True

        def release(self) -> None:
            pass

    monkeypatch.setattr(local.buffer, "lock", Lock())
    settle(spans[-1])
    left = list(local.spans)
    local.spans.clear()
    assert left == ([spans[-1]] if taken else [*queued, between, spans[-1]])


def test_only_leaves_are_merged(recorded: Tracing, module: Callable[[str, str], str]) -> None:
    name = module("leaves", "def parent(n):\n    [leaf() for _ in range(n)]\ndef leaf():\n    pass\n")
    with recorded(Probe(f"{name}:parent", "map"), Probe(f"{name}:leaf", "map"), compress_us=1e6):
        import leaves  # type: ignore[import-not-found]

        for n in (0, 0, 3, 1, 0, 0, 0):
            leaves.parent(n)
    calls = [(span.name, span.calls, [(child.name, child.calls) for child in span.children])
             for span in recorded.trace if span.parent is None]  # fmt: skip
    assert calls == [
        ("parent", 2, []),
        ("parent", 1, [("leaf", 3)]),
        ("parent", 1, [("leaf", 1)]),
        ("parent", 3, []),
    ]
    assert not losses(recorded.trace)


def test_zero_merges_nothing(recorded: Tracing) -> None:
    @nutrace.probe
    def leaf() -> None:
        pass

    with recorded(compress_us=0):
        for _ in range(10):
            leaf()
    assert [span.calls for span in recorded.trace] == [1] * 10


def test_tasks_of_merged_calls_are_no_orphans(recorded: Tracing) -> None:
    @nutrace.probe
    def begin() -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work())

    @nutrace.probe(component="planner")
    async def work() -> None:
        with nutrace.span("inner"):
            pass

    async def main() -> None:
        await asyncio.gather(*[begin() for _ in range(5)])

    with recorded(compress_us=1e6):
        asyncio.run(main())
    trace = recorded.trace
    assert trace.diagnostics.orphans == 0
    assert trace.diagnostics.duplicates == 0
    assert {span.parent.name for span in trace if span.parent is not None} == {
        begin.__qualname__,
        work.__qualname__,
    }
    assert sum(span.calls for span in trace if span.name == begin.__qualname__) == 5
