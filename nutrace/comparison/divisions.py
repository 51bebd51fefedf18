"""Divide a series of numbers into parts, as far as chance does not divide it as well when it is shuffled.

Whether there is a change at all is a permutation test: how much scatter the best part of the series (an end
of it, or a piece within) takes away, against the same numbers in other orders. Where the changes are ruptures
finds (KernelCPD, the search of PELT), at a price for each that chance would not pay. Both hold however the
numbers are distributed; those far from all others are clipped, so that one of them counts for little.

Olshen, Venkatraman, Lucito, Wigler: Circular binary segmentation (2004), for the test; Killick, Fearnhead,
Eckley: Optimal detection of changepoints with a linear computational cost (2012), for the search; Truong,
Oudre, Vayatis: Selective review of offline change point detection methods (2020), for the library.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.extras import install

#: The fewest numbers in a part: one or two may be chance.
LEAST_RUNS = 3
#: Fewer numbers are not distinguishable from shuffled ones, however they are divided.
LEAST_SEARCHED = 2 * LEAST_RUNS + 2
#: How many shuffled orders are divided.
SHUFFLES = 1000

_AT_ONCE = 100_000  # gains, as many as fit into a cache
#: Numbers farther from the median than this are clipped: standard deviations of a normal distribution.
_FARTHEST = 3.0


class Divisible:
    """A series of numbers, and how well it can be divided.

    Attributes
    ----------
    probability:
        How often chance divides the shuffled series as clearly.

    Raises
    ------
    MissingDependencyError
        If ruptures is not installed.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self._numpy, self._ruptures = _libraries()
        self._values = values
        self._clipped = self._clip(values)
        self._shuffled: Any = ()
        self.probability = self._judge()

    def breaks(self, level: float) -> List[int]:
        """The first numbers of the parts, at a price at which that share of shuffled orders is divided.

        Each part is searched again by itself: beside a large change, a small one is not seen.
        """
        if self.probability > level:
            return []
        parts = self._search(price=float(self._numpy.quantile(self._shuffled, 1 - level)))
        breaks = parts[:-1]
        if not breaks:
            return []
        for begin, end in zip([0, *parts], parts):
            if end - begin >= LEAST_SEARCHED:
                part = Divisible(self._values[begin:end])
                breaks += [begin + place for place in part.breaks(level)]
        return sorted(breaks)

    def _judge(self) -> float:
        if len(self._values) < LEAST_SEARCHED or not self._clipped.any():
            return 1.0
        numpy = self._numpy
        pieces = _Pieces(numpy, len(self._values))
        dice = numpy.random.default_rng(len(self._values))  # the same page from the same runs
        orders = dice.permuted(numpy.tile(self._clipped, (SHUFFLES, 1)), axis=1)
        self._shuffled = pieces.gains(orders)
        own = float(pieces.gains(self._clipped[None])[0])
        as_good = int((self._shuffled >= own * (1 - 1e-9)).sum())
        return (1 + as_good) / (1 + SHUFFLES)

    def _clip(self, values: Sequence[float]) -> Any:
        """The numbers as distances from their mean, in standard deviations."""
        numpy = self._numpy
        numbers = numpy.asarray(values, dtype=float)
        away = numbers - numpy.median(numbers)
        # Standard deviation of a normal distribution by its median and, if half are equal, mean deviation.
        scale = 1.4826 * numpy.median(abs(away)) or 1.2533 * abs(away).mean() or 1.0
        clipped = numpy.clip(away / scale, -_FARTHEST, _FARTHEST)
        return clipped - clipped.mean()

    def _search(self, price: float) -> List[int]:
        search = self._ruptures.KernelCPD(kernel="linear", min_size=LEAST_RUNS)
        return [int(end) for end in search.fit(self._clipped.reshape(-1, 1)).predict(pen=price)]


class _Pieces:
    """All pieces of series of one length that can differ from the rest."""

    def __init__(self, numpy: Any, length: int) -> None:
        self._numpy = numpy
        begin, end = numpy.triu_indices(length + 1, k=LEAST_RUNS)
        left, right, size = begin, length - end, end - begin
        wide = (length - size >= LEAST_RUNS) & ((left == 0) | (left >= LEAST_RUNS))
        wide &= (right == 0) | (right >= LEAST_RUNS)
        self._begin, self._end = begin[wide], end[wide]
        left, right, size = left[wide], right[wide], size[wide]
        # Scatter between the piece and the rest, for each change: a piece within the series has two.
        changes = 1 + ((left > 0) & (right > 0))
        self._weight = length / (size * (length - size)) / changes

    def gains(self, orders: Any) -> Any:
        """The largest gain of a piece, for each row of numbers whose mean is 0."""
        numpy = self._numpy
        rows = max(_AT_ONCE // max(len(self._begin), 1), 1)
        best = []
        for first in range(0, len(orders), rows):
            sums = numpy.cumsum(orders[first : first + rows], axis=1)
            sums = numpy.concatenate([numpy.zeros((len(sums), 1)), sums], axis=1)
            between = (sums[:, self._end] - sums[:, self._begin]) ** 2 * self._weight
            best.append(between.max(axis=1))
        return numpy.concatenate(best)


def _libraries() -> Tuple[Any, Any]:
    try:
        import numpy
        import ruptures  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError(
            f"finding changes needs ruptures, which cannot be imported ({error}): {install('history')}"
        ) from None
    return numpy, ruptures
