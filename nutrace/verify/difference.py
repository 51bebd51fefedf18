"""Where two canonical values differ first, and what they are, as people read them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

ABSENT = "absent"
_HEX = re.compile(r"[a-z<>=|0-9]* ?(-?0x[0-9a-f.]+p[+-]\d+)\Z")
_SEQUENCES = frozenset({"list", "tuple", "deque", "set", "frozenset", "dict"})


@dataclass(frozen=True)
class Difference:
    """The first difference of a simulation, or of a file.

    Parameters
    ----------
    where:
        The simulation (log, scenario type, token and planner) or the file's name.
    step:
        Index of the step; ``None`` for a file and for what is no step's, -1 before the first step.
    part:
        What of the step: ``ego_state``, ``traffic_light_status``; of a file, nothing.
    field:
        Which value within it, as one would write it in Python; empty if it is the whole part.
    stock, changed:
        Both values, written as :func:`said` does.
    """

    where: str
    step: Optional[int]
    part: str
    field: str
    stock: str
    changed: str


def first(stock: Any, changed: Any) -> Tuple[str, str, str]:
    """Field and both values of the first difference of two canonical values that are not equal."""
    path: List[str] = []
    while True:
        step = _descend(stock, changed)
        if step is None:
            return "".join(path).lstrip("."), said(stock), said(changed)
        name, stock, changed = step
        path.append(name)


def said(value: Any) -> str:
    """A canonical value, as short as it can be said; floats so that they read back to the same bits."""
    if isinstance(value, str):
        return _leaf(value)
    if isinstance(value, dict):
        return f"{value.get('', 'table')}(...)"
    if isinstance(value, list):
        return f"{value[0]} of {len(value) - 1}" if value and isinstance(value[0], str) else "[...]"
    return "None" if value is None else str(value)


def _leaf(text: str) -> str:
    kind, rest = text[:1], text[1:]
    if kind == "s":
        return json.dumps(rest, ensure_ascii=False)
    if kind == "f":
        return repr(float.fromhex(rest))
    if kind == "n":
        dtype, _, item = rest.partition(" ")
        found = _HEX.match(rest)
        return f"{float.fromhex(found[1])!r} ({dtype})" if found else f"{item} ({dtype})"
    return rest


def _same(mine: Any, theirs: Any) -> bool:
    return json.dumps(mine) == json.dumps(theirs)  # for Python, 1 and True are the same


def _descend(stock: Any, changed: Any) -> Optional[Tuple[str, Any, Any]]:
    if isinstance(stock, dict) and isinstance(changed, dict) and stock.get("") == changed.get(""):
        if stock.get("") == "ndarray" and stock["shape"] == changed["shape"]:
            return _in_array(stock, changed)
        for name in dict.fromkeys((*stock, *changed)):
            mine, theirs = stock.get(name, f"q{ABSENT}"), changed.get(name, f"q{ABSENT}")
            if not _same(mine, theirs):
                return f".{name}", mine, theirs
    if isinstance(stock, list) and isinstance(changed, list) and stock[:1] == changed[:1]:
        return _in_sequence(stock, changed)
    return None


def _in_sequence(stock: Sequence[Any], changed: Sequence[Any]) -> Optional[Tuple[str, Any, Any]]:
    for index, (mine, theirs) in enumerate(zip(stock, changed)):
        if _same(mine, theirs):
            continue
        if stock[0] == "dict" and _same(mine[0], theirs[0]):
            return f"[{said(mine[0])}]", mine[1], theirs[1]
        if stock[0] in _SEQUENCES:
            return f"[{index - 1}]", mine, theirs
        return "", mine, theirs
    return None  # one is longer: it is said how long they are


def _in_array(stock: Any, changed: Any) -> Optional[Tuple[str, Any, Any]]:
    if stock["dtype"] != changed["dtype"]:
        return ".dtype", f"q{stock['dtype']}", f"q{changed['dtype']}"
    for index, (mine, theirs) in enumerate(zip(stock["values"], changed["values"])):
        if not _same(mine, theirs):
            return f"[{', '.join(map(str, _place(index, stock['shape'])))}]", mine, theirs
    return None


def _place(index: int, shape: Sequence[int]) -> List[int]:
    place: List[int] = []
    for length in reversed(shape):
        place.insert(0, index % length)
        index //= length
    return place
