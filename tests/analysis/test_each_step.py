"""The steps one by one agree with the steps as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

from fakes.otlp import trace_of

from nutrace.analysis import divide, each_step, step_times


def step(at: int, **told: object) -> Tuple[object, ...]:
    below = ("plan", at + 10, at + 40, {"nutrace.component": "planner"})
    return ("simulation.step", at, at + 100, [below], {"nutrace.component": "simulation", **told})


def run(at: int, token: str, *steps: object) -> Tuple[object, ...]:
    return ("simulation.run", at, at + 1000, list(steps), {"nuplan.scenario.token": token})


def test_steps_of_two_simulations(tmp_path: Path) -> None:
    index = "nutrace.step.index"
    trace = trace_of(
        tmp_path,
        run(0, "a", step(0, **{index: 5}), step(200, **{index: 6})),
        run(2000, "b", step(2000, **{index: 5, "nutrace.step.simulated_interval_s": 0.1})),
    )
    steps = each_step(trace, divide(trace))
    assert [(each.scenario, each.index, each.token) for each in steps] == [
        (1, 5, "a"),
        (1, 6, "a"),
        (2, 5, "b"),
    ]
    assert [each.span for each in steps] == trace.step_indices
    assert dict(steps[0].self_ns) == {"simulation": 70_000, "planner": 30_000}
    assert [each.realtime_factor for each in steps] == [None, None, 0.001]
    assert sum(each.total_ns for each in steps) == step_times(trace, divide(trace)).total_ns


def test_time_beside_the_step_is_not_the_steps(tmp_path: Path) -> None:
    beside = ("load", 0, 500, {"nutrace.component": "model", "thread.id": 2})
    trace = trace_of(tmp_path, ("simulation.step", 0, 100, [beside], {"nutrace.component": "simulation"}))
    (only,) = each_step(trace, divide(trace))
    assert dict(only.self_ns) == {"simulation": 100_000}
    assert (only.scenario, only.index, only.token) == (1, 0, "")


def test_unfinished_steps_are_left_out_but_counted_in_the_order(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, step(0, **{"nutrace.unfinished": True}), step(200))
    (only,) = each_step(trace, divide(trace))
    assert only.index == 1
