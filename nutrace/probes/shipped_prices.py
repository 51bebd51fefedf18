"""Prices of events that are not measured when tracing starts, as multiples of what a call costs.

`tests/benchmarks/prices.py` measures them.
"""

from __future__ import annotations

import sys
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
    """What an event costs outside and inside of its two readings of the clock; a call costs 1 in all."""

    outside: float
    inside: float


#: Since Python 3.11, and before.
MULTIPLES: Final[Mapping[str, Multiple]] = (
    {
        STATEMENT: Multiple(8.9, 0.7),
        ROW: Multiple(0.42, 0.25),
        CONNECTION: Multiple(6.3, 1.6),
        COPY: Multiple(2.7, 0.34),
        COLLECTION: Multiple(1.0, 0.74),
        ERROR: Multiple(1.85, 0.26),
        API: Multiple(1.0, 1.0),
    }
    if sys.version_info >= (3, 11)
    else {
        STATEMENT: Multiple(11.0, 0.7),
        ROW: Multiple(0.5, 0.25),
        CONNECTION: Multiple(7.0, 1.0),
        COPY: Multiple(3.2, 0.32),
        COLLECTION: Multiple(0.84, 0.54),
        ERROR: Multiple(1.8, 0.18),
        API: Multiple(1.0, 1.0),
    }
)


#: What a call of a method costs more than one of a function, outside.
OF_METHOD: Final = 0.22


def with_shipped(measured: Prices) -> Calibration:
    """`measured` prices, with those of all other kinds."""
    call_ns = measured[CALL].total_ns
    shipped = {
        kind: Price(outside * call_ns, inside * call_ns) for kind, (outside, inside) in MULTIPLES.items()
    }
    return Calibration({**shipped, **measured}, OF_METHOD * call_ns)
