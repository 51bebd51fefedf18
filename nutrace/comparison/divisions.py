"""Divide a series of numbers into parts, as far as chance does not divide shuffled series as well.

ruptures (KernelCPD, the search of PELT) finds the division with least scatter, at a price for each part. The
price is such that of shuffled series, which have no change in them, a chosen share is divided at all. What is
divided are normal scores: the place of a number in the order, as a normal distribution would have it. So the
price does not depend on how the numbers are distributed, and a single number far from all others counts for
little. Killick, Fearnhead, Eckley: Optimal detection of changepoints with a linear computational cost (2012);
Truong, Oudre, Vayatis: Selective review of offline change point detection methods (2020).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, List, Sequence, Tuple

from nutrace.errors import MissingDependencyError

if TYPE_CHECKING:
    import numpy

#: The fewest numbers in a part: one or two may be chance.
LEAST_RUNS = 3
#: Fewer numbers are not distinguishable from shuffled ones, however they are divided.
LEAST_SEARCHED = 2 * LEAST_RUNS + 2
#: How many shuffled series are divided.
SHUFFLES = 2000

_MOST_PARTS = 4
#: Up to this length, series are compared with shuffled ones of the same length. The price of a longer one is
#: hardly another if it is a little longer.
_EXACT, _ROUND = 40, 20


class Chance:
    """What shuffled runs show, in series of one length."""

    def __init__(self, length: int) -> None:
        self._numpy, self._ruptures = _libraries()
        numpy = self._numpy
        dice = numpy.random.default_rng(length)  # the same page from the same runs
        scores = self.scores(range(length))
        self._gains = numpy.sort([self._gain(dice.permutation(scores)) for _ in range(SHUFFLES)])

    def probability(self, values: Sequence[float]) -> float:
        """How often shuffled runs can be divided as well as `values`."""
        as_good = len(self._gains) - int(
            self._numpy.searchsorted(self._gains, self._gain(self.scores(values)))
        )
        return (1 + as_good) / (1 + SHUFFLES)

    def breaks(self, values: Sequence[float], level: float) -> List[int]:
        """The first numbers of the parts, at a price at which that share of shuffled series is divided.

        Each part is searched again by itself: in the order of all numbers, a large change hides a small one.
        """
        scores = self.scores(values)
        price = float(self._numpy.quantile(self._gains, 1 - level)) * float(self._numpy.var(scores))
        parts = [int(end) for end in self._search(scores).predict(pen=price)]
        if len(parts) == 1:
            return []
        breaks = parts[:-1]
        for begin, end in zip([0, *parts], parts):
            if end - begin >= LEAST_SEARCHED:
                part = chance_of(end - begin)
                breaks += [begin + place for place in part.breaks(values[begin:end], level)]
        return sorted(breaks)

    def scores(self, values: Sequence[float]) -> numpy.ndarray[Any, Any]:
        """The normal scores of the values: where each would stand in a normal distribution."""
        from scipy.special import ndtri  # type: ignore[import-untyped,unused-ignore]
        from scipy.stats import rankdata  # type: ignore[import-untyped,unused-ignore]

        scores: numpy.ndarray[Any, Any] = ndtri(rankdata(values) / (len(values) + 1))
        return scores

    def _search(self, scores: numpy.ndarray[Any, Any]) -> Any:
        search = self._ruptures.KernelCPD(kernel="linear", min_size=LEAST_RUNS, jump=1)
        return search.fit(scores.reshape(-1, 1))

    def _gain(self, scores: numpy.ndarray[Any, Any]) -> float:
        """How much scatter the best division takes away for each of its changes, in variances."""
        variance = float(self._numpy.var(scores))
        if not variance:
            return 0.0
        search, middle, best = self._search(scores), float(scores.mean()), 0.0
        for count in range(1, min(_MOST_PARTS, len(scores) // LEAST_RUNS)):
            gain, begin = 0.0, 0
            for end in search.predict(n_bkps=count):
                gain += (end - begin) * (float(scores[begin:end].mean()) - middle) ** 2
                begin = end
            best = max(best, gain / count)
        return best / variance


def chance_of(length: int) -> Chance:
    """What shuffled series of that many numbers show; of long ones, those of a round length."""
    return _chance_of(length if length <= _EXACT else -(-length // _ROUND) * _ROUND)


@lru_cache(maxsize=64)
def _chance_of(length: int) -> Chance:
    return Chance(length)


def _libraries() -> Tuple[Any, Any]:
    try:
        import numpy
        import ruptures  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingDependencyError(
            f"finding changes needs ruptures, which cannot be imported ({error}): "
            "pip install 'nutrace[history]'"
        ) from None
    return numpy, ruptures
