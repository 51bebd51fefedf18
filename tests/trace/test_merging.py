"""Merged siblings: a trace with fewer spans, of which every table says the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List

import pytest
from fakes.joined_samples import with_samples
from fakes.otlp import EPOCH_NS, document, envelope, spans, trace_of, write
from fakes.otlp import merged as composite
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace import semconv
from nutrace.analysis import report
from nutrace.analysis.deepcopies import deep_copies
from nutrace.trace import Trace, load

C = "nutrace.component"
_QUERY = {C: "database", "nutrace.sql.statement": "aa", "db.query.text": "SELECT 1"}


def _query(start: float, rows: int, **more: Any) -> Any:
    told = {
        **_QUERY,
        "db.response.returned_rows": rows,
        "nutrace.sql.execute_ns": 900,
        "nutrace.sql.fetch_ns": 100,
        "nutrace.sql.took_ns": [1000],
        "nutrace.sql.parameters": [f"p{rows}"],
        **more,
    }
    return ("sqlite3.statement", start, start + 1 + rows / 10, told)


def _read(start: float, *below: Any, **more: Any) -> Any:
    return ("scenario.read", start, start + 20, list(below), {C: "scenario", **more})


def test_siblings_become_one_and_then_those_below_them(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        ("planner.compute", 0, 100, [_read(1, _query(2, 3)), _read(30, _query(31, 4), _query(40, 5)),
         ("planner.score", 55, 60), _read(70)]),
    )  # fmt: skip
    part = trace.merged()
    assert part.name == ["planner.compute", "scenario.read", "sqlite3.statement", "planner.score"]
    assert list(part.calls) == [1, 3, 3, 1]
    assert list(part.busy_ns) == [100_000, 60_000, 4_200, 5_000]
    assert list(part.self_ns) == [35_000, 55_800, 4_200, 5_000]
    assert list(part.depth) == [0, 1, 2, 1]
    assert list(part.parent) == [-1, 0, 1, 0]
    assert list(part.subtree_end) == [4, 3, 3, 4]
    assert [start - part.begin_ns for start in part.start_ns] == [0, 1_000, 2_000, 55_000]
    assert [end - part.begin_ns for end in part.end_ns] == [100_000, 90_000, 41_500, 60_000]
    told = part.attributes(2)
    assert told["db.response.returned_rows"] == 12
    assert told["nutrace.sql.parameters"] == ["p3", "p4", "p5"]
    assert told["db.query.text"] == "SELECT 1"
    assert part.call_times(2) == [(1_300, 1), (1_400, 1), (1_500, 1)]
    assert part.merged().name == part.name


def test_what_tables_count_apart_stays_apart(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        _query(0, 1),
        _query(10, 1, **{"nutrace.sql.statement": "bb"}),
        ("copy.deepcopy", 20, 21, {C: "deepcopy", "nutrace.deepcopy.root_type": "a.A"}),
        ("copy.deepcopy", 22, 23, {C: "deepcopy", "nutrace.deepcopy.root_type": "b.B"}),
        ("x", 30, 31, {C: "planner"}),
        ("x", 32, 33, {C: "controller"}),
        ("x", 34, 35, {C: "planner", "thread.id": 2}),
        ("x", 36, 37, {C: "planner", semconv.UNFINISHED: True}),
    )
    assert len(trace.merged()) == len(trace)


def test_errors_and_events_stay_with_their_span(tmp_path: Path) -> None:
    made = spans(*(("x", 10 * each, 10 * each + 5) for each in range(5)))
    made[1]["status"] = {"code": 2, "message": "no"}
    made[3]["events"] = [{"name": "seen", "timeUnixNano": str(EPOCH_NS)}]
    part = load(write(tmp_path / "run.json", envelope(made))).merged()
    assert list(part.calls) == [3, 1, 1]
    assert [part.status(span).message for span in range(3)] == ["", "no", ""]
    assert [event.name for event in part.events(2)] == ["seen"]
    assert part.failed == {1}


def test_attributes_that_differ_are_left_out(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, ("x", 0, 5, {"a": 1, "b": "same", "l": [1]}), ("x", 6, 9, {"a": 2, "b": "same", "c": 1})
    )
    told = trace.merged().attributes(0)
    assert {key for key in told if key in "abcl"} == {"b"}
    assert told["nutrace.composite.count"] == 2
    assert told["nutrace.busy_ns"] == 8_000


def test_steps_and_scenarios_are_never_merged(tmp_path: Path) -> None:
    def run(begin: float, token: str) -> Any:
        steps = [
            ("simulation.step", begin + 100 * each, begin + 100 * each + 90,
             [_read(begin + 100 * each + 1), _read(begin + 100 * each + 30)], {"nutrace.step.index": each})
            for each in range(3)
        ]  # fmt: skip
        told = {C: "simulation", "nuplan.scenario.token": token}
        task = ("simulation.run", begin, begin + 1000, steps, told)
        return ("worker.task", begin, begin + 1010, [task], {C: "worker"})

    trace = trace_of(tmp_path, run(0, "aa"), run(2000, "bb"))
    part = trace.merged()
    assert part.name.count("worker.task") == 1
    assert [each.name for each in part.simulations] == ["aa", "bb"]
    assert part.step_addresses == trace.step_addresses
    for each, before in zip(part.simulations, trace.simulations):
        assert part.name[each.span or 0] == "simulation.run"
        assert [part.busy_ns[step] for step in each.steps] == [trace.busy_ns[step] for step in before.steps]
    assert part.step("bb", 1).name == ["simulation.step", "scenario.read"]
    assert list(part.step("bb", 1).calls) == [1, 2]


def test_spans_of_different_steps_lie_in_none(tmp_path: Path) -> None:
    steps = [
        (
            "simulation.step",
            100 * each,
            100 * each + 90,
            [_read(100 * each + 1)],
            {"nutrace.step.index": each},
        )
        for each in range(3)
    ]
    told = {C: "simulation", "nuplan.scenario.token": "aa"}
    part = trace_of(tmp_path, ("simulation.run", 0, 1000, steps, told)).find("read").merged()
    assert list(part.calls) == [3]
    assert list(part.addresses.scenario_of) == [1]
    assert list(part.addresses.iteration_of) == [-1]
    assert [each.token for each in part.simulations] == ["aa"]


def test_times_of_merged_calls_are_known(tmp_path: Path) -> None:
    """Those of composite spans too, to what a sketch knows."""
    times = [1_000 * each for each in (1, 2, 3, 5, 8, 13, 21, 34)]
    trace = trace_of(
        tmp_path,
        ("top", 0, 1_000, [
            ("x", 0, 100, composite(times)),
            ("x", 200, 240),
            ("x", 300, 400, composite(times[:3])),
        ]),
    )  # fmt: skip
    every = sorted([*times, 40_000, *times[:3]])
    part = trace.merged()
    assert list(part.calls) == [1, 12]
    got = sorted(time for time, often in part.call_times(1) or () for _ in range(often))
    assert got == pytest.approx(every, rel=0.05)
    assert part.busy_ns[1] == sum(every)
    told = trace_of(tmp_path, ("x", 0, 9, {"nutrace.composite.count": 4}), ("x", 10, 19)).merged()
    assert told.calls[0] == 5
    assert told.call_times(0) is None  # only the mean of four is known


def test_samples_stay_joined(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("top", 0, 100, [_read(1), _read(30), ("y", 60, 70)]))
    trace = with_samples(trace, {"scenario.read": [((("f", "/a.py", 1),), 20)]})
    part = trace.merged()
    assert part.sampled is not None
    assert list(part.sampled.group_of) == [-1, 0, -1]


_LEAVES = st.sampled_from(["a", "b", "c"])
_TREES = st.recursive(
    st.tuples(_LEAVES, st.just([])),
    lambda below: st.tuples(_LEAVES, st.lists(below, max_size=5)),
    max_leaves=40,
)


def _placed(trees: Any, begin: float, width: float) -> List[Any]:
    """The trees beside each other in an interval; c is a thread of its own."""
    each = width / max(len(trees), 1)
    placed = []
    for at, (name, below) in enumerate(trees):
        start, told = begin + each * at, {C: "planner", "thread.id": 2 if name == "c" else 1}
        placed.append((name, start, start + 0.8 * each, _placed(below, start, 0.7 * each), told))
    return placed


@settings(deadline=None, max_examples=60)
@given(st.lists(_TREES, min_size=1, max_size=5))
def test_sums_stay_and_trees_are_trees(tmp_path_factory: pytest.TempPathFactory, trees: Any) -> None:
    folder = tmp_path_factory.mktemp("merged")
    trace = trace_of(folder, *_placed(trees, 0, 1e6))
    part = trace.merged()
    for column in ("self_ns", "busy_ns", "calls", "own_ns"):
        assert sum(getattr(part, column)) == sum(getattr(trace, column))
    whole, merged = report(trace), report(part)
    assert [replace(each, p50_ns=0, p95_ns=0) for each in merged.spans] == [
        replace(each, p50_ns=0, p95_ns=0) for each in whole.spans
    ]
    assert merged.outside_steps == whole.outside_steps
    siblings = set()
    for span in range(len(part)):
        above = part.parent[span]
        assert above < span < part.subtree_end[span]
        assert part.depth[span] == (part.depth[above] + 1 if above >= 0 else 0)
        key = above, part.name[span], part.thread[span]
        assert key not in siblings
        siblings.add(key)
        below = sum(part.busy_ns[child] for child in part.children(span) if part.nested(child))
        assert part.self_ns[span] == part.busy_ns[span] - below
        if above >= 0:
            assert part.start_ns[above] <= part.start_ns[span]
            assert part.subtree_end[span] <= part.subtree_end[above]


def test_copies_are_counted_as_before(tmp_path: Path) -> None:
    told = {C: "deepcopy", "nutrace.deepcopy.root_type": "a.A", "nutrace.deepcopy.objects": 7}
    copies = [("copy.deepcopy", 10 * each, 10 * each + 5, told) for each in range(4)]
    trace = trace_of(tmp_path, ("top", 0, 100, copies))
    part = trace.merged()
    assert len(part) == 2
    assert deep_copies(part) == deep_copies(trace)


def test_a_file_of_any_kind_is_merged(tmp_path: Path) -> None:
    made: Any = document(("x", 0, 5, [("y", 1, 2)]), ("x", 6, 9))
    for span in made["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["attributes"] = [
            {"key": "deep", "value": {"arrayValue": {"values": [{"oddValue": 1}]}}},
            {"no": 1},
        ]
    part = load(write(tmp_path / "run.json", json.dumps(made).encode())).merged()
    assert list(part.calls) == [2, 1]
    assert isinstance(part, Trace)
