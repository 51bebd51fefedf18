"""Invariants of every trace, checked on files that hypothesis makes up."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from fakes.otlp import EPOCH_NS, TRACE_ID, attributes, envelope, write
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.trace import Trace, load
from nutrace.trace.layout import layout

FEW = settings(max_examples=150, deadline=None)


@st.composite
def well_nested(draw: st.DrawFn) -> List[Dict[str, Any]]:
    """Spans of one thread as a program makes them: nested, and in sequence."""
    made: List[Dict[str, Any]] = []

    def fill(parent: str, start: int, end: int, depth: int) -> None:
        at = start
        while depth and end - at > 2 and len(made) < 30 and draw(st.booleans()):
            begin = draw(st.integers(at, end - 1))
            finish = draw(st.integers(begin, end))
            span = _span(len(made) + 1, parent, begin, finish)
            made.append(span)
            fill(span["spanId"], begin, finish, depth - 1)
            at = finish

    root = _span(1, "", 0, draw(st.integers(10, 1000)))
    made.append(root)
    fill(root["spanId"], 0, int(root["endTimeUnixNano"]) - EPOCH_NS, 5)
    return draw(st.permutations(made))


@st.composite
def anything(draw: st.DrawFn) -> List[Dict[str, Any]]:
    """Spans with any parents, times, threads, costs and ids."""
    made = []
    for number in range(1, draw(st.integers(1, 14)) + 1):
        start = draw(st.integers(0, 20)) * 1_000  # coarse, for equal starts
        more: Dict[str, Any] = {}
        if draw(st.booleans()):
            more["thread.id"] = draw(st.integers(1, 2))
        if draw(st.integers(0, 3)) == 0:
            more["nutrace.busy_ns"] = draw(st.integers(0, 9_000))
        parent = draw(st.integers(0, 15))
        span_id = draw(st.integers(1, 14)) if draw(st.integers(0, 9)) == 0 else number
        above = f"{parent:016x}" if parent else ""
        made.append(_span(span_id, above, start, draw(st.integers(start - 500, start + 9_000)), more))
    return made


def _span(
    number: int, parent: str, start: int, end: int, more: Optional[Dict[str, Any]] = None
) -> Dict[str, Any]:
    span = {
        "traceId": TRACE_ID,
        "spanId": f"{number:016x}",
        "name": f"s{number}",
        "startTimeUnixNano": str(EPOCH_NS + start),
        "endTimeUnixNano": str(EPOCH_NS + end),
        "attributes": attributes({"thread.id": 1} if more is None else more),
    }
    if parent:
        span["parentSpanId"] = parent
    return span


def _load(*batches: List[Dict[str, Any]]) -> Trace:
    with tempfile.TemporaryDirectory() as directory:
        return load(write(Path(directory) / "run.jsonl", *map(envelope, batches)))


def _columns(trace: Trace) -> Tuple[Any, ...]:
    return (
        trace.name,
        *map(
            list,
            (
                trace.parent,
                trace.start_ns,
                trace.end_ns,
                trace.busy_ns,
                trace.self_ns,
                trace.thread,
                trace.calls,
            ),
        ),
        trace.threads,
        trace.diagnostics,
    )


@FEW
@given(well_nested())
def test_self_times_sum_to_the_root_of_well_nested_spans(made: List[Dict[str, Any]]) -> None:
    trace = _load(made)
    assert trace.roots == [0]
    assert sum(trace.self_ns) == trace.busy_ns[0]
    assert trace.diagnostics.notes == ()
    assert len(trace.threads) == 1
    left, right = layout(trace)
    # Nothing needs to be moved.
    assert [edge + trace.begin_ns for edge in left] == list(trace.start_ns)
    assert [edge + trace.begin_ns for edge in right] == list(trace.end_ns)


@FEW
@given(anything())
def test_nothing_is_lost_or_counted_twice(made: List[Dict[str, Any]]) -> None:
    trace = _load(made)
    assert len(trace) + trace.diagnostics.duplicates == len(made)
    costs, heads = [0] * len(trace.threads), [0] * len(trace.threads)
    for span in range(len(trace)):
        costs[trace.thread[span]] += trace.self_ns[span]
        if not trace.nested(span):
            heads[trace.thread[span]] += trace.busy_ns[span]
        assert trace.self_ns[span] >= 0
    assert costs == heads


@FEW
@given(anything())
def test_preorder(made: List[Dict[str, Any]]) -> None:
    trace = _load(made)
    for span in range(len(trace)):
        parent = trace.parent[span]
        assert parent < span < trace.subtree_end[span] <= len(trace)
        assert trace.depth[span] == (trace.depth[parent] + 1 if parent >= 0 else 0)
        if parent >= 0:
            assert trace.subtree_end[span] <= trace.subtree_end[parent]
        children = list(trace.children(span))
        assert all(trace.parent[child] == span for child in children)
        starts = [trace.start_ns[child] for child in children if trace.nested(child)]
        assert starts == sorted(starts)
        assert trace.end_ns[span] >= trace.start_ns[span]
        assert trace.busy_ns[span] <= trace.end_ns[span] - trace.start_ns[span]
    assert (
        sorted(range(len(trace)), key=lambda span: (span not in trace.roots, span))[: len(trace.roots)]
        == trace.roots
    )


@FEW
@given(anything())
def test_layout_is_nested_and_as_wide_as_the_cost(made: List[Dict[str, Any]]) -> None:
    trace = _load(made)
    left, right = layout(trace)
    lanes: Dict[Tuple[int, int], List[int]] = {}
    for span in range(len(trace)):
        assert right[span] - left[span] == trace.busy_ns[span]
        parent = trace.parent[span]
        if trace.nested(span):
            assert left[parent] <= left[span]
            assert right[span] <= right[parent]
            lanes.setdefault((parent, 0), []).append(span)
        else:
            lanes.setdefault((-1, trace.thread[span]), []).append(span)
    for (parent, _), siblings in lanes.items():
        if parent < 0:
            siblings.sort(key=lambda span: (trace.start_ns[span], span))
        for before, after in zip(siblings, siblings[1:]):
            assert right[before] <= left[after]


@FEW
@given(anything(), st.randoms(use_true_random=False))
def test_loading_does_not_depend_on_the_order_of_lines(made: List[Dict[str, Any]], random: Any) -> None:
    expected = _columns(_load(made))
    shuffled = made[:]
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))
    assert _columns(_load(shuffled[:cut], shuffled[cut:])) == expected
