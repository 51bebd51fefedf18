"""How far a share that was counted in a sample can be from the true one."""

from __future__ import annotations

from math import sqrt
from typing import Iterable, Tuple

#: The 97.5 % point of the normal distribution: 2.5 % of it lie above, 2.5 % below its negative.
Z_95 = 1.959963984540054

#: Rows with fewer samples are no facts: reports and pictures join them into one.
FEWEST_SAMPLES = 10


def wilson(hits: float, total: float) -> Tuple[float, float]:
    """The 95 % interval of a share: `hits` of `total` independent samples.

    This is the score interval of Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927). It stays within 0 and 1, and holds for few samples and for shares near 0.
    Without samples nothing is known: (0, 1). Samples of unequal weights count as fewer than they are.
    """
    if total <= 0:
        return 0.0, 1.0
    share, z2 = hits / total, Z_95 * Z_95
    middle = share + z2 / (2 * total)
    reach = Z_95 * sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    low, high = (middle - reach) / (1 + z2 / total), (middle + reach) / (1 + z2 / total)
    # Exact ends, which rounding would miss by a little.
    return (max(0.0, low) if hits else 0.0), (min(1.0, high) if hits < total else 1.0)


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
