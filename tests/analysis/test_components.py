"""Components: self times sum to the time of the steps, and totals count nothing twice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

from fakes.otlp import trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.analysis import Region, component_costs, divide, step_times
from nutrace.trace import Trace

C = "nutrace.component"
DB, PLANNER = {C: "database"}, {C: "planner"}


def _costs(trace: Trace, region: Region) -> Dict[str, Tuple[int, float, float]]:
    """Calls, total and self time in us by component."""
    return {
        cost.component: (cost.calls, cost.total_ns / 1000, cost.self_ns / 1000)
        for cost in component_costs(trace, divide(trace), region)
    }


def _step(start: float, end: float, children: List[Any], **attributes: Any) -> Any:
    return ("simulation.step", start, end, children, {C: "simulation", **attributes})


def test_inside_and_outside(tmp_path: Path) -> None:
    plan = ("plan", 20, 60, [("query", 30, 40, DB)], PLANNER)
    run = ("simulation.run", 0, 200, [("load", 1, 5, DB), _step(10, 110, [plan])], {C: "simulation"})
    trace = trace_of(tmp_path, ("config", -50, -10, {C: "config"}), run)
    assert _costs(trace, Region.INSIDE) == {
        "simulation": (1, 100, 60),
        "planner": (1, 40, 30),
        "database": (1, 10, 10),
    }
    # The total of the run, outside the steps, leaves out the step inside it.
    assert _costs(trace, Region.OUTSIDE) == {
        "simulation": (1, 100, 96),
        "config": (1, 40, 40),
        "database": (1, 4, 4),
    }
    assert _costs(trace, Region.BESIDE) == {}


def test_costliest_first(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("a", 0, 5, DB), ("b", 10, 90, PLANNER), ("c", 100, 105, {C: "callback"}))
    assert [cost.component for cost in component_costs(trace, divide(trace), Region.OUTSIDE)] == [
        "planner",
        "callback",
        "database",
    ]


def test_recursion_counts_once(tmp_path: Path) -> None:
    inner = ("rows", 20, 40, [("rows", 25, 35, DB), ("connect", 36, 38, DB)], DB)
    trace = trace_of(tmp_path, _step(0, 100, [("rows", 10, 50, [inner], DB)]))
    assert _costs(trace, Region.INSIDE)["database"] == (1, 40, 40)


def test_a_component_called_back_through_another_counts_once(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, _step(0, 100, [("plan", 0, 90, [("q", 10, 80, [("cb", 20, 30, PLANNER)], DB)], PLANNER)])
    )
    assert _costs(trace, Region.INSIDE)["planner"] == (1, 90, 30)
    assert _costs(trace, Region.INSIDE)["database"] == (1, 70, 60)


def test_composites_and_generators_count_their_calls(tmp_path: Path) -> None:
    rows = {**DB, "nutrace.busy_ns": 9_000, "nutrace.generator.yielded": 23}
    more = {**DB, "nutrace.busy_ns": 1_000, "nutrace.generator.continues": f"{2:016x}"}
    many = {**PLANNER, "nutrace.busy_ns": 4_000, "nutrace.composite.count": 40}
    trace = trace_of(
        tmp_path, _step(0, 100, [("rows", 0, 50, rows), ("rows", 60, 70, more), ("leaf", 71, 90, many)])
    )
    assert _costs(trace, Region.INSIDE) == {
        "simulation": (1, 100, 86),
        "database": (1, 10, 10),
        "planner": (40, 4, 4),
    }


def test_other_threads_do_not_break_the_sum(tmp_path: Path) -> None:
    job = ("job", 10, 95, [("query", 20, 40, {**DB, "thread.id": 2})], {C: "worker", "thread.id": 2})
    trace = trace_of(tmp_path, _step(0, 50, [job, ("query", 5, 9, DB)]))
    inside = _costs(trace, Region.INSIDE)
    assert inside == {"simulation": (1, 50, 46), "database": (1, 4, 4)}
    assert _costs(trace, Region.BESIDE) == {"worker": (1, 85, 65), "database": (1, 20, 20)}


def test_an_unfinished_step_is_outside(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        _step(0, 100, []),
        _step(100, 900, [("plan", 110, 900, PLANNER)], **{"nutrace.unfinished": True}),
    )
    regions = divide(trace)
    assert (len(regions.steps), regions.unfinished_steps) == (1, 1)
    assert _costs(trace, Region.INSIDE) == {"simulation": (1, 100, 100)}
    assert _costs(trace, Region.OUTSIDE)["planner"] == (1, 790, 790)


names = st.sampled_from(["simulation.step", "plan", "query", "rows"])
components = st.sampled_from(["database", "planner", "simulation"])


@st.composite
def trees(draw: st.DrawFn, start: int = 0, end: int = 600, depth: int = 4) -> List[Any]:
    """Nested tuples on up to three threads, steps anywhere."""
    made = []
    at = start
    while depth and end - at > 3 and draw(st.booleans()):
        begin = draw(st.integers(at, end - 2))
        finish = draw(st.integers(begin, end))
        more = {C: draw(components), "thread.id": draw(st.sampled_from([1, 1, 1, 2, 3]))}
        made.append((draw(names), begin, finish, draw(trees(begin, finish, depth - 1)), more))
        at = finish
    return made


@settings(max_examples=100, deadline=None)
@given(trees())
def test_self_times_of_the_components_sum_to_the_steps(tree: List[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        trace = trace_of(Path(directory), ("main", 0, 600, tree))
    regions = divide(trace)
    steps = step_times(trace, regions)
    inside = component_costs(trace, regions, Region.INSIDE)
    assert sum(cost.self_ns for cost in inside) == steps.total_ns
    every = [cost for region in Region for cost in component_costs(trace, regions, region)]
    assert sum(cost.self_ns for cost in every) == sum(trace.self_ns)
    for cost in every:
        assert 0 <= cost.self_ns <= cost.total_ns
    assert all(cost.total_ns <= steps.total_ns for cost in inside)
