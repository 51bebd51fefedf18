"""What measuring keeps of a run: the report's figures, by scenario and iteration, and little else."""

from __future__ import annotations

import gc
import json
import pickle
import weakref
from pathlib import Path
from typing import Any, List, Tuple

import pytest
from fakes.otlp import RESOURCE, trace_of

from nutrace.analysis import report
from nutrace.comparison import measure
from nutrace.comparison.times import without_slowest
from nutrace.trace import Trace, select

Span = Tuple[Any, ...]


def step(at: int, index: int, planner: int = 30) -> Span:
    below: List[Span] = [
        ("plan", at + 10, at + 10 + planner, [("plan", at + 10, at + 20, _of("planner"))], _of("planner")),
        ("sqlite3.statement", at + 60, at + 70, _of("database", **{"nutrace.sql.statement": "s1"})),
        ("load", at, at + 500, _of("model", **{"thread.id": 2})),
    ]
    return ("simulation.step", at, at + 100, below, _of("simulation", **{"nutrace.step.index": index}))


def _of(component: str, **more: Any) -> Any:
    return {"nutrace.component": component, **more}


def run(at: int, token: str, *steps: Span, **more: Any) -> Span:
    return ("simulation.run", at, at + 1000, list(steps), _of("simulation", **_token(token), **more))


def _token(token: str) -> Any:
    return {"nuplan.scenario.token": token, "nuplan.scenario.type": "lane", "nuplan.planner.name": "P"}


def two_scenarios(folder: Path) -> Trace:
    return trace_of(
        folder,
        run(0, "a", step(0, 5), step(200, 6, planner=40)),
        run(2000, "b", step(2000, 5)),
        run(4000, "a", step(4000, 5)),
    )


def test_the_figures_are_the_reports(tmp_path: Path) -> None:
    trace = two_scenarios(tmp_path)
    figures, expected = measure(trace), report(trace)
    assert figures.steps == expected.steps.count == 4
    assert sum(sum(scenario.total_ns) for scenario in figures.scenarios) == expected.steps.total_ns
    for cost in expected.components:
        own = [scenario.self_ns[cost.component] for scenario in figures.scenarios]
        assert sum(map(sum, own)) == cost.self_ns
        assert figures.counts[f"components.{cost.component}.calls_per_step"] == cost.calls / 4
    for cost in expected.concurrent:
        assert figures.times[f"concurrent.{cost.component}.self_ms_per_step"] == cost.self_ns / 1e6 / 4
    for cost in expected.outside_steps:
        assert figures.times[f"outside_steps.{cost.component}.self_ms"] == cost.self_ns / 1e6
    assert expected.work.statements is not None
    assert figures.counts["database.statements_per_step"] == expected.work.statements.count / 4
    assert figures.times["run.wall_s"] == expected.run.wall_seconds


def test_steps_have_addresses(tmp_path: Path) -> None:
    figures = measure(two_scenarios(tmp_path))
    assert [(each.name, each.kind, each.planner, list(each.iterations)) for each in figures.scenarios] == [
        ("a", "lane", "P", [5, 6]),
        ("b", "lane", "P", [5]),
        ("a#2", "lane", "P", [5]),
    ]


def test_paths_begin_at_the_step_and_sum_to_it(tmp_path: Path) -> None:
    figures = measure(two_scenarios(tmp_path))
    first = figures.scenarios[0]
    costs = {figures.paths[number].names[1:]: cost for number, cost in first.paths.items()}
    assert {names: (cost.calls, cost.self_ns) for names, cost in costs.items()} == {
        (): (2, 110_000),
        ("plan",): (2, 50_000),
        ("plan", "plan"): (2, 20_000),
        ("sqlite3.statement",): (2, 20_000),
    }
    assert sum(cost.self_ns for cost in costs.values()) == sum(first.total_ns)


def test_a_path_of_one_slow_step_in_twenty_is_not_usual(tmp_path: Path) -> None:
    steps = [step(200 * index, index, planner=45 if index == 7 else 30) for index in range(20)]
    figures = measure(trace_of(tmp_path, ("simulation.run", 0, 5000, steps, _token("a"))))
    (cost,) = (
        figures.scenarios[0].paths[number]
        for number, path in enumerate(figures.paths)
        if path.names[1:] == ("plan",)
    )
    assert (cost.self_ns, cost.usual_ns) == (19 * 20_000 + 35_000, 19 * 20_000)


def test_the_slowest_twentieth_is_that_of_all_steps() -> None:
    """Of 200 steps the 10 slowest are left out: nothing is left of a component that only 8 of them have."""
    assert without_slowest([5, 1, 3], steps=20) == 4
    assert without_slowest([7] * 8, steps=200) == 0


def test_other_programs_have_paths_from_their_roots(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, ("GET /", 0, 100, [("query", 10, 40), ("query", 50, 60)]), resource={"service.name": "shop"}
    )
    figures = measure(trace)
    assert (figures.steps, figures.scenarios) == (0, ())
    costs = {figures.paths[number].names: cost for number, cost in figures.path_costs.items()}
    assert {names: (cost.calls, cost.self_ns) for names, cost in costs.items()} == {
        ("GET /",): (1, 60_000),
        ("GET /", "query"): (2, 40_000),
    }


def test_recursion_and_many_names_are_bounded(tmp_path: Path) -> None:
    span: Span = ("call", 0, 1000)
    for _ in range(300):
        span = ("call", 0, 1000, [span])
    figures = measure(trace_of(tmp_path, span))
    assert len(figures.paths) == 60
    assert sum(cost.calls for cost in figures.path_costs.values()) == 301


def test_it_is_small_and_keeps_no_trace(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, run(0, "a", *(step(200 * index, index) for index in range(500))))
    figures = measure(trace)
    assert len(pickle.dumps(figures)) < 100 * 500
    kept = weakref.ref(trace)
    del trace
    gc.collect()
    assert kept() is None


def test_what_the_file_says_of_its_run(tmp_path: Path) -> None:
    resource = {
        **RESOURCE,
        "process.runtime.name": "cpython",
        "process.runtime.version": "3.9.1",
        "vcs.ref.head.revision": "abc",
        "nutrace.settings": '{"level": "fine", "output": "/tmp/x.json"}',
        "nutrace.speedups": json.dumps(
            {"row_cache": {"options": {"megabytes": 4}, "figures": {"hits": 3, "misses": 1}}}
        ),
    }
    figures = measure(trace_of(tmp_path, run(0, "a", step(0, 0)), resource=resource))
    identity = figures.identity
    assert (identity.interpreter, identity.revision, identity.host) == ("cpython 3.9.1", "abc", "testhost")
    assert identity.command == "python run_simulation.py"
    assert dict(identity.settings) == {"level": "fine"}
    assert dict(identity.speedups) == {"row_cache": "megabytes=4"}
    assert figures.counts["speedups.row_cache.hit_rate"] == 0.75
    assert figures.counts["speedups.row_cache.hits"] == 3


def test_a_clock_that_was_set_is_a_reason_for_doubt(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, run(0, "a", ("simulation.step", 500, 100), step(600, 1)))
    (doubt,) = measure(trace).identity.doubts
    assert "a clock was set" in doubt
    days = trace_of(tmp_path, run(0, "a", step(0, 0), ("simulation.step", 1000, 3 * 86_400_000_000)))
    assert any("lasted more than a day" in doubt for doubt in measure(days).identity.doubts)


@pytest.mark.parametrize("settings", ['{"level"', "[1]", "5", "[" * 5000])
def test_settings_that_cannot_be_read_are_unknown(tmp_path: Path, settings: str) -> None:
    trace = trace_of(tmp_path, step(0, 0), resource={**RESOURCE, "nutrace.settings": settings})
    assert measure(trace).identity.settings == {}


def test_a_part_of_a_run_can_be_measured(tmp_path: Path) -> None:
    figures = measure(select(two_scenarios(tmp_path), steps="6"))
    assert [(each.name, list(each.iterations)) for each in figures.scenarios] == [("a", [6])]
