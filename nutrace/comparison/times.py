"""Tables of times: a row for each run and a column for each scenario."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Iterable, Sequence, Tuple

from nutrace.comparison.numeric import numeric

#: If the usual times of the steps make up less of the mean than this, or the mean less of them, on either
#: side, there is no usual step.
_REPRESENTATIVE = 0.5

#: The slowest steps, one in so many, are not usual.
_ONE_IN = 20


@dataclass(frozen=True)
class Times:
    """Times of one kind, in ms. The runs of the base come first; the sum of a row is the run's figure.

    ``usual`` is not moved by single slow steps; None where that makes no sense.
    """

    mean: Any
    usual: Any = None

    @classmethod
    def of(cls, mean: Any, usual: Any, bases: int) -> Times:
        """Times whose usual part is left out if it does not stand for the mean of both sides.

        One side would not do: where the usual step stands for one side only, its change is that of nothing.
        """
        numpy, _ = numeric()
        table, robust = (numpy.asarray(each, dtype=float) for each in (mean, usual))
        means, usuals = table.sum(axis=1), robust.sum(axis=1)
        smaller, larger = numpy.minimum(means, usuals), numpy.maximum(means, usuals)
        parts = numpy.where(larger > 0, smaller / numpy.where(larger > 0, larger, 1), 1)
        middles = [numpy.median(side) for side in (parts[:bases], parts[bases:])]
        return cls(table, robust if min(middles) >= _REPRESENTATIVE else None)

    @classmethod
    def of_runs(cls, values: Sequence[float]) -> Times:
        """Times of which there is one for each run."""
        numpy, _ = numeric()
        return cls(numpy.asarray(values, dtype=float)[:, None])


@dataclass(frozen=True)
class PathTimes:
    """A span path, with its times and its calls per step in each run."""

    names: Tuple[str, ...]
    component: str
    times: Times
    calls: Tuple[float, ...]

    @property
    def robust(self) -> Any:
        """The times that single slow steps do not move, if there are such."""
        return self.times.mean if self.times.usual is None else self.times.usual

    @property
    def cost(self) -> float:
        """The time of all runs."""
        return float(self.times.mean.sum())

    def with_times_of(self, others: Sequence[PathTimes]) -> PathTimes:
        """This path with the times of others added to its own."""
        if not others:
            return self
        every = [self, *others]
        return replace(
            self, times=Times(sum(each.times.mean for each in every), sum(each.robust for each in every))
        )


def without_slowest(times: Iterable[int], steps: int) -> int:
    """The sum of some times without the slowest twentieth of the steps.

    Parameters
    ----------
    times:
        The time in each step that has any.
    steps:
        The number of all steps.
    """
    ordered = sorted(times)
    return sum(ordered[: max(len(ordered) - steps // _ONE_IN, 0)])


def usual_times(table: Any, bases: int) -> Any:
    """What all steps of each run take, if they are as much slower as its usual step.

    A step is compared with what it usually takes: the harmonic mean of its times, first of each side and then
    of both. The run's usual step is the median of these quotients, in which a step weighs what it usually
    takes. A harmonic mean is at most N times the shortest of N times, so that a step that was slow in some
    runs of both sides does not have most of the weight; a median of two runs would be their mean.

    Parameters
    ----------
    table:
        A row for each run, a column for each step.
    bases:
        Number of the base's runs, which come first.
    """
    numpy, _ = numeric()
    sides = table[:bases], table[bases:]
    used = numpy.all([numpy.median(side, axis=0) > 0 for side in sides], axis=0)
    if not used.any():
        return numpy.zeros(len(table))
    one, other = (_inverse_mean(side[:, used]) for side in sides)
    weights = 2 / (one + other)
    quotients = table[:, used] / weights
    order = numpy.argsort(quotients, axis=1, kind="stable")
    weight_so_far = numpy.cumsum(weights[order], axis=1)
    middle = (weight_so_far < weight_so_far[:, -1:] / 2).sum(axis=1)
    runs = numpy.arange(len(table))
    return quotients[runs, order[runs, middle]] * weights.sum()


def _inverse_mean(table: Any) -> Any:
    """Of each column the mean of one over its times, without those that are 0."""
    numpy, _ = numeric()
    inverse = numpy.divide(1, table, out=numpy.zeros_like(table), where=table > 0)
    return inverse.sum(axis=0) / (table > 0).sum(axis=0)
