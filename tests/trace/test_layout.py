"""Where spans are drawn whose interval is longer than their cost."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Tuple

from fakes.otlp import trace_of

from nutrace.trace import Trace
from nutrace.trace.layout import layout

BUSY = "nutrace.busy_ns"


def _drawn(trace: Trace) -> Dict[str, Tuple[float, float]]:
    left, right = layout(trace)
    return {trace.name[span]: (left[span] / 1000, right[span] / 1000) for span in range(len(trace))}


def test_a_plain_trace_is_drawn_where_it_was(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 100, 200, [("a", 110, 130), ("b", 150, 199)]))
    assert _drawn(trace) == {"run": (0, 100), "a": (10, 30), "b": (50, 99)}


def test_a_generator_and_its_consumer_stand_side_by_side(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("step", 0, 100, [("rows", 0, 100, {BUSY: 30_000}), ("consume", 10, 40)]))
    assert _drawn(trace) == {"step": (0, 100), "rows": (0, 30), "consume": (30, 60)}


def test_children_that_would_stick_out_are_pushed_back(tmp_path: Path) -> None:
    children = [("a", 0, 60), ("rows", 50, 100, {BUSY: 20_000}), ("b", 80, 100)]
    trace = trace_of(tmp_path, ("step", 0, 100, children))
    assert _drawn(trace) == {"step": (0, 100), "a": (0, 60), "rows": (60, 80), "b": (80, 100)}
    tight = [("rows", 0, 100, {BUSY: 10_000}), ("a", 5, 80), ("b", 85, 100)]
    trace = trace_of(tmp_path, ("step", 0, 100, tight))
    assert _drawn(trace) == {"step": (0, 100), "rows": (0, 10), "a": (10, 85), "b": (85, 100)}
    late = [("a", 0, 10), ("rows", 40, 100, {BUSY: 40_000}), ("b", 50, 100)]
    trace = trace_of(tmp_path, ("step", 0, 100, late))
    assert _drawn(trace) == {"step": (0, 100), "a": (0, 10), "rows": (10, 50), "b": (50, 100)}


def test_a_child_deep_in_a_generator_is_drawn_inside_its_width(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("step", 0, 100, [("rows", 0, 100, [("decode", 90, 95)], {BUSY: 10_000})]))
    assert _drawn(trace) == {"step": (0, 100), "rows": (0, 10), "decode": (5, 10)}


def test_other_threads_are_drawn_at_their_own_time(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 50, [("worker", 10, 90, {"thread.id": 2})]))
    assert _drawn(trace) == {"run": (0, 50), "worker": (10, 90)}
