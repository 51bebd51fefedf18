"""The change of a time is that of the two times beside it, and the tested one is that of what it says."""

from __future__ import annotations

from array import array
from typing import List

import numpy
import pytest
from fakes.simulated_runs import STEP, identity
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nutrace.comparison import Comparison, Kind, RunFigures, ScenarioFigures, compare
from nutrace.comparison.figures import SpanPath
from nutrace.comparison.span_paths import cost_of

STEPS = 60
USUAL_FACTOR = 1.3


def run_of(number: int, components: List[List[float]]) -> RunFigures:
    """A run of one scenario; each component takes a time in ms in each step."""
    own = {f"part{place}": [round(1e6 * time) for time in times] for place, times in enumerate(components)}
    total = [sum(times) for times in zip(*own.values())]
    scenario = ScenarioFigures(
        name="one",
        kind="",
        log="",
        planner="",
        outcome="",
        iterations=array("q", range(STEPS)),
        total_ns=array("q", total),
        self_ns={name: array("q", times) for name, times in own.items()},
        paths={
            place: cost_of([[1, time] for time in times], STEPS) for place, times in enumerate(own.values())
        },
    )
    return RunFigures(
        identity=identity(number),
        steps=STEPS,
        counts={"steps.count": STEPS},
        times={"run.wall_s": sum(total) / 1e9},
        interval_s=0.1,
        scenarios=(scenario,),
        paths=tuple(SpanPath((STEP, name), name) for name in own),
    )


def compared(seed: int, bases: int, news: int, slow: int, slower_by: float) -> Comparison:
    """The usual step of the new side takes 1.3 times as long; in each run some steps are much slower.

    No step is slow in all runs: that would be what it usually takes.
    """
    random = numpy.random.default_rng(seed)
    step = numpy.exp(random.normal(0, 0.3, (3, STEPS)))

    half = STEPS // 2
    may_be_slow = [range(half), *[range(STEPS)] * (bases + news - 2), range(half, STEPS)]

    def times(number: int, factor: float) -> List[List[float]]:
        table = factor * step * numpy.exp(random.normal(0, 0.01, (3, STEPS)))
        for row in table:
            row[random.choice(may_be_slow[number], slow, replace=False)] *= 1 + slower_by * random.random(
                slow
            )
        return [[float(time) for time in row] for row in table]

    runs = [
        run_of(number, times(number, 1 if number < bases else USUAL_FACTOR)) for number in range(bases + news)
    ]
    return compare(runs[:bases], runs[bases:])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    bases=st.integers(1, 7),
    news=st.integers(1, 7),
    slow=st.integers(0, 3),
    slower_by=st.floats(0, 1000),
)
@example(seed=2720, bases=2, news=2, slow=2, slower_by=100.0)  # the same step is slow on both sides
def test_changes_are_those_of_the_times_shown(
    seed: int, bases: int, news: int, slow: int, slower_by: float
) -> None:
    result = compared(seed, bases, news, slow, slower_by)
    for row in result.judged:
        if row.kind is Kind.TIME:
            assert row.base
            assert row.new is not None
            assert row.change == pytest.approx(row.new / row.base - 1)
            assert row.tested_of in ("usual", "mean")
        if row.tested is not None and row.tested_of == "usual":
            # Of few steps the median is one of its neighbours if some are slow.
            near = 0.15 if row.figure == "steps.p50_ms" else 0.05
            assert row.tested == pytest.approx(USUAL_FACTOR - 1, abs=near), "slow steps do not move it"
        elif row.tested is not None and bases == news == 1:
            assert row.tested == pytest.approx(row.change), "there is but one mean"
    for path in result.paths:
        difference = path.new_ms_per_step - path.base_ms_per_step
        assert path.change_ms_per_step == pytest.approx(difference)


def test_single_runs_with_slow_steps_have_the_usual_step_of_the_others() -> None:
    """The slow steps are most of the time of both runs, and others in each."""
    for seed in range(20):
        rows = {row.figure: row for row in compared(seed, 1, 1, 3, 300).judged}
        row = rows["components.part0.self_ms_per_step"]
        assert row.tested_of == "mean", "what is usual is not what takes the time"
        mild = {each.figure: each for each in compared(seed, 1, 1, 3, 12).judged}
        usual = mild["components.part0.self_ms_per_step"]
        assert usual.tested_of == "usual"
        assert usual.tested == pytest.approx(USUAL_FACTOR - 1, abs=0.05)
