"""Series of runs whose true changes are known, with the noise of a machine that does other things as well."""

from __future__ import annotations

import random
from typing import Mapping, Optional, Sequence, Union

from nutrace.comparison.circumstances import Circumstances
from nutrace.comparison.history import FIGURES, HistoryRun, Series, series_of

#: Self times in ms a step; together 100.
COMPONENTS = {"planner": 40.0, "database": 30.0, "observation": 20.0, "controller": 8.0, "gc": 2.0}
HERE = Circumstances("host", "python run_simulation.py", "cpython 3.9")


def history_run(
    number: int,
    revision: str,
    components: Mapping[str, float],
    *,
    p50: float = 0.95,
    p95: float = 1.6,
    counts: Optional[Mapping[str, float]] = None,
    circumstances: Circumstances = HERE,
) -> HistoryRun:
    """A run; ``p50`` and ``p95`` are parts of the mean step."""
    mean = sum(components.values())
    figures = {
        **dict.fromkeys(FIGURES),
        "steps.p50_ms": mean * p50,
        "steps.p95_ms": mean * p95,
        "steps.mean_ms": mean,
        "steps.realtime_factor": mean / 100,
        **(counts or {}),
    }
    return HistoryRun(
        file=f"runs/{number}.json",
        run_id=str(number),
        revision=revision,
        branch="main",
        began_ns=1_700_000_000_000_000_000 + number * 3_600_000_000_000,
        circumstances=circumstances,
        steps=150,
        figures=figures,
        components=dict(components),
    )


def noisy_series(
    dice: random.Random,
    runs: Union[int, Sequence[int]],
    revisions: int,
    *,
    slower: Mapping[int, float] = {},
    component: str = "planner",
    noise: float = 0.03,
    disturbed: float = 0.05,
) -> Series:
    """A series.

    Parameters
    ----------
    runs:
        How many of each revision.
    slower:
        By how many ms a step `component` becomes slower at which revisions; it stays so.
    noise:
        Standard deviation of the logarithm of each component's time in a run.
    disturbed:
        The probability that a run is slower by half.
    """
    made = []
    for revision in range(revisions):
        true = dict(COMPONENTS)
        true[component] += sum(more for first, more in slower.items() if revision >= first)
        for _ in range(runs if isinstance(runs, int) else runs[revision]):
            whole = 1.5 if dice.random() < disturbed else 1.0
            times = {name: whole * time * dice.lognormvariate(0, noise) for name, time in true.items()}
            p50, p95 = 0.95 * dice.lognormvariate(0, noise / 2), 1.6 * dice.lognormvariate(0, noise)
            made.append(history_run(len(made), f"{revision:040x}", times, p50=p50, p95=p95))
    (series,) = series_of(made)
    return series
