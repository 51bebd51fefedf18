"""Prices of events that are not measured when tracing starts, as multiples of what a call costs.

`tests/benchmarks/prices.py` measures them. They are the middle of what Python 3.9 and 3.11 need, from which
each of the two differs by up to a quarter.
"""

from __future__ import annotations

from typing import Final, Mapping, NamedTuple

from nutrace.prices import (
    API,
    CALL,
    COLLECTION,
    CONNECTION,
    COPY,
    ERROR,
    ROW,
    STATEMENT,
    Calibration,
    Price,
    Prices,
)


class Multiple(NamedTuple):
    """What an event costs outside and inside of its two readings of the clock, besides what is clocked of it.

    A call costs 1 in all.
    """

    outside: float
    inside: float


MULTIPLES: Final[Mapping[str, Multiple]] = {
    STATEMENT: Multiple(3.4, 0.6),
    ROW: Multiple(0.52, 0.26),
    CONNECTION: Multiple(2.2, 1.0),
    COPY: Multiple(0.75, 0.6),
    COLLECTION: Multiple(1.0, 0.6),
    ERROR: Multiple(1.65, 0.27),
    # Untraced, the program makes a span that does nothing: that costs its caller more than ours does.
    API: Multiple(0.0, 1.2),
}
#: What a call of a method costs more than one of a function, outside.
OF_METHOD: Final = 0.21

#: How many times its price an event costs at the degrees of coldness from 1 on.
COLD: Final = (1.3, 1.6, 2.5, 6.0)


def with_shipped(measured: Mapping[str, Price]) -> Calibration:
    """`measured` prices, with those of all other kinds."""
    call_ns = measured[CALL].total_ns
    shipped = {
        kind: Price(outside * call_ns, inside * call_ns) for kind, (outside, inside) in MULTIPLES.items()
    }
    return Calibration(Prices({**shipped, **measured}, COLD), OF_METHOD * call_ns)
