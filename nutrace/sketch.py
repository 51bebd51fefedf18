"""How long each of many calls took, in a few numbers.

A sketch counts times in buckets, each 9 % wider than the one below. They are those of OpenTelemetry's
exponential histogram of scale 3: bucket `index` holds what is above ``2 ** (index / 8)`` ns and not above
``2 ** ((index + 1) / 8)`` ns. Sketches of several spans are merged by adding up the counts of each bucket.

Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

_TO_DOUBLE = 8  # buckets until the time has doubled
_WIDTH = 2 ** (1 / _TO_DOUBLE)  # the quotient of a bucket's upper and lower bound
#: Upper bounds of the buckets from index -1 on, ns: the first holds 0 and 1, the last all from 104 days on.
_BOUNDS = [int(2 ** (number / _TO_DOUBLE)) for number in range(53 * _TO_DOUBLE)]
_FIRST = -1

#: How wrong a percentile from buckets can be, as a part of it: 4.3 %; it is rounded to 1 ns besides.
ERROR = (_WIDTH - 1) / (_WIDTH + 1)

#: So many times are known from their sum, the shortest and the longest.
MOST_EXACT = 3

#: How long calls took, in ns, and how many took that long.
Times = List[Tuple[float, int]]


class Sketch(NamedTuple):
    """What is known of the times of `calls`, in ns; `buckets` has how many are in which bucket."""

    calls: int = 0
    sum_ns: int = 0
    min_ns: int = 0
    max_ns: int = 0
    buckets: Mapping[int, int] = {}

    def plus(self, times: Sequence[int]) -> Sketch:
        """This one and some times more, at least one."""
        ordered = sorted(times)
        number = len(ordered)
        buckets: Dict[int, int] = dict(self.buckets)
        at = 0
        while at < number:
            place = bisect_left(_BOUNDS, ordered[at])
            after = bisect_right(ordered, _BOUNDS[place], at) if place < len(_BOUNDS) else number
            buckets[_FIRST + place] = buckets.get(_FIRST + place, 0) + after - at
            at = after
        shortest, longest = ordered[0], ordered[-1]
        if self.calls:
            shortest, longest = min(shortest, self.min_ns), max(longest, self.max_ns)
        return Sketch(self.calls + number, self.sum_ns + sum(ordered), shortest, longest, buckets)

    def pairs(self) -> List[int]:
        """The filled buckets as ``[index, count, index, count, ...]``; empty if they add nothing.

        That is so if all times are in one bucket, or are known from the sum, the shortest and the longest.
        """
        if len(self.buckets) < 2 or self.calls <= MOST_EXACT:
            return []
        return [number for pair in sorted(self.buckets.items()) for number in pair]


def of_few(times: Sequence[int]) -> Sketch:
    """A sketch of up to three times, which needs no buckets; it cannot be added to."""
    return Sketch(len(times), sum(times), min(times), max(times))


def times_of(calls: int, sum_ns: int, min_ns: int, max_ns: int, pairs: Any) -> Optional[Times]:
    """How long `calls` calls took, as far as a span tells: each time to :data:`ERROR`.

    Parameters
    ----------
    calls, sum_ns:
        How many there are, and what they took in all.
    min_ns, max_ns:
        The shortest and the longest; -1 if unknown.
    pairs:
        See :meth:`Sketch.pairs`; anything else if there are none.

    Returns
    -------
    None if only the mean is known, or if the numbers contradict each other, as those of a damaged file may.
    """
    if calls == 1:
        return [(sum_ns, 1)]
    if calls < 1 or not 0 <= min_ns <= max_ns:
        return None
    if calls <= MOST_EXACT:
        middle = [sum_ns - min_ns - max_ns] if calls == MOST_EXACT else []
        every = [min_ns, *middle, max_ns]
        return [(time, 1) for time in every] if every == sorted(every) else None
    lowest, highest = (_FIRST + bisect_left(_BOUNDS, time) for time in (min_ns, max_ns))
    if lowest == highest:
        buckets = [(lowest, calls)]
    elif isinstance(pairs, (list, tuple)) and all(type(number) is int for number in pairs):
        buckets = list(zip(pairs[::2], pairs[1::2]))
    else:
        return None
    if sum(often for _, often in buckets) != calls:
        return None
    if not all(lowest <= index <= highest and often > 0 for index, often in buckets):
        return None
    # A bucket's bounds may lie outside of what occurred.
    return [(min(max(_middle(index), min_ns), max_ns), often) for index, often in buckets]


def _middle(index: int) -> float:
    """The time in ns that is wrong by the same part for both bounds of a bucket."""
    return 2 ** ((index + 1) / _TO_DOUBLE) * 2 / (_WIDTH + 1)
