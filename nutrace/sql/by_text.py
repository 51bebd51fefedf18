"""Ask once for each text: programs run the same statements again and again."""

from __future__ import annotations

import functools
from typing import Callable, Dict, TypeVar

Result = TypeVar("Result")

LONGEST_KEPT = 65_536  # characters of a text that is kept with its result
_MOST = 2_000  # texts of one function


def once_for_each_text(look: Callable[[str], Result]) -> Callable[[str], Result]:
    """Decorator: results are kept by the text as the program wrote it; those of long texts are not."""
    known: Dict[str, Result] = {}

    @functools.wraps(look)
    def looked_up(sql: str) -> Result:
        result = known.get(sql)
        if result is None:
            result = look(sql)
            if len(sql) <= LONGEST_KEPT:
                if len(known) >= _MOST:
                    known.clear()
                known[sql] = result
        return result

    return looked_up
