"""The interval of a share of samples."""

from __future__ import annotations

from typing import Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nutrace.intervals import effective_samples, wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # As statsmodels.stats.proportion.proportion_confint(method="wilson") has them.
        (50, 1000, 0.0381, 0.0653),
        (240, 2000, 0.1065, 0.1350),
        (0, 20, 0.0, 0.1611),
        (20, 20, 0.8389, 1.0),
        (1, 10, 0.0179, 0.4042),
    ],
)
def test_published_values(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


def test_without_samples_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**6).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_share_lies_within(sample: Tuple[int, int]) -> None:
    hits, total = sample
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total <= high <= 1


def test_parts_sampled_alike_tell_as_much_as_the_whole() -> None:
    assert effective_samples([(100, 10), (300, 30)]) == pytest.approx(40)
    # Half of the time has only 10 samples: its share is no better known than by them.
    assert effective_samples([(100, 10), (100, 1_000_000)]) == pytest.approx(40, abs=0.01)
    assert effective_samples([(0, 10), (0, 0)]) == 10
    assert effective_samples([]) == 0
