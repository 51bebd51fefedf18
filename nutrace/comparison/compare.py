"""Compare two sides."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from nutrace.comparison.drift import doubted, drift_of, one_after_the_other
from nutrace.comparison.figures import RunFigures, absent
from nutrace.comparison.headline import REALTIME_FACTOR, gap_closed, headline
from nutrace.comparison.judging import Options, judge, judge_count, judged_time
from nutrace.comparison.numeric import numeric
from nutrace.comparison.pairing import Pairing
from nutrace.comparison.paths import path_changes, path_rows
from nutrace.comparison.result import Comparison, Judged
from nutrace.comparison.sides import facts, refusals, warnings
from nutrace.comparison.statement_changes import statement_changes
from nutrace.comparison.time_figures import TimeFigures, most_changed
from nutrace.errors import UsageError

_NO_OPTIONS = Options()


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
    times = TimeFigures(pairing, len(base), options)
    paths = path_rows(pairing, len(base), times.step_ms, options)
    judged = _counts(sides)
    components = [figure.row for figure in times.figures if figure.is_component]
    drift = drift_of(components) if one_after_the_other(*sides) else None
    judgements = doubted(judge([figure.row for figure in times.figures], options), drift)
    for figure, judgement in sorted(zip(times.figures, judgements), key=most_changed):
        judged += [judged_time(name, figure.row, judgement, scale) for name, scale in figure.names]
    factor = next((each for each in judged if each.figure == REALTIME_FACTOR), None)
    base_warnings, new_warnings = warnings(sides)
    if drift is not None:
        new_warnings.append(
            f"nearly all components are {drift.value}, and the sides were run one after the other: that is "
            f"what another load of the machine looks like, so no time is called {drift.value}"
        )
    return Comparison(
        base=facts(sides[0], base_warnings),
        new=facts(sides[1], new_warnings + pairing.left_out),
        paired=bool(pairing.scenarios),
        headline=headline(judged),
        judged=tuple(judged),
        paths=path_changes(paths, doubted(judge([path.row for path in paths], options), drift), len(base)),
        gap_closed=None if factor is None else gap_closed(factor.base, factor.new),
        unpaired=(pairing.alone[0], pairing.alone[1]),
        refusals=tuple(refusals(sides)),
        drift=drift,
        statements=statement_changes(*sides, options, drift),
    )


def _counts(sides: Tuple[Sequence[RunFigures], Sequence[RunFigures]]) -> List[Judged]:
    names = dict.fromkeys(name for runs in sides for run in runs for name in run.counts)
    judged = []
    for name in names:
        base, new = ([run.counts.get(name, absent(name)) for run in runs] for runs in sides)
        if any(value is not None for value in (*base, *new)):
            judged.append(judge_count(name, base, new))
    return judged
