"""Compare two sides."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.comparison.figures import RunFigures
from nutrace.comparison.headline import gap_closed, headline
from nutrace.comparison.judging import Judgement, Options, Row, judge, judge_count, judged_time, row_of
from nutrace.comparison.numeric import numeric
from nutrace.comparison.pairing import Pairing, Times
from nutrace.comparison.paths import path_changes, path_rows
from nutrace.comparison.result import Comparison, Judged, Verdict
from nutrace.comparison.sides import facts, refusals, warnings
from nutrace.errors import UsageError

_NO_OPTIONS = Options()


class _Figure(NamedTuple):
    """A time that is tested, with the names of the figures that are multiples of it."""

    names: Tuple[Tuple[str, float], ...]
    row: Row
    is_headline: bool = False


def compare(
    base: Sequence[RunFigures], new: Sequence[RunFigures], options: Options = _NO_OPTIONS
) -> Comparison:
    """Compare two sides, each of one or more runs.

    Counts are exact, and any difference is one. Times are paired by scenario and iteration where all runs
    have them; a run is one observation (:mod:`nutrace.comparison.statistics`). The figures (headline and
    components) are one family of tests, and the paths another: in each, the chance that anything is called
    faster or slower without having changed is at most 5 %.

    Parameters
    ----------
    base, new:
        The runs of each side, as :func:`nutrace.comparison.measure` makes them. The order does not matter.
    options:
        What is called a change.

    Returns
    -------
    A comparison, however unlike the sides are. Its ``refusals`` say why it should not be made.

    Raises
    ------
    UsageError
        If a side has no run.
    MissingDependencyError
        If numpy or scipy is not installed.
    """
    numeric()
    if not base or not new:
        raise UsageError(
            f"{'new' if base else 'base'} has no runs: name run files, or folders that have some"
        )
    sides = (tuple(base), tuple(new))
    pairing = Pairing(*sides)
    figures = _figures(pairing, sides, options)
    paths = path_rows(pairing, len(base), _step_ms(figures), options)
    judged = _counts(sides)
    judgements = judge([figure.row for figure in figures], options)
    for figure, judgement in sorted(zip(figures, judgements), key=_most_changed):
        judged += [judged_time(name, figure.row, judgement, scale) for name, scale in figure.names]
    factor = next((each for each in judged if each.figure == "steps.realtime_factor"), None)
    base_warnings, new_warnings = warnings(sides)
    return Comparison(
        base=facts(sides[0], base_warnings),
        new=facts(sides[1], new_warnings + pairing.left_out),
        paired=bool(pairing.scenarios),
        headline=headline(judged),
        judged=tuple(judged),
        paths=path_changes(paths, judge([path.row for path in paths], options), len(base)),
        gap_closed=None if factor is None else gap_closed(factor.base, factor.new),
        unpaired=(pairing.alone[0], pairing.alone[1]),
        refusals=tuple(refusals(sides)),
    )


def _most_changed(judged: Tuple[_Figure, Judgement]) -> Tuple[bool, bool, float]:
    """The headline first, then what changed, the largest differences first."""
    figure, judgement = judged
    if figure.is_headline:
        return False, False, 0.0
    changed = judgement.verdict in (Verdict.FASTER, Verdict.SLOWER)
    found = judgement.effect
    difference = figure.row.new - figure.row.base if found is None else found.change * figure.row.base
    return True, not changed, -abs(difference)


def _counts(sides: Tuple[Sequence[RunFigures], Sequence[RunFigures]]) -> List[Judged]:
    names = dict.fromkeys(name for runs in sides for run in runs for name in run.counts)
    judged = []
    for name in names:
        base, new = ([run.counts.get(name, _absent(name)) for run in runs] for runs in sides)
        if any(value is not None for value in (*base, *new)):
            judged.append(judge_count(name, base, new))
    return judged


def _absent(name: str) -> Optional[float]:
    """What a count is that a run does not have: a component without calls has none."""
    return 0.0 if name.startswith("components.") else None


def _figures(
    pairing: Pairing, sides: Tuple[Sequence[RunFigures], Sequence[RunFigures]], options: Options
) -> List[_Figure]:
    figures: List[_Figure] = []
    bases = len(sides[0])
    with_steps = any(run.steps for run in pairing.runs)
    step_ms = 0.0

    def add(names: Tuple[Tuple[str, float], ...], times: Times, *, always: bool = False) -> None:
        row = row_of(times, bases, step_ms, options, always=always)
        figures.append(_Figure(names, row, is_headline=always))

    if with_steps:
        whole = pairing.steps_of(None)
        step_ms = row_of(whole, bases, 0.0, options).base
        names = [("steps.mean_ms", 1.0)]
        steps = pairing.steps or max((run.steps for run in pairing.runs), default=0)
        counts = {run.steps for run in pairing.runs}
        if pairing.scenarios or len(counts) == 1:
            names.append(("steps.total_s", steps / 1e3))
        intervals = {round(run.interval_s or 0.0, 9) for run in pairing.runs}
        if len(intervals) == 1 and 0 not in intervals:
            names.append(("steps.realtime_factor", 1e-3 / intervals.pop()))
        add(tuple(names), Times(whole.mean), always=True)
        middle = pairing.percentile(50)
        add((("steps.p50_ms", 1.0),), Times(middle.mean, whole.usual), always=True)
        add((("steps.p95_ms", 1.0),), pairing.percentile(95), always=True)
        for component in pairing.components():
            add(((f"components.{component}.self_ms_per_step", 1.0),), pairing.steps_of(component))
    for name in dict.fromkeys(name for run in pairing.runs for name in run.times):
        seconds = name.endswith("_s")
        factor = 1e3 if seconds else 1.0
        values = _times([run.times.get(name, 0.0) * factor for run in pairing.runs])
        add(((name, 1 / factor),), values, always=name == "run.wall_s")
    return figures


def _times(values: Sequence[float]) -> Times:
    numpy, _ = numeric()
    return Times(numpy.array([[value] for value in values], dtype=float))


def _step_ms(figures: Sequence[_Figure]) -> float:
    found: Dict[str, Row] = {figure.names[0][0]: figure.row for figure in figures}
    row = found.get("steps.mean_ms")
    return 0.0 if row is None else row.base
