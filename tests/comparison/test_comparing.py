"""Counts, pairs, verdicts, and sides that should not be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy
import pytest
from fakes.otlp import RESOURCE, document, trace_of, write
from fakes.simulated_runs import sides, slower

from nutrace.comparison import Comparison, Judged, RunFigures, Verdict, compare, measure
from nutrace.comparison.gates import Outcome, judge, parse_gate, path_figure
from nutrace.errors import UsageError
from nutrace.trace import load

Sides = Tuple[List[RunFigures], List[RunFigures]]


def two_sides(runs: int = 5, noise: float = 1, scenarios: int = 2, steps: int = 20) -> Sides:
    return sides(numpy.random.default_rng(5), runs, scenarios, steps, noise)


def figure(result: Comparison, name: str) -> Judged:
    (found,) = (row for row in result.judged if row.figure == name)
    return found


def counted(run: RunFigures, **counts: float) -> RunFigures:
    named = {name.replace("__", "."): value for name, value in counts.items()}
    return replace(run, counts={**run.counts, **named})


def test_any_difference_of_counts_is_a_difference_and_comes_first() -> None:
    base, new = two_sides(1)
    base = [counted(run, database__statements_per_step=2.0, database__rows_per_step=7) for run in base]
    new = [counted(run, database__statements_per_step=1.0, database__rows_per_step=7.02) for run in new]
    result = compare(base, new)
    assert figure(result, "database.statements_per_step").verdict is Verdict.FEWER
    assert figure(result, "database.statements_per_step").change == -0.5
    assert figure(result, "database.rows_per_step").verdict is Verdict.MORE
    assert figure(result, "steps.count").verdict is Verdict.EQUAL
    kinds = [row.kind.value for row in result.judged]
    assert kinds == sorted(kinds), "counts first"


def test_counts_that_differ_within_a_side_are_more_only_if_all_are() -> None:
    base, new = two_sides(3)
    for values, verdict in (((2, 3, 2), Verdict.UNDECIDED), ((4, 5, 4), Verdict.MORE)):
        one = [counted(run, gc__full_in_steps=count) for run, count in zip(base, (1, 2, 3))]
        other = [counted(run, gc__full_in_steps=count) for run, count in zip(new, values)]
        row = figure(compare(one, other), "gc.full_in_steps")
        assert (row.verdict, row.varies, row.base) == (verdict, True, 2)


def test_a_count_that_one_side_did_not_record_is_undecided() -> None:
    base, new = two_sides(1)
    row = figure(
        compare(base, [counted(new[0], speedups__row_cache__hit_rate=0.5)]), "speedups.row_cache.hit_rate"
    )
    assert (row.base, row.new, row.verdict) == (None, 0.5, Verdict.UNDECIDED)


def test_below_five_runs_a_time_is_never_called_changed() -> None:
    base, new = two_sides(4, noise=0.01)
    result = compare(base, [slower(run, "planner", 2) for run in new])
    row = figure(result, "components.planner.self_ms_per_step")
    assert (row.verdict, row.runs_needed) == (Verdict.UNDECIDED, 1)
    assert row.low < 1 < row.high  # type: ignore[operator]
    assert {path.verdict for path in result.paths} == {Verdict.UNDECIDED}


def test_equal_sides_are_the_same_and_a_small_change_is_none() -> None:
    base, new = two_sides(7, noise=0.02)
    assert figure(compare(base, new), "steps.p50_ms").verdict is Verdict.SAME
    by_one_percent = [slower(run, "planner", 1.01) for run in new]
    assert (
        figure(compare(base, by_one_percent), "components.planner.self_ms_per_step").verdict is Verdict.SAME
    )


def test_slower_steps_that_are_few_change_the_mean() -> None:
    """A component that is ten times as slow in each tenth step is slower, though its usual step is not."""
    base, new = two_sides(7, noise=0.1)

    def at_times(run: RunFigures) -> RunFigures:
        scenarios = []
        for scenario in run.scenarios:
            own = scenario.self_ns["controller"][:]
            for place in range(0, len(own), 10):
                own[place] *= 10
            scenarios.append(replace(scenario, self_ns={**scenario.self_ns, "controller": own}))
        return replace(run, scenarios=tuple(scenarios))

    row = figure(compare(base, [at_times(run) for run in new]), "components.controller.self_ms_per_step")
    assert row.verdict is Verdict.SLOWER
    assert row.change == pytest.approx(0.9, abs=0.2)


def test_a_component_that_works_in_each_tenth_step_is_judged_by_these() -> None:
    base, new = two_sides(7, noise=0.1)
    row = figure(
        compare(base, [slower(run, "features", 1.1) for run in new]), "components.features.self_ms_per_step"
    )
    assert row.verdict is Verdict.SLOWER
    assert row.change == pytest.approx(0.1, abs=0.02)


def test_a_cost_that_the_base_does_not_have_is_slower(tmp_path: Path) -> None:
    """The same on both sides but for a component that comes up: 5 ms in each step."""

    def timed(folder: Path, number: int, *, more: bool) -> RunFigures:
        folder.mkdir()
        steps = []
        for step in range(10):
            begin = step * 20_000
            middle, end = begin + 10_000 + 10 * number, begin + 15_000 + 20 * number
            inside: List[Any] = [("planner.compute", begin, middle, {"nutrace.component": "planner"})]
            if more:
                inside.append(("controller.update", middle, end, {"nutrace.component": "controller"}))
            until = end if more else middle
            steps.append(("simulation.step", begin, until, inside, {"nutrace.step.index": step}))
        resource = {**RESOURCE, "nutrace.run.id": folder.name}
        return measure(trace_of(folder, ("simulation.run", 0, 200_000, steps), resource=resource))

    def compared(root: Path, before: bool, after: bool) -> Comparison:
        root.mkdir()
        return compare(
            [timed(root / f"base{number}", number, more=before) for number in range(5)],
            [timed(root / f"new{number}", number, more=after) for number in range(5)],
        )

    name, path = "components.controller.self_ms_per_step", ("simulation.step", "controller.update")
    result, gone = compared(tmp_path / "up", False, True), compared(tmp_path / "gone", True, False)
    row = figure(result, name)
    assert (row.verdict, row.base, row.change, row.low) == (Verdict.SLOWER, 0, None, None)
    assert row.new == pytest.approx(5.02)
    assert row.difference_low < 5.02 < row.difference_high  # type: ignore[operator]
    (change,) = (each for each in result.paths if each.path == path)
    assert change.verdict is Verdict.SLOWER
    assert change.change_ms_per_step == pytest.approx(5.02)
    assert change.low < 5.02 < change.high  # type: ignore[operator]
    assert [
        judge([parse_gate(gate)], result)[0].outcome
        for gate in (
            f"{name} > +1",
            f"{name} > +5%",
            f"{name} > 6",
            f"{path_figure(path, 'self_ms_per_step')} > +1",
        )
    ] == [Outcome.HOLDS, Outcome.HOLDS, Outcome.DOES_NOT_HOLD, Outcome.HOLDS]
    assert figure(gone, name).verdict is Verdict.FASTER
    (change,) = (each for each in gone.paths if each.path == path)
    assert (change.change_ms_per_step, change.base_ms_per_step) == pytest.approx((-5.02, 5.02))


def test_what_neither_side_has_is_the_same() -> None:
    base, new = two_sides(5, noise=0.01)
    runs = [replace(run, times={**run.times, "outside_steps.planner.self_ms": 0.0}) for run in (*base, *new)]
    assert figure(compare(runs[:5], runs[5:]), "outside_steps.planner.self_ms").verdict is Verdict.SAME


def test_steps_are_paired_where_all_runs_have_them() -> None:
    base, new = two_sides(5, noise=0.01)
    cut = new[0].scenarios[1]
    short = replace(
        cut,
        iterations=cut.iterations[:10],
        total_ns=cut.total_ns[:10],
        self_ns={name: times[:10] for name, times in cut.self_ns.items()},
    )
    new[0] = replace(new[0], scenarios=(new[0].scenarios[0], short))
    result = compare(base, new)
    assert result.paired
    assert figure(result, "steps.total_s").base == pytest.approx(
        numpy.median(
            [(sum(a.total_ns) + sum(b.total_ns[:10])) / 1e9 for a, b in (run.scenarios for run in base)]
        )
    )
    assert any("not all runs have all steps" in warning for warning in result.new.warnings)


def test_scenarios_of_one_side_are_named_and_left_out() -> None:
    base, new = two_sides(5)
    new = [replace(run, scenarios=(replace(run.scenarios[0], name="other"), run.scenarios[1])) for run in new]
    result = compare(base, new)
    assert result.unpaired == ((base[0].scenarios[0].name,), ("other",))
    assert result.paired
    assert "scenarios that only new has: other" in result.refusals


def test_another_planner_is_another_simulation() -> None:
    base, new = two_sides(5)
    new = [
        replace(run, scenarios=tuple(replace(scenario, planner="IDM") for scenario in run.scenarios))
        for run in new
    ]
    result = compare(base, new)
    assert not result.paired
    assert figure(result, "steps.mean_ms").base > 0  # type: ignore[operator]
    assert any("planner, log or type differ" in warning for warning in result.new.warnings)


def test_the_order_of_the_runs_does_not_matter() -> None:
    base, new = two_sides(5)
    one, other = compare(base[::-1], new[::-1]).judged, compare(base, new).judged
    assert [(row.figure, row.verdict, row.base) for row in one] == [
        (row.figure, row.verdict, row.base) for row in other
    ]
    assert [row.low for row in one] == pytest.approx([row.low for row in other])


def test_the_gap_to_real_time() -> None:
    base, new = two_sides(5, noise=0.01)
    result = compare(base, new)
    factor = figure(result, "steps.realtime_factor")
    assert factor.base == pytest.approx(figure(result, "steps.mean_ms").base / 100)  # type: ignore[operator]
    assert result.gap_closed is None, "there is no gap below 1.0"
    quick = [replace(run, interval_s=0.01) for run in (*base, *new)]
    result = compare(quick[:5], [slower(run, "planner", 0.5) for run in quick[5:]])
    factor = figure(result, "steps.realtime_factor")
    assert factor.base is not None
    assert factor.new is not None
    assert result.gap_closed == (factor.base - factor.new) / (factor.base - 1)


def refusals(base: List[RunFigures], new: List[RunFigures]) -> str:
    result = compare(base, new)
    assert all("\n" not in refusal for refusal in result.refusals)
    return "; ".join(result.refusals)


def identified(run: RunFigures, **changes: Any) -> RunFigures:
    return replace(run, identity=replace(run.identity, **changes))


def test_sides_that_should_not_be_compared() -> None:
    base, new = two_sides(2)
    file = base[0].identity.file
    assert refusals(base, new) == ""
    assert refusals(base, [base[0], new[1]]) == f"the same run is on both sides: {file}"
    assert refusals([base[0], base[0]], new) == f"the same run is twice in base: {file}"
    copy = identified(base[0], file="copy.json")
    assert refusals(base, [copy, new[1]]) == f"the same run is on both sides: {file} and copy.json"
    assert f"new has unfinished runs: {new[0].identity.file}" in refusals(
        base, [identified(new[0], complete=False), new[1]]
    )
    fine = [identified(run, settings={"level": "fine"}) for run in new]
    assert "settings of nutrace differ: none in base, level=fine in new" in refusals(base, fine)
    assert "runs of new differ in their settings" in refusals(base, [fine[0], new[1]])
    faster = [identified(new[0], speedups={"row_cache": ""}), new[1]]
    assert "runs of new differ in their speedups" in refusals(base, faster)
    both = [identified(run, speedups={"row_cache": ""}) for run in new]
    assert refusals(base, both) == "", "a speedup is what is compared"


def test_reasons_for_doubt() -> None:
    base, new = two_sides(2)
    other = [identified(run, interpreter="cpython 3.11.7", host="elsewhere") for run in new]
    warnings = "; ".join(compare(base, other).new.warnings)
    assert "another interpreter: cpython 3.9.19 in base, cpython 3.11.7 in new" in warnings
    assert "another host: testhost in base, elsewhere in new" in warnings
    assert compare(base, new).new.warnings == ()
    later = [identified(run, begin_ns=run.identity.begin_ns + 10**15) for run in new]
    assert any("interleave them" in warning for warning in compare(base, later).new.warnings)


def test_a_machine_that_became_faster_between_the_sides_is_no_change() -> None:
    base, new = two_sides(7, noise=0.3)
    components = sorted(base[0].scenarios[0].self_ns)
    quick = new
    for component in components:
        quick = [slower(run, component, 0.8) for run in quick]
    name = "components.planner.self_ms_per_step"
    assert figure(compare(base, quick), name).verdict is Verdict.FASTER, "interleaved: a change of everything"

    def later(runs: List[RunFigures]) -> List[RunFigures]:
        return [identified(run, begin_ns=run.identity.begin_ns + 10**15) for run in runs]

    result = compare(base, later(quick))
    assert result.drift is Verdict.FASTER
    assert any("nearly all components are faster" in warning for warning in result.new.warnings)
    assert Verdict.FASTER not in {row.verdict for row in (*result.judged, *result.paths)}
    against = compare(base, later([slower(run, "planner", 2) for run in quick]))
    assert figure(against, name).verdict is Verdict.SLOWER, "against the drift"
    local = compare(base, later([slower(run, "planner", 0.8) for run in new]))
    assert local.drift is None
    assert figure(local, name).verdict is Verdict.FASTER, "a change in one place"


def test_a_side_without_runs_is_refused() -> None:
    base, _ = two_sides(1)
    with pytest.raises(UsageError, match="new has no runs"):
        compare(base, [])
    with pytest.raises(UsageError, match="base has no runs"):
        compare([], base)


def spans(folder: Path, number: int, *tree: Any, **resource: Any) -> RunFigures:
    """A run file of its own."""
    own = {**RESOURCE, "nutrace.run.id": f"run{number}", **resource}
    return measure(load(write(folder / f"{number}.json", document(*tree, resource=own))))


def test_other_programs_are_paired_by_span_path(tmp_path: Path) -> None:
    def request(number: int, query: int) -> RunFigures:
        tree = ("GET /", number, number + 1000 + query, [("query", number + 10, number + 10 + query)])
        return spans(tmp_path, number, tree, **{"nutrace.run.id": ""})

    base = [request(number, 500 + number % 3) for number in range(5)]
    new = [request(100 + number, 800 + number % 3) for number in range(5)]
    result = compare(base, new)
    assert not result.paired
    assert not result.refusals
    assert result.paths[0].path == ("GET /", "query")
    assert result.paths[0].verdict is Verdict.SLOWER
    assert result.paths[0].base_ms_per_step == pytest.approx(0.501)
    assert {row.figure for row in result.judged} >= {"run.wall_s", "components.other.self_ms"}


def test_nothing_in_common(tmp_path: Path) -> None:
    one, other = spans(tmp_path, 1, ("a", 0, 100)), spans(tmp_path, 2, ("b", 0, 100))
    assert refusals([one], [other]) == "the sides have nothing in common: neither steps nor span paths"
    with_steps = spans(tmp_path, 3, ("simulation.step", 0, 100))
    assert refusals([one], [with_steps]) == "base has no steps"
    also = spans(tmp_path, 4, ("simulation.step", 0, 100))
    assert refusals([with_steps, one], [also]) == f"base has runs without steps: {one.identity.file}"
    scenario = {"nuplan.scenario.token": "x"}
    elsewhere = spans(tmp_path, 4, ("simulation.run", 0, 200, [("simulation.step", 0, 100)], scenario))
    assert "no scenario is on both" in refusals([with_steps], [elsewhere])


def test_steps_without_time_are_not_paired(tmp_path: Path) -> None:
    """A clock that was set back leaves steps that ended before they began."""

    def run(number: int, *ends: int) -> RunFigures:
        index: List[Dict[str, Any]] = [{"nutrace.step.index": place} for place in range(len(ends))]
        steps = [("simulation.step", 100 * at, end, index[at]) for at, end in enumerate(ends)]
        return spans(tmp_path, number, ("simulation.run", 0, 1000, steps))

    result = compare([run(1, 80, 180, 280)], [run(2, 90, 20, 290)])
    assert figure(result, "steps.mean_ms").base == pytest.approx(0.08)
    assert figure(result, "steps.mean_ms").new == pytest.approx(0.09)
    assert any("a clock was set" in warning for warning in result.new.warnings)


def test_steps_that_all_have_no_time(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("simulation.run", 0, 1000, [("simulation.step", 100, 100)]))
    run = measure(trace)
    result = compare([run], [identified(run, run_id="other")])
    assert not result.paired
    assert figure(result, "steps.mean_ms").change is None
    assert figure(result, "steps.mean_ms").verdict is Verdict.UNDECIDED
