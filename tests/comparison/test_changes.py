"""Changes of a series: planted ones are found where they are, and noise has none."""

from __future__ import annotations

import random
import sys
from typing import Any, Dict, List, Set, Tuple

import pytest
from fakes.series import COMPONENTS, history_run, noisy_series

from nutrace.comparison.changes import Change, causes, changes
from nutrace.comparison.divisions import LEAST_SEARCHED
from nutrace.comparison.history import Series, series_of
from nutrace.errors import MissingDependencyError

_TRIALS = 60


def _places(found: Tuple[Change, ...]) -> Set[Tuple[str, int]]:
    return {(change.figure, change.revision) for change in found if not change.within}


@pytest.mark.parametrize(("runs", "revisions"), [(3, 15), (1, 30), (1, 12), (6, 7)])
def test_noise_has_no_change(runs: int, revisions: int) -> None:
    dice = random.Random(20)
    wrong = sum(bool(changes(noisy_series(dice, runs, revisions))) for _ in range(_TRIALS))
    assert wrong <= 0.05 * _TRIALS


@pytest.mark.parametrize(
    ("runs", "revisions", "at", "more"),
    [
        (3, 15, 7, 5.0),  # 5 % of a step, in the middle
        (3, 15, 12, 5.0),
        (1, 40, 30, 10.0),  # one run of each revision
        ([3] * 14 + [5], 15, 14, 10.0),  # the last revision
    ],
)
def test_a_planted_change_is_found_where_it_is(runs: Any, revisions: int, at: int, more: float) -> None:
    dice = random.Random(21)
    hits = 0
    for _ in range(30):
        found = _places(changes(noisy_series(dice, runs, revisions, slower={at: more}, disturbed=0.0)))
        hits += ("components.planner.self_ms_per_step", at) in found
    assert hits >= 27


def test_a_change_of_the_step_names_the_component() -> None:
    series = noisy_series(random.Random(1), 4, 12, slower={6: 20.0})
    found = changes(series)
    step = next(change for change in found if change.figure == "steps.p50_ms")
    assert step.revision == 6
    assert step.ratio == pytest.approx(0.2, abs=0.05)
    assert list(causes(step, found)) == ["planner"]
    assert causes(step, found)["planner"] == pytest.approx(20, abs=3)


def test_what_was_mended_is_found_as_well() -> None:
    series = noisy_series(random.Random(2), 3, 15, slower={5: 15.0, 9: -15.0})
    found = changes(series)
    planner = [change for change in found if change.figure == "components.planner.self_ms_per_step"]
    assert [(change.revision, change.after > change.before) for change in planner] == [(5, True), (9, False)]


def test_a_large_change_does_not_hide_a_smaller_one() -> None:
    series = noisy_series(random.Random(3), 4, 15, slower={4: 6.0, 10: 100.0})
    assert {revision for _, revision in _places(changes(series))} >= {4, 10}


@pytest.mark.parametrize("slow", [1, 2])
def test_one_or_two_slow_runs_are_no_change(slow: int) -> None:
    times = [dict(COMPONENTS) for _ in range(30)]
    dice = random.Random(4)
    for number, each in enumerate(times):
        factor = 5 if number >= 30 - slow else dice.lognormvariate(0, 0.01)
        for name in each:
            each[name] *= factor
    assert changes(_series(times)) == ()


def _series(times: List[Dict[str, float]], runs_of_a_revision: int = 1) -> Series:
    runs = [
        history_run(number, f"{number // runs_of_a_revision:040x}", each) for number, each in enumerate(times)
    ]
    return series_of(runs)[0]


def _two_levels(before: int, after: int, more: float = 40.0) -> List[Dict[str, float]]:
    dice = random.Random(5)
    return [
        {
            name: time * dice.lognormvariate(0, 0.001) + more * (number >= before)
            for name, time in COMPONENTS.items()
        }
        for number in range(before + after)
    ]


def test_few_runs_have_no_change() -> None:
    for runs in range(2, LEAST_SEARCHED):
        assert changes(_series(_two_levels(runs // 2, runs - runs // 2))) == ()
    assert changes(_series(_two_levels(6, 6)))


def test_a_change_too_small_to_matter_is_not_named() -> None:
    assert changes(_series(_two_levels(20, 20, more=0.05))) == ()  # 0.25 % of a step, in each run
    assert changes(_series(_two_levels(20, 20, more=0.5)))


def test_a_change_within_a_revision_is_not_its_code() -> None:
    found = changes(_series(_two_levels(30, 30), runs_of_a_revision=60))
    assert {(change.revision, change.within) for change in found} == {(0, 30)}


def test_only_the_last_runs_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nutrace.comparison.changes.MOST_RUNS", 40)
    times = _two_levels(10, 10, more=60.0) + _two_levels(20, 10, more=20.0)
    assert {change.revision for change in changes(_series(times))} == {20, 40}
    monkeypatch.setattr("nutrace.comparison.changes.MOST_RUNS", 30)
    assert {change.revision for change in changes(_series(times))} == {40}


def _counted(*statements: List[float]) -> Series:
    runs, number = [], 0
    for revision, counts in enumerate(statements):
        for count in counts:
            told = {"database.statements_per_step": count, "gc.collections_per_step": number * 1.0}
            runs.append(history_run(number, f"{revision:040x}", COMPONENTS, counts=told))
            number += 1
    return series_of(runs)[0]


def test_counts_change_exactly() -> None:
    assert changes(_counted([8.2], [8.2, 8.2], [7.2], [7.2])) == (
        Change("database.statements_per_step", 2, 0, 8.2, 7.2),
    )


def test_counts_that_scatter_are_no_change() -> None:
    assert changes(_counted([8.2, 8.3], [7.2])) == ()
    assert changes(_counted([8.2], [7.2, 7.3])) == ()


def test_equal_times_have_no_change() -> None:
    assert changes(_series([dict(COMPONENTS) for _ in range(20)])) == ()


def test_without_ruptures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'plotly>=5' 'ruptures>=1.1.7'"):
        changes(noisy_series(random.Random(7), 1, 10))
    assert changes(noisy_series(random.Random(7), 1, 5)) == ()
