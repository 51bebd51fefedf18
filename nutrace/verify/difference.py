"""Find the first difference between two canonical values, and write both sides for people."""

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
    """The first difference in a simulation or in a file.

    Parameters
    ----------
    where:
        The simulation (log, scenario type, token and planner) or the file's name.
    step:
        Index of the step, -1 before the first one; ``None`` for a file and for a whole simulation.
    part:
        Part of the step, such as ``ego_state`` or ``traffic_light_status``; empty for a file.
    field:
        The value within the part, as an expression in Python; empty if it is the whole part.
    stock, changed:
        Both values as :func:`shown` writes them.
    """

    where: str
    step: Optional[int]
    part: str
    field: str
    stock: str
    changed: str


def first(stock: Any, changed: Any) -> Tuple[str, str, str]:
    """The field of the first difference between two unequal canonical values, and both values there."""
    path: List[str] = []
    while True:
        step = _descend(stock, changed)
        if step is None:
            return "".join(path).lstrip("."), shown(stock), shown(changed)
        name, stock, changed = step
        path.append(name)


def shown(value: Any) -> str:
    """A canonical value in a few words; floats with all digits, so that they read back to the same bits."""
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
        number = _HEX.match(rest)
        return f"{float.fromhex(number[1])!r} ({dtype})" if number else f"{item} ({dtype})"
    return rest


def _same(mine: Any, theirs: Any) -> bool:
    return json.dumps(mine) == json.dumps(theirs)  # in Python 1 == True, in JSON they differ


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
            return f"[{shown(mine[0])}]", mine[1], theirs[1]
        if stock[0] in _SEQUENCES:
            return f"[{index - 1}]", mine, theirs
        return "", mine, theirs
    return None  # one is longer: the two are shown with their lengths


def _in_array(stock: Any, changed: Any) -> Optional[Tuple[str, Any, Any]]:
    if stock["dtype"] != changed["dtype"]:
        return ".dtype", f"q{stock['dtype']}", f"q{changed['dtype']}"
    for index, (mine, theirs) in enumerate(zip(stock["values"], changed["values"])):
        if not _same(mine, theirs):
            return f"[{', '.join(map(str, _indices(index, stock['shape'])))}]", mine, theirs
    return None


def _indices(position: int, shape: Sequence[int]) -> List[int]:
    indices: List[int] = []
    for length in reversed(shape):
        indices.insert(0, position % length)
        position //= length
    return indices
