"""Options of the indexes; known without looking at a database."""

from __future__ import annotations

from dataclasses import dataclass

from nutrace.errors import SettingsError
from nutrace.speedups.bounds import DAY_S, above, at_least, at_most

NAME = "indexes"
PLACES = ("auto", "log", "copy")


@dataclass(frozen=True)
class Options:
    """Options of the speedup.

    Parameters
    ----------
    place:
        ``log`` makes the indexes in the log itself, ``copy`` in a copy that the statements concerned
        then read; ``auto`` in the log if it may be written and has no copy, and else in a copy.
    folder:
        Where copies go; empty is ``$XDG_CACHE_HOME/nutrace/logs`` or ``~/.cache/nutrace/logs``. A copy
        beside the log, or in either folder, is used wherever it is. In ``NUTRACE_SPEEDUPS`` its name
        may hold no comma and no colon.
    most_gib:
        What the copies in that folder may take together, in GiB; what would be more is not made.
    wait_s:
        How long to wait for another process that is making the same, in seconds.

    Raises
    ------
    SettingsError
        For an unknown place, or a bound that is too low or too high.
    """

    place: str = "auto"
    folder: str = ""
    most_gib: float = 20.0
    wait_s: float = 60.0

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise SettingsError(f"{NAME}: place is {self.place!r}: use {', '.join(PLACES)}")
        above(NAME, "most_gib", self.most_gib, 0)
        at_least(NAME, "wait_s", self.wait_s, 0)
        at_most(NAME, "wait_s", self.wait_s, DAY_S)
