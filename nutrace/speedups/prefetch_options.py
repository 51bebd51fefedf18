"""Options of the scenario prefetch."""

from __future__ import annotations

from dataclasses import dataclass

from nutrace.speedups.bounds import DAY_S, MOST_MEGABYTES, above, at_least, at_most

NAME = "scenario_prefetch"
_MOST_FRAMES = 32_000  # SQLite takes 32,766 parameters: https://sqlite.org/limits.html


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
        If a bound is too low or too high.
    """

    frames: int = 200
    megabytes: float = 256.0
    before_s: float = 2.5
    after_s: float = 10.0

    def __post_init__(self) -> None:
        at_least(NAME, "frames", self.frames, 2)
        at_most(NAME, "frames", self.frames, _MOST_FRAMES)
        above(NAME, "megabytes", self.megabytes, 0)
        at_most(NAME, "megabytes", self.megabytes, MOST_MEGABYTES)
        at_least(NAME, "before_s", self.before_s, 0)
        at_most(NAME, "before_s", self.before_s, DAY_S)
        at_least(NAME, "after_s", self.after_s, 0)
        at_most(NAME, "after_s", self.after_s, DAY_S)
