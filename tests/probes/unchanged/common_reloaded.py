"""A module that a program reloads."""

from __future__ import annotations

from common import probe


class Held:
    """Is held by the module."""


class Planner:
    @probe
    def compute(self) -> str:
        return Held.__name__
