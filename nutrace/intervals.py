"""How far a share that was seen in samples may be from the true one."""

from __future__ import annotations

from math import sqrt
from typing import Iterable, Tuple

#: The 97.5 % point of the normal distribution: 2.5 % of it lie above, 2.5 % below its negative.
Z_95 = 1.959963984540054

#: Rows with fewer samples are no facts: reports and pictures join them into one.
FEWEST_SAMPLES = 10


def wilson(share: float, samples: float) -> Tuple[float, float]:
    """The 95 % interval of a share (0 to 1) that was seen in so many independent samples.

    This is the score interval of Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927). It stays within 0 and 1, and holds for few samples and for shares near 0.
    Without samples nothing is known: (0, 1).
    """
    if samples <= 0:
        return 0.0, 1.0
    square = Z_95 * Z_95
    middle = share + square / (2 * samples)
    reach = Z_95 * sqrt(max(share * (1 - share), 0.0) / samples + square / (4 * samples * samples))
    low, high = ((middle + side) / (1 + square / samples) for side in (-reach, reach))
    # The share itself lies within, which rounding may deny where it is 0 or 1.
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def effective_samples(parts: Iterable[Tuple[int, int]]) -> float:
    """How many samples of one whole tell as much as those of its parts, given as (ns, samples).

    If some parts were sampled more thinly than others, these are fewer than the samples are together:
    1 / sum(w * w / n), with w for a part's share of the time and n for its samples (Kish's effective sample
    size).
    """
    known = [(ns, samples) for ns, samples in parts if samples]
    whole = sum(ns for ns, _ in known)
    if not whole:
        return float(sum(samples for _, samples in known))
    return 1 / sum((ns / whole) ** 2 / samples for ns, samples in known)
