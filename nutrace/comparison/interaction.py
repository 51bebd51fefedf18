"""What changes bring together, against the sum of what each brings alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import mean, variance
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from nutrace.comparison.figures import RunFigures, absent
from nutrace.comparison.gates import FEWEST_RUNS
from nutrace.comparison.numeric import numeric
from nutrace.comparison.result import Kind
from nutrace.comparison.statistics import CONFIDENCE, ERROR_RATE, holm
from nutrace.comparison.time_figures import WALL
from nutrace.percentiles import percentile

_FEWEST_FOR_INTERVAL = 2
_DIGITS = 9


@dataclass(frozen=True)
class Interaction:
    """One figure of a variant that combines others, in the figure's unit.

    Attributes
    ----------
    parts:
        What each part changes on its own.
    together:
        What the combination changes.
    interaction:
        ``together - sum(parts)``: for a time, positive if the parts gain less together than apart.
    low, high:
        Its interval of 95 %; None for counts, and with fewer than two runs of a variant.
    p:
        The probability of an interaction that large by chance; None likewise.
    beyond_chance:
        Whether there is one: for a count if it is not 0, for a time if it is larger than chance among all
        times here. None with fewer than five runs of a variant.
    """

    figure: str
    kind: Kind
    parts: Tuple[float, ...]
    together: float
    interaction: float
    low: Optional[float] = None
    high: Optional[float] = None
    p: Optional[float] = None
    beyond_chance: Optional[bool] = None


def interactions(
    base: Sequence[RunFigures], parts: Sequence[Sequence[RunFigures]], whole: Sequence[RunFigures]
) -> List[Interaction]:
    """The interaction in each time of the steps, and in each count that is the same in all runs of a variant.

    Parameters
    ----------
    base, parts, whole:
        The runs without a change, with one part of it each, and with all parts; each in the order of the
        rounds, in which they ran one after the other.
    """
    sides = [list(base), *map(list, parts), list(whole)]
    if not all(sides):
        return []
    names = list(dict.fromkeys(name for side in sides for run in side for name in run.counts))
    times, counts = [_times(side) for side in sides], [_counts(side, names) for side in sides]
    found = [_of_times(name, [table[name] for table in times]) for name in _shared(times)]
    if min(map(len, sides)) >= FEWEST_RUNS:
        corrected = holm([1.0 if each.p is None else each.p for each in found])
        found = [replace(each, beyond_chance=p <= ERROR_RATE) for each, p in zip(found, corrected)]
    for name in _shared(counts):
        values = [table[name] for table in counts]
        if any(value != values[0] for value in values):
            # Counts per step are quotients: what is left of them beyond these digits is rounding.
            apart = tuple(round(value - values[0], _DIGITS) for value in values[1:-1])
            together = round(values[-1] - values[0], _DIGITS)
            rest = round(together - sum(apart), _DIGITS)
            found.append(Interaction(name, Kind.COUNT, apart, together, rest, beyond_chance=bool(rest)))
    return found


def _of_times(name: str, sides: Sequence[Sequence[float]]) -> Interaction:
    """Each round has an interaction of its own, and Student's interval of their mean is that of all.

    Whatever made a round slow made all its runs slow, and is in no difference within the round.
    """
    rounds = list(zip(*sides))
    apart = tuple(mean(part) for part in zip(*([each - run[0] for each in run[1:-1]] for run in rounds)))
    together = mean(run[-1] - run[0] for run in rounds)
    rest = [run[-1] - run[0] - sum(each - run[0] for each in run[1:-1]) for run in rounds]
    middle = mean(rest)
    result = Interaction(name, Kind.TIME, apart, together, middle)
    if len(rest) < _FEWEST_FOR_INTERVAL:
        return result
    error, freedom = math.sqrt(variance(rest) / len(rest)), len(rest) - 1
    if not error:
        return replace(result, low=middle, high=middle, p=0.0 if middle else 1.0)
    special = numeric().special
    half = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    p = 2 * float(special.stdtr(freedom, -abs(middle) / error))
    return replace(result, low=middle - half, high=middle + half, p=p)


def _shared(tables: Sequence[Mapping[str, object]]) -> List[str]:
    """The names that all tables have, in the order of the first."""
    return [name for name in tables[0] if all(name in table for table in tables)]


def _times(runs: Sequence[RunFigures]) -> Dict[str, List[float]]:
    """For each time its value in each run; percentiles are by nearest rank, as everywhere."""
    found: Dict[str, List[float]] = {}
    for run in runs:
        times = [time for scenario in run.scenarios for time in scenario.total_ns]
        if not times:
            continue
        found.setdefault("steps.mean_ms", []).append(mean(times) / 1e6)
        found.setdefault("steps.p50_ms", []).append(percentile(times, 50) / 1e6)
        found.setdefault("steps.p95_ms", []).append(percentile(times, 95) / 1e6)
    found[WALL] = [run.times[WALL] for run in runs]
    return {name: values for name, values in found.items() if len(values) == len(runs)}


def _counts(runs: Sequence[RunFigures], names: Sequence[str]) -> Dict[str, float]:
    """The counts that all runs of a variant agree on."""
    found: Dict[str, float] = {}
    for name in names:
        values = {run.counts.get(name, absent(name)) for run in runs}
        value = values.pop()
        if value is not None and not values:
            found[name] = value
    return found
