"""``@probe`` for the programs: nutrace's, or nothing at all in the run that the others are compared with."""

from __future__ import annotations

import os
from typing import Any

if os.environ.get("WITHOUT_DECORATORS"):

    def probe(function: Any = None, **options: Any) -> Any:
        """Leave `function` as it is."""
        return probe if function is None else function

else:
    from nutrace import probe

__all__ = ["probe", "tell"]


def tell(act: Any) -> None:
    """Print what a call returns or raises, and what was handled when that was raised."""
    try:
        print(act())
    except Exception as error:
        print(type(error).__name__, error, repr(error.__context__))
