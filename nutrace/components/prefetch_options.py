"""Options of the scenario prefetch."""

from __future__ import annotations

from dataclasses import dataclass

from nutrace.components.bounds import above, at_least

NAME = "scenario_prefetch"


@dataclass(frozen=True)
class Options:
    """Options of the prefetch.

    Parameters
    ----------
    frames:
        How many frames are read at a time: a simulation that is longer does not wait for all.
    megabytes:
        What the rows of all scenarios take at most; those not asked for the longest go first.
    before_s, after_s:
        How much of the log before and after a scenario belongs to it, in seconds: the history that
        a simulation begins with, and what planners ask of the future.

    Raises
    ------
    SettingsError
        If a bound is too low.
    """

    frames: int = 200
    megabytes: float = 256.0
    before_s: float = 2.5
    after_s: float = 10.0

    def __post_init__(self) -> None:
        at_least(NAME, "frames", self.frames, 2)
        above(NAME, "megabytes", self.megabytes, 0)
        at_least(NAME, "before_s", self.before_s, 0)
        at_least(NAME, "after_s", self.after_s, 0)
