"""What a process says of itself again while it runs: a killed one leaves figures that are nearly its last."""

from __future__ import annotations

from typing import Any, Callable, Mapping


class ChangingAttributes:
    """Attributes of the resource that change, given when they did.

    Parameters
    ----------
    tell:
        Gives them as they are now.
    every_ns:
        How often it is asked at most.
    """

    def __init__(self, tell: Callable[[], Mapping[str, Any]], every_ns: int) -> None:
        self._tell = tell
        self._every_ns = every_ns
        self._told: Mapping[str, Any] = {}
        self._next_ns = 0

    def hurry(self) -> None:
        """Ask at the next opportunity, which may be the last."""
        self._next_ns = 0

    def due(self, now: int) -> Mapping[str, Any]:
        """What is to be said at the clock reading `now`; empty if it is too early, or nothing is new."""
        if now < self._next_ns:
            return {}
        self._next_ns = now + self._every_ns
        told = self._tell()
        if told == self._told:
            return {}
        self._told = told
        return told
