"""Numbers for people, as a card shows them."""

from __future__ import annotations

from typing import Iterable, List, Optional

_MS = 1e6
_S = 1e9


def duration(time_ns: float) -> str:
    """A time in seconds if it is at least one, else in milliseconds, with three digits or more."""
    if time_ns >= _S:
        return f"{_digits(time_ns / _S)} s"
    return f"{_digits(time_ns / _MS)} ms"


def milliseconds(times_ns: Iterable[float]) -> List[str]:
    """The times of a column, all with the digits that the largest needs."""
    values = [time / _MS for time in times_ns]
    largest = max(values, default=0.0)
    digits = 3 if largest < 10 else 2 if largest < 1000 else 1
    return [f"{value:,.{digits}f}" for value in values]


def percent(part: float, whole: Optional[float]) -> str:
    """A share; a dash if the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.3g}"
