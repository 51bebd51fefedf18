"""Attributes of the resource that change: written again while the program runs, as it may be killed."""

from __future__ import annotations

from typing import Any, Callable, Mapping


class ChangingAttributes:
    """Attributes that are asked for from time to time, and given when they have changed.

    Parameters
    ----------
    tell:
        Gives them as they are now.
    every_ns:
        Nanoseconds between two calls of `tell`, at least.
    """

    def __init__(self, tell: Callable[[], Mapping[str, Any]], every_ns: int) -> None:
        self._tell = tell
        self._every_ns = every_ns
        self._told: Mapping[str, Any] = {}
        self._next_ns = 0

    def hurry(self) -> None:
        """Ask at the next call of :meth:`due`, which may be the last."""
        self._next_ns = 0

    def due(self, now: int) -> Mapping[str, Any]:
        """The attributes at the clock reading `now`; empty if it is too early or nothing has changed."""
        if now < self._next_ns:
            return {}
        self._next_ns = now + self._every_ns
        told = self._tell()
        if told == self._told:
            return {}
        self._told = told
        return told
