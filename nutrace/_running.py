"""What is switched on in this process, so that it can be switched off without knowing what it is."""

from __future__ import annotations

from typing import Callable, List

_stops: List[Callable[[], object]] = []


def started(stop: Callable[[], object]) -> None:
    """Note that something is on, and that `stop` switches it off; noting it twice is noting it once."""
    if stop not in _stops:
        _stops.append(stop)


def stop_all() -> None:
    """Switch everything off, newest first."""
    while _stops:
        _stops.pop()()
