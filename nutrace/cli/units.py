"""Units of time, and which one fits the times of a column."""

from __future__ import annotations

from typing import Iterable, NamedTuple


class Unit(NamedTuple):
    """A unit of time: its name, and its nanoseconds."""

    name: str
    ns: float

    def text(self, time_ns: float) -> str:
        """A time without the unit: the smaller it is, the more digits it has."""
        value = time_ns / self.ns
        digits = 0 if value >= 1_000 else 1 if value >= 100 else 2 if value >= 10 else 3
        digits = digits if value >= 0.1 or not value else 4 if value >= 0.01 else 5
        return f"{value:,.{digits}f}"

    def short(self, time_ns: float) -> str:
        """A time without the unit, to a tenth; to a thousandth below 1."""
        value = time_ns / self.ns
        return f"{value:,.3f}" if 0 < value < 1 else f"{value:,.1f}"


US, MS, S = Unit("us", 1e3), Unit("ms", 1e6), Unit("s", 1e9)
_MOST_US, _MOST_MS = 1e7, 1e11  # ns: 10 ms, 100 s


def unit_of(times_ns: Iterable[float], least: Unit = MS) -> Unit:
    """The unit for the times of a column, by the largest: `least`, which is us or ms, or a larger one."""
    largest = max(times_ns, default=0)
    return S if largest >= _MOST_MS else least if largest < _MOST_US else MS
