"""How large a change is, and whether it is larger than chance.

Each run gives one number, so that whatever made a whole run faster or slower (a warm cache, another process)
counts as chance once, and not once for each of its steps, which are not independent. The logarithms of these
numbers are compared by Welch's t-test: times scatter by factors, and the sides need not scatter equally.

Where there are many scenarios, these are a sample of those that might have been simulated, too. The variance
then has a second part, of the scenarios' own changes; what both parts hold, the scatter of one scenario in
one run, is counted once (a two-way analysis of variance with crossed random effects). Degrees of freedom are
Satterthwaite's. With fewer than :data:`FEWEST_SCENARIOS` the change is that of just these scenarios.

All this is a closed form: no random numbers, and the same answer each time. A bootstrap over runs, the other
way to do it, makes intervals that are too narrow with seven runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

from nutrace.comparison.numeric import numeric

#: From so many scenarios on, they are a sample.
FEWEST_SCENARIOS = 8

#: What intervals hold, and the error rate of all verdicts of a comparison together.
CONFIDENCE = 0.95
ERROR_RATE = 0.05

#: Times in ms that are as good as none.
NOTHING = 1e-6


@dataclass(frozen=True)
class Effect:
    """A change, relative to the base.

    Attributes
    ----------
    change:
        The new side's geometric mean over its runs by the base's, minus 1; of means where a run has 0.
    low, high:
        Its interval; None if a side has only one run.
    p:
        The probability of a change that large by chance; None likewise.
    error:
        The standard error of the change, of its logarithm if `log`.
    log:
        Whether the scale is logarithmic.
    of_new:
        Whether the base has nothing, so that the change is a share of the new side's mean.
    usual:
        Whether the times are those of the usual steps, which need not be the means that are shown.
    """

    change: float
    low: Optional[float] = None
    high: Optional[float] = None
    p: Optional[float] = None
    error: float = 0.0
    log: bool = True
    of_new: bool = False
    usual: bool = False


def effect(base: Any, new: Any, confidence: float = CONFIDENCE) -> Optional[Effect]:
    """The change between two sides.

    Parameters
    ----------
    base, new:
        For each run a row of times, one for each scenario; their sum is the run's.
    confidence:
        What the interval should hold.

    Returns
    -------
    Effect, or None if both sides are nothing.
    """
    numpy, special = numeric()
    base, new = (numpy.atleast_2d(numpy.asarray(side, dtype=float)) for side in (base, new))
    sums = [side.sum(axis=1) for side in (base, new)]
    levels = [float(side.mean()) for side in sums]
    if max(levels) <= NOTHING:
        return None
    of_new = levels[0] <= NOTHING
    level = levels[of_new]
    log = not of_new and min(float(side.min()) for side in sums) > 0
    values = [numpy.log(side) if log else side / level for side in sums]
    middle = float(values[1].mean() - values[0].mean())
    change = math.expm1(middle) if log else middle
    if min(map(len, values)) < 2:
        return Effect(change, log=log, of_new=of_new)
    parts = [(float(side.var(ddof=1)) / len(side), len(side) - 1) for side in values]
    spread = _of_scenarios(base, new)
    if spread is not None:
        parts.append((spread, base.shape[1] - 1))
    variance = sum(part for part, _ in parts)
    if variance <= 0:
        return Effect(change, change, change, 0.0 if middle else 1.0, 0.0, log, of_new)
    freedom = variance**2 / sum(part**2 / free for part, free in parts)
    error = math.sqrt(variance)
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * error
    low, high = (math.expm1(end) if log else end for end in (middle - half, middle + half))
    if not of_new:
        low = max(low, -1.0)  # no time is below 0
    p = 2 * float(special.stdtr(freedom, -abs(middle) / error))
    return Effect(change, low, high, p, error, log, of_new)


def _of_scenarios(base: Any, new: Any) -> Optional[float]:
    """The variance of the change that is due to the choice of the scenarios; None if they are few."""
    count = base.shape[1]
    if count < FEWEST_SCENARIOS:
        return None
    level = base.mean(axis=0)
    used = level > 0
    if used.sum() < FEWEST_SCENARIOS:
        return None
    share = level[used] / level.sum()
    ratios = [side[:, used] / level[used] for side in (base, new)]
    changes = ratios[1].mean(axis=0) - ratios[0].mean(axis=0)
    whole = float((share * changes).sum())
    number = len(changes)
    spread = float((share**2 * (changes - whole) ** 2).sum()) * number / (number - 1)
    noise = 0.0
    for side in ratios:
        rest = side - side.mean(axis=0) - (side @ share)[:, None] + float((side @ share).mean())
        runs = len(side)
        noise += float((share**2 * (rest**2).sum(axis=0)).sum()) / ((runs - 1) * runs)
    return max(spread - noise, 0.0)


def holm(probabilities: Sequence[float]) -> List[float]:
    """Correct the probabilities of several tests by Holm's method.

    If only those that stay below 5 % are called changes, the probability of a false one among all of them
    is at most 5 %.
    """
    order = sorted(range(len(probabilities)), key=probabilities.__getitem__)
    corrected = [0.0] * len(probabilities)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(probabilities[index] * (len(order) - place), 1.0))
        corrected[index] = highest
    return corrected


def runs_needed(seen: Effect, runs: int, least: float, rate: float) -> Optional[int]:
    """How many more runs a side would probably decide, if they scatter as those before.

    Parameters
    ----------
    seen:
        The undecided change.
    runs:
        The runs of the smaller side.
    least:
        The least effect.
    rate:
        The error rate of the test of this row.

    Returns
    -------
    The number, or None if even a thousand would not.
    """
    numpy, special = numeric()
    if seen.p is None:
        return None
    if seen.log:
        size, least = abs(math.log1p(seen.change)), math.log1p(least)
    else:
        size = abs(seen.change)
    more = numpy.array([*range(1, 40), *range(40, 200, 5), *range(200, 1001, 50)])
    error = seen.error * numpy.sqrt(runs / (runs + more))
    freedom = 2 * (runs + more) - 2
    same = special.stdtrit(freedom, 0.5 + CONFIDENCE / 2) * error <= least - size
    # Four of five such comparisons would find it.
    changed = (special.stdtrit(freedom, 1 - rate / 2) + special.stdtrit(freedom, 0.8)) * error <= size
    enough = more[same | (changed & (size >= least))]
    return int(enough[0]) if len(enough) else None
