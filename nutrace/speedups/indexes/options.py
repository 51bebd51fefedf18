"""Options of the indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nutrace.errors import SettingsError
from nutrace.speedups import options
from nutrace.speedups.options import DAY_S, option

PLACES = ("auto", "log", "copy")


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the indexes."""

    speedup: ClassVar[str] = "indexes"

    place: str = option(
        "auto",
        "log makes the indexes in the log itself, copy in a copy that the statements concerned read; auto in "
        "the log if it may be written and has no copy, else in a copy",
    )
    folder: str = option(
        "",
        "where copies go; empty is $XDG_CACHE_HOME/nutrace/logs or ~/.cache/nutrace/logs; in "
        "NUTRACE_SPEEDUPS it may hold no comma and no colon; a copy beside the log is used as well",
    )
    most_gib: float = option(
        20.0, "what all copies in the folder may take, in GiB; a copy beyond that is not made", above=0
    )
    wait_s: float = option(
        60.0, "how long to wait for another process that makes the same, in seconds", least=0, most=DAY_S
    )

    def __post_init__(self) -> None:
        if self.place not in PLACES:
            raise SettingsError(f"{self.speedup}: place is {self.place!r}: use {', '.join(PLACES)}")
        super().__post_init__()
