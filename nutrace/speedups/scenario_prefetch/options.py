"""Options of the scenario prefetch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nutrace.speedups import options
from nutrace.speedups.options import DAY_S, MOST_MEGABYTES, option

_MOST_FRAMES = 32_000  # SQLite takes 32,766 parameters: https://sqlite.org/limits.html


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the prefetch."""

    speedup: ClassVar[str] = "scenario_prefetch"

    frames: int = option(
        200,
        "how many frames are read at a time; a longer scenario is read in parts",
        least=2,
        most=_MOST_FRAMES,
    )
    megabytes: float = option(
        256.0,
        "what the rows of all scenarios take; those not used for the longest time go first",
        above=0,
        most=MOST_MEGABYTES,
    )
    before_s: float = option(
        2.5,
        "how many seconds of the log before a scenario are read with it, for its history",
        least=0,
        most=DAY_S,
    )
    after_s: float = option(
        10.0,
        "how many seconds of the log after a scenario are read, for planners that ask ahead",
        least=0,
        most=DAY_S,
    )
