"""Durations of steps, percentiles, real-time factor."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, List

import pytest
from fakes.otlp import trace_of

from nutrace.analysis import StepTimes, divide, step_times
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import load


def _times(tmp_path: Path, *spans: Any) -> StepTimes:
    trace = trace_of(tmp_path, *spans)
    return step_times(trace, divide(trace))


def _steps(durations: List[float], interval: Any = 0.1) -> List[Any]:
    at, made = 0.0, []
    for index, duration in enumerate(durations):
        attributes = {"nutrace.step.index": index, "nutrace.step.simulated_interval_s": interval}
        made.append(
            ("simulation.step", at, at + duration, {k: v for k, v in attributes.items() if v is not None})
        )
        at += 1_000_000
    return made


def _percentile(values: Iterable[int], percent: int) -> int:
    return weighted_percentiles([(value, 1) for value in values], (percent,))[0]


def test_percentiles_are_values_that_occurred() -> None:
    assert _percentile(range(1, 101), 95) == 95
    assert _percentile([3, 1, 2], 50) == 2
    assert _percentile([1, 2], 50) == 1
    assert _percentile([7], 99) == 7
    assert _percentile([], 50) == 0
    assert weighted_percentiles([(10, 98), (500, 2)], (50, 95, 99)) == [10, 10, 500]


def test_steps_slower_than_real_time(tmp_path: Path) -> None:
    times = _times(tmp_path, *_steps([174_000] * 99 + [300_000]))
    assert (times.count, times.p50_ns, times.p99_ns, times.max_ns) == (
        100,
        174_000_000,
        174_000_000,
        300_000_000,
    )
    assert times.mean_ns == 175_260_000
    assert times.simulated_interval_s == pytest.approx(0.1)
    assert times.realtime_factor == pytest.approx(1.7526)
    assert times.over_real_time == 100


def test_steps_that_simulate_nothing_have_no_factor(tmp_path: Path) -> None:
    for interval in (None, 0.0, -1.0):
        times = _times(tmp_path, *_steps([10.0], interval))
        assert times.simulated_interval_s is None
        assert times.realtime_factor is None
        assert times.over_real_time is None


def test_no_steps(tmp_path: Path) -> None:
    times = _times(tmp_path, ("GET /", 0, 10))
    assert (times.count, times.total_ns, times.mean_ns, times.max_ns) == (0, 0, 0, 0)
    assert times.realtime_factor is None


def test_unfinished_steps_are_not_measured(tmp_path: Path) -> None:
    made = _steps([100.0, 100.0])
    made.append(("simulation.step", 5_000_000, 9_000_000, {"nutrace.unfinished": True}))
    times = _times(tmp_path, *made)
    assert (times.count, times.unfinished, times.max_ns) == (2, 1, 100_000)


def test_steps_of_several_simulations_are_taken_together(tmp_path: Path) -> None:
    from fakes.otlp import envelope, spans, write

    one = envelope(spans(*_steps([100.0])), {"process.pid": 1})
    two = envelope(spans(*_steps([300.0], 0.2), first_id=50), {"process.pid": 2})
    trace = load(write(tmp_path / "run.jsonl", one, two))
    times = step_times(trace, divide(trace))
    assert (times.count, times.mean_ns) == (2, 200_000)
    assert times.simulated_interval_s == pytest.approx(0.15)
    assert times.realtime_factor == pytest.approx(400e-6 / 0.3)
