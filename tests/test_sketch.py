"""What a sketch keeps of times, against the times themselves."""

from __future__ import annotations

from typing import Any, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.percentiles import percentile, weighted_percentiles
from nutrace.sketch import ERROR, Sketch, times_of
from nutrace.trace.bounds import LARGEST_COUNT

times = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 10**6), st.integers(0, 10**12)), min_size=1)
PERCENTS = (0, 5, 50, 90, 95, 99, 100)


def _read(sketch: Sketch) -> Any:
    return times_of(sketch.calls, sketch.sum_ns, sketch.min_ns, sketch.max_ns, sketch.pairs())


def _close(found: List[int], every: List[int]) -> None:
    for percent, value in zip(PERCENTS, found):
        exact = percentile(every, percent)
        assert abs(value - exact) <= max(ERROR * exact + 0.5, 1)


def test_the_error_that_is_stated() -> None:
    assert 0.043 < ERROR < 0.05


@given(times)
def test_percentiles_are_right_to_the_stated_error(every: List[int]) -> None:
    read = _read(Sketch().plus(every))
    assert sum(often for _, often in read) == len(every)
    _close(weighted_percentiles(read, PERCENTS), every)


@given(st.lists(times, min_size=1, max_size=6))
def test_parts_give_what_the_whole_gives(parts: List[List[int]]) -> None:
    sketch = Sketch()
    for part in parts:
        sketch = sketch.plus(part)
    every = [time for part in parts for time in part]
    assert sketch == Sketch().plus(every)
    assert sketch[:4] == (len(every), sum(every), min(every), max(every))


@given(st.lists(times, min_size=1, max_size=6))
def test_sketches_of_several_spans_are_right_together(parts: List[List[int]]) -> None:
    together = [pair for part in parts for pair in _read(Sketch().plus(part))]
    _close(weighted_percentiles(together, PERCENTS), [time for part in parts for time in part])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=3))
def test_up_to_three_times_are_exact(every: List[int]) -> None:
    sketch = Sketch().plus(every)
    assert not sketch.pairs()
    assert sorted(_read(sketch)) == [(time, 1) for time in sorted(every)]


def test_what_many_equal_times_leave_is_nothing_more() -> None:
    assert Sketch().plus([1000] * 50 + [1001] * 50).pairs() == []


def test_a_sketch_is_bounded() -> None:
    leaves = Sketch().plus(range(0, 200_000, 7))
    assert len(leaves.pairs()) <= 2 * 150
    assert len(Sketch().plus([2**power for power in range(100)]).buckets) < 500
    beyond = Sketch().plus([LARGEST_COUNT - 1] * 5 + [2**60] * 5)
    assert beyond.pairs() == []  # all are in the last bucket


@pytest.mark.parametrize(
    "pairs",
    [
        *(None, "", 7, [], [79, 9, 85, 2], [79, 9, 85], [79, -1, 85, 11], [79, 10.0], [True, 10]),
        *([10**30, 10], [-5, 10], [79, 2**63], ["79", "10"], [[79, 10]], {79: 10}, [0, 10]),
    ],
)
def test_numbers_that_contradict_each_other_leave_the_mean(pairs: Any) -> None:
    assert times_of(10, 15_000, 1_000, 2_000, pairs) is None


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 0, 0, 0), (-3, 5, 1, 2), (3, 4, 1, 3), (3, 9, 1, 2), (9, 9, -1, -1), (2, 3, 2, 1), (9, 9, 5, 4)],
)
def test_numbers_that_cannot_be_leave_the_mean(count: int, total: int, low: int, high: int) -> None:
    assert times_of(count, total, low, high, [-1, count]) is None


def test_one_call_is_known_whatever_the_file_says() -> None:
    assert times_of(1, 70, -1, -1, None) == [(70, 1)]
