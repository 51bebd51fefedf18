"""Checks of speedups' options."""

from __future__ import annotations

from nutrace.errors import SettingsError

DAY_S = 86_400.0
MOST_MEGABYTES = 1e6

_LONGEST = 60  # characters of a number


def at_least(speedup: str, name: str, value: float, least: float) -> None:
    """Refuse a bound that is too low, or no number.

    Raises
    ------
    SettingsError
        If `value` is less than `least`.
    """
    if not value >= least:
        raise SettingsError(f"{speedup}: {name} is {_shown(value)}, and must be at least {least:g}")


def at_most(speedup: str, name: str, value: float, most: float) -> None:
    """Refuse a bound that is too high, or no number.

    Raises
    ------
    SettingsError
        If `value` is more than `most`.
    """
    if not value <= most:
        raise SettingsError(f"{speedup}: {name} is {_shown(value)}, and must be at most {most:g}")


def above(speedup: str, name: str, value: float, least: float) -> None:
    """Refuse a bound that is not above `least`.

    Raises
    ------
    SettingsError
        If it is not.
    """
    if not value > least:
        raise SettingsError(f"{speedup}: {name} is {_shown(value)}, and must be above {least:g}")


def _shown(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)[:_LONGEST]
