"""Which statements have to do with the tables that may lack an index."""

from __future__ import annotations

import re
from typing import Dict

from nutrace.plans.candidates import CANDIDATES

_TABLES = re.compile(rf"\b(?:{'|'.join(table for table, _ in CANDIDATES)})\b", re.IGNORECASE)
_MOST = 1000


class Concerned(Dict[str, bool]):
    """By text; what is asked at each step is looked through once."""

    def __missing__(self, text: str) -> bool:
        found = _TABLES.search(text) is not None
        if len(self) < _MOST:
            self[text] = found
        return found
