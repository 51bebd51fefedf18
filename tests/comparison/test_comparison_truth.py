"""Comparisons of runs of which it is known what changed: the benchmark ``compare_truth.py`` in small."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, List, Tuple

import numpy
import pytest
from fakes.simulated_runs import PROGRAM, STEP, renamed, sides, slower

from nutrace.comparison import Comparison, Kind, RunFigures, Verdict, compare
from nutrace.comparison.figures import PathCost

CHANGED = (Verdict.FASTER, Verdict.SLOWER)
PLANNER = (STEP, "planner.compute")
QUERY = next(part.names for part in PROGRAM if part.names[-1] == "database.get_tracked_objects")
PROPAGATE = (STEP, "simulation.propagate")


def changed(result: Comparison) -> List[str]:
    rows = [row.figure for row in result.judged if row.verdict in CHANGED]
    return rows + ["/".join(path.path) for path in result.paths if path.verdict in CHANGED]


def moves(result: Comparison) -> Dict[Tuple[str, ...], Tuple[str, ...]]:
    return {path.path: path.moved_from for path in result.paths if path.moved_from is not None}


def compared(
    seed: int, noise: float, change: Callable[[RunFigures], RunFigures] = lambda run: run, runs: int = 7
) -> Comparison:
    return compare(*sides(numpy.random.default_rng(seed), runs, 2, 40, noise, change))


def test_nothing_is_called_changed_where_nothing_changed() -> None:
    """At most 5 % of the comparisons, of which each has 32 rows, may be wrong."""
    results = [compared(seed, 3, runs=5 + seed % 3) for seed in range(30)]
    assert sum(bool(changed(result)) for result in results) <= 3
    assert [moves(result) for result in results if moves(result)] == []


def test_a_slower_component_is_found_and_named_first() -> None:
    for seed, component in enumerate(("planner", "observation", "database", "controller")):
        result = compared(seed, 0.3, lambda run, name=component: slower(run, name, 1.05))  # type: ignore[misc]
        figures = [row for row in result.judged if row.figure.startswith("components.")]
        times = [row for row in figures if row.kind is Kind.TIME]
        assert times[0].figure == f"components.{component}.self_ms_per_step"
        assert times[0].verdict is Verdict.SLOWER
        assert times[0].low < 0.05 < times[0].high  # type: ignore[operator]
        assert [row.figure for row in times if row.verdict in CHANGED] == [times[0].figure]
        assert result.paths[0].component == component


@pytest.mark.parametrize("noise", [0.3, 3, 10])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((*PLANNER, "planner.trajectory"), (*PLANNER, "planner.best_trajectory")),
        (PLANNER, (STEP, "planner.plan")),
        ((*QUERY, "sqlite3.statement"), (*QUERY, "row_cache.get", "sqlite3.statement")),
        (QUERY, (*PROPAGATE, "observation.update", "database.get_tracked_objects")),
    ],
    ids=["renamed", "renamed with what it calls", "inside a cache", "called elsewhere"],
)
def test_a_moved_cost_is_no_gain_and_no_loss(
    noise: float, old: Tuple[str, ...], new: Tuple[str, ...]
) -> None:
    for seed in range(4):
        result = compared(seed, noise, lambda run: renamed(run, {old: new}))
        assert moves(result) == {
            new + part.names[len(old) :]: part.names for part in PROGRAM if part.names[: len(old)] == old
        }
        assert not [path for path in result.paths if path.path[: len(old)] == old and path.path != new]
        assert changed(result) == []


def test_some_of_the_calls_may_move() -> None:
    """A map lookup that the planner made goes to where another is made already."""
    old, new = (*PLANNER, "map.lanes_of"), (*PROPAGATE, "observation.update", "map.lanes_of")
    taken = (*PROPAGATE, "observation.update", "map.baseline")

    def part_of(run: RunFigures, moved: float) -> RunFigures:
        run = renamed(run, {taken: new})
        numbers = {path.names: number for number, path in enumerate(run.paths)}
        scenarios = []
        for scenario in run.scenarios:
            paths = dict(scenario.paths)
            here, there = paths[numbers[old]], paths[numbers[new]]
            goes, calls = round(here.self_ns * moved), round(here.calls * 4 * moved)
            paths[numbers[old]] = PathCost(
                here.calls * 4 - calls, here.self_ns - goes, round(here.usual_ns * (1 - moved))
            )
            paths[numbers[new]] = PathCost(
                there.calls + calls, there.self_ns + goes, there.usual_ns + round(here.usual_ns * moved)
            )
            scenarios.append(replace(scenario, paths=paths))
        return replace(run, scenarios=tuple(scenarios))

    base, new_side = sides(numpy.random.default_rng(2), 7, 2, 40, 1)
    result = compare([part_of(run, 0) for run in base], [part_of(run, 0.5) for run in new_side])
    assert moves(result) == {new: old}
    assert changed(result) == []


def test_a_function_may_get_another_component_with_its_name() -> None:
    old, new = (*PLANNER, "planner.trajectory"), (*PLANNER, "features.trajectory")

    def relabelled(run: RunFigures) -> RunFigures:
        run = renamed(run, {old: new})
        paths = [replace(path, component="features") if path.names == new else path for path in run.paths]
        return replace(run, paths=tuple(paths))

    assert moves(compared(1, 3, relabelled)) == {new: old}


def test_a_moved_cost_that_became_larger_is_both() -> None:
    old, new = (*PLANNER, "planner.trajectory"), (*PLANNER, "planner.best_trajectory")
    result = compared(1, 0.3, lambda run: renamed(slower(run, "planner", 1.2), {old: new}))
    (path,) = (path for path in result.paths if path.path == new)
    assert path.moved_from == old
    assert path.verdict is Verdict.SLOWER
    assert path.low < 0.2 * path.base_ms_per_step < path.high  # type: ignore[operator]


@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_another_function_in_the_place_of_one_is_no_move(factor: float) -> None:
    """Renamed, but at a quite different cost: the one went, and the other came."""
    old, new = (STEP, "planner.compute", "map.lanes_of"), (STEP, "planner.compute", "map.all_lanes")
    for seed in range(4):
        result = compared(seed, 1, lambda run: renamed(slower(run, "map", factor), {old: new}))
        assert moves(result) == {}
        rows = {path.path: path for path in result.paths}
        assert rows[old].verdict is Verdict.FASTER
        assert rows[old].new_ms_per_step == 0
        assert rows[new].base_ms_per_step == 0


def test_a_function_that_went_and_one_that_came_elsewhere_are_no_move() -> None:
    old, new = (STEP, "planner.compute", "map.lanes_of"), (*PROPAGATE, "map.roadblocks")
    for seed in range(4):
        assert moves(compared(seed, 1, lambda run: renamed(run, {old: new}))) == {}


def test_a_probe_that_is_gone_leaves_its_time_to_the_span_around_it() -> None:
    inner, outer = (*PLANNER, "planner.occupancy"), PLANNER

    def without_probe(run: RunFigures) -> RunFigures:
        numbers = {path.names: number for number, path in enumerate(run.paths)}
        scenarios = []
        for scenario in run.scenarios:
            paths = dict(scenario.paths)
            lost, kept = paths.pop(numbers[inner]), paths[numbers[outer]]
            paths[numbers[outer]] = replace(
                kept, self_ns=kept.self_ns + lost.self_ns, usual_ns=kept.usual_ns + lost.usual_ns
            )
            scenarios.append(replace(scenario, paths=paths))
        return replace(run, scenarios=tuple(scenarios))

    for seed in range(4):
        result = compared(seed, 1, without_probe)
        assert moves(result) == {outer: inner}
        assert changed(result) == []
    base, new = sides(numpy.random.default_rng(9), 7, 2, 40, 1)
    assert moves(compare([without_probe(run) for run in base], new)) == {inner: outer}
