"""Effects, their intervals, and the correction for many tests."""

from __future__ import annotations

import sys

import numpy
import pytest
from scipy import stats

from nutrace.comparison.statistics import Effect, effect, holm, runs_needed
from nutrace.errors import MissingDependencyError


def test_one_scenario_is_welchs_test_on_logarithms() -> None:
    base, new = [100.0, 104, 99, 101, 97], [110.0, 118, 104, 109, 131, 108, 112]
    found = effect([[time] for time in base], [[time] for time in new])
    assert found is not None
    expected = stats.ttest_ind(numpy.log(new), numpy.log(base), equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    # Both ends are where the test would just pass: earlier versions of scipy give no interval.
    for end in (found.low, found.high):
        there = stats.ttest_ind(numpy.log(new), numpy.log(base) + numpy.log1p(end), equal_var=False)
        assert there.pvalue == pytest.approx(0.05)
    assert found.change == pytest.approx(stats.gmean(new) / stats.gmean(base) - 1)


def test_nothing_on_a_side() -> None:
    assert effect([[0.0], [0.0]], [[0.0], [0.0]]) is None
    came_up = effect([[0.0], [0.0], [0.0]], [[1.0], [1.1], [1.2]])
    assert came_up is not None
    assert came_up.of_new
    assert came_up.change == pytest.approx(1)
    assert 0 < came_up.low < 0.8 < came_up.high  # type: ignore[operator]
    gone = effect([[1.0], [1.1], [1.2]], [[0.0], [0.0], [0.0]])
    assert gone is not None
    assert gone.change == pytest.approx(-1)
    assert gone.low is not None
    assert gone.low == -1, "no time is below 0"
    assert -0.8 < gone.high < 0  # type: ignore[operator]


def test_one_run_has_no_interval() -> None:
    found = effect([[2.0]], [[3.0]])
    assert found == Effect(pytest.approx(0.5))


def test_equal_runs_are_the_same_without_a_warning() -> None:
    found = effect([[2.0], [2.0]], [[2.0], [2.0]])
    assert found is not None
    assert (found.change, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.parametrize(("scenarios", "spread"), [(3, 0.0), (20, 0.0), (20, 0.1)])
def test_95_of_100_intervals_hold_the_truth(scenarios: int, spread: float) -> None:
    """With many scenarios, each has a change of its own, and the truth is that of all there might be."""
    random = numpy.random.default_rng(3)
    trials, held = 400, 0
    for _ in range(trials):
        own = numpy.exp(random.normal(0.05, spread, scenarios))
        sides = [
            numpy.exp(random.normal(0, 0.02, (7, 1)) + random.normal(0, 0.03, (7, scenarios))) for _ in "bn"
        ]
        found = effect(sides[0], sides[1] * own)
        assert found is not None
        truth = numpy.exp(0.05 + spread**2 / 2) - 1
        held += found.low <= truth <= found.high  # type: ignore[operator]
    assert 0.92 <= held / trials <= 0.98


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_more_runs_are_needed_the_more_they_scatter() -> None:
    def more(scatter: float) -> int:
        values = 100 * numpy.exp(scatter * numpy.array([-1.3, -0.8, -0.3, 0, 0.3, 0.8, 1.3]))
        found = effect(values[:, None], 1.05 * values[:, None])
        assert found is not None
        return runs_needed(found, 7, 0.02, 0.002) or 1001

    needed = [more(scatter) for scatter in (0.02, 0.04, 0.08, 0.5)]
    assert needed == sorted(needed)
    assert 1 <= needed[0] < 20
    assert needed[-1] == 1001, "a thousand runs would not decide"


def test_a_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'scipy>=1.7' 'numpy>=1.20'"):
        effect([[1.0]], [[1.0]])
