"""cProfile, as pstats reads it."""

from __future__ import annotations

import cProfile
import pstats
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Any, DefaultDict, Dict, Iterator

from truth.tools.tool import Said, Seen, Tool


class CProfile(Tool):
    """Around the main function; the profile is dumped after it."""

    name = "cprofile"
    title = "cProfile"
    meaning = (
        "Wall time by function, every function of Python and C counted; a resumption of a generator counts "
        "as a call. Only the thread that started it is seen (on 3.12 and later others are as well)."
    )

    @contextmanager
    def around(self, folder: Path) -> Iterator[Any]:
        profile = cProfile.Profile()
        profile.enable()
        try:
            yield
        finally:
            profile.disable()
            profile.dump_stats(str(folder / "run.prof"))

    def read(self, folder: Path, program: str) -> Said:
        table: Dict[Any, Any] = pstats.Stats(str(folder / "run.prof")).stats  # type: ignore[attr-defined]
        self_s: DefaultDict[str, float] = defaultdict(float)
        calls: DefaultDict[str, int] = defaultdict(int)
        total_s: DefaultDict[str, float] = defaultdict(float)
        for (file, _, name), (_, number, own, total, callers) in table.items():
            total_s[name] += total
            if Path(file).name == program:
                calls[name] += number
                self_s[name] += own
                continue
            for (caller_file, _, caller), row in callers.items():
                if Path(caller_file).name == program:
                    # A foreign function's own time is its caller's. What it calls itself is left out: that
                    # may be the program again, as in a context manager.
                    self_s[caller] += row[2]
        seen = {name: Seen(total_ns=total * 1e9) for name, total in total_s.items()}
        for name, number in calls.items():
            seen[name] = Seen(number, self_s[name] * 1e9, total_s[name] * 1e9)
        return Said(seen)


TOOL = CProfile()
