"""Pack columns of integers so that they fit into a page.

A column is written as planes: the lowest bytes of all its numbers, then the next bytes, and so on. Planes
of small numbers are mostly zeros, which compress well: a million spans take about 8 MB. ``assets/data.js``
reads them.
"""

from __future__ import annotations

import base64
import sys
import zlib
from array import array
from typing import Dict, Iterable, List, Tuple


class Packer:
    """Collects named columns; :meth:`packed` returns them all."""

    def __init__(self) -> None:
        self._planes: List[bytes] = []
        self._columns: List[Dict[str, object]] = []

    def add(self, name: str, numbers: Iterable[int]) -> None:
        """Add a column of integers of any sign whose range is below 2**63."""
        column = array("q", numbers)
        base = min(column, default=0)
        if base:
            column = array("q", [number - base for number in column])
        if sys.byteorder == "big":
            column.byteswap()
        raw = column.tobytes()
        width = max(1, (max(column, default=0).bit_length() + 7) // 8) if sys.byteorder == "little" else 8
        self._planes.extend(raw[plane::8] for plane in range(width))
        self._columns.append({"name": name, "length": len(column), "planes": width, "base": base})

    def packed(self) -> Tuple[List[Dict[str, object]], str]:
        """The columns' descriptions in order, and their bytes: planes, deflated, in base64."""
        data = zlib.compress(b"".join(self._planes), 6)
        return self._columns, base64.b64encode(data).decode("ascii")


def deltas(numbers: Iterable[int]) -> List[int]:
    """Each number less the one before it, the first less 0."""
    before = 0
    result = []
    for number in numbers:
        result.append(number - before)
        before = number
    return result
