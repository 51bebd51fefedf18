"""The statements of two sides: how often each is executed, and how long that takes."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from nutrace.comparison.drift import doubted
from nutrace.comparison.figures import RunFigures
from nutrace.comparison.judging import Options, judge, judge_count, judged_time, row_of
from nutrace.comparison.numeric import numeric
from nutrace.comparison.result import StatementChange, Verdict
from nutrace.comparison.times import Times


def statement_changes(
    base: Sequence[RunFigures],
    new: Sequence[RunFigures],
    options: Options,
    drift: Optional[Verdict],
) -> Tuple[StatementChange, ...]:
    """The statements of both sides, those whose time changed most first.

    Their times are a family of their own: the probability that any is called faster or slower by chance is
    at most 5 %. `drift` is that of the :class:`Comparison`.
    """
    runs = (*base, *new)
    per_step = any(run.steps for run in runs)
    tail = "_per_step" if per_step else ""
    texts: Dict[str, str] = {}
    for run in runs:
        for name, figures in run.statements.items():
            texts[name] = texts.get(name) or figures.text
    step_ms = _mean_step_ms(base)
    rows = [row_of(_times(name, runs), len(base), step_ms, options) for name in texts]
    found: List[StatementChange] = []
    for (name, text), row, judgement in zip(texts.items(), rows, doubted(judge(rows, options), drift)):
        figure = f"statements.{name}"
        executions, returned = _counts(name, base, new, "executions"), _counts(name, base, new, "rows")
        known = any(value is not None for side in returned for value in side)
        found.append(
            StatementChange(
                name,
                text,
                judge_count(f"{figure}.executions{tail}", *executions),
                judge_count(f"{figure}.rows{tail}", *returned) if known else None,
                judged_time(f"{figure}.{'ms_per_step' if per_step else 'ms'}", row, judgement),
            )
        )
    return tuple(sorted(found, key=_most_changed))


def _most_changed(change: StatementChange) -> Any:
    time = change.time
    return -abs((time.new or 0.0) - (time.base or 0.0)), change.statement


def _mean_step_ms(runs: Sequence[RunFigures]) -> float:
    steps = sum(run.steps for run in runs)
    total = sum(sum(scenario.total_ns) for run in runs for scenario in run.scenarios)
    return total / 1e6 / steps if steps else 0.0


def _times(name: str, runs: Sequence[RunFigures]) -> Times:
    numpy, _ = numeric()
    values = []
    for run in runs:
        known = run.statements.get(name)
        values.append([known.total_ns / 1e6 / max(run.steps, 1) if known else 0.0])
    return Times(numpy.array(values, dtype=float))


def _counts(
    name: str, base: Sequence[RunFigures], new: Sequence[RunFigures], column: str
) -> Tuple[List[Optional[float]], List[Optional[float]]]:
    def of(run: RunFigures) -> Optional[float]:
        known = run.statements.get(name)
        value = 0 if known is None else getattr(known, column)
        return None if value is None else value / max(run.steps, 1)

    return [of(run) for run in base], [of(run) for run in new]
