"""What lies in a deep copy's memo, by type: ``NUTRACE_DEEPCOPY=detail``.

This walks every entry after each root call: about as long as copying lists and dictionaries takes,
and it asks each copy for its size. Sizes are ``sys.getsizeof``'s: an object's own bytes without what
it refers to, and for arrays those of the data if it is theirs.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Mapping

from nutrace.probes.callers import name_of
from nutrace.recording.span import process_state

_MOST = 100  # types told apart in one span
_OTHERS = "…other types"


class TypesInside(Dict[str, Dict[str, int]]):
    """``{type: {"objects": n, "bytes": n}}``, which adds up as numbers do."""

    def __add__(self, other: Mapping[str, Mapping[str, int]]) -> TypesInside:
        both = TypesInside({name: dict(numbers) for name, numbers in self.items()})
        for name, numbers in other.items():
            both.add(name, numbers["objects"], numbers["bytes"])
        return both

    def __radd__(self, other: int) -> TypesInside:
        return self  # 0 + first

    def add(self, name: str, objects: int, size: int) -> None:
        """Count objects of one type."""
        if name not in self and len(self) >= _MOST:
            name = _OTHERS
        numbers = self.setdefault(name, {"objects": 0, "bytes": 0})
        numbers["objects"] += objects
        numbers["bytes"] += size


def types_inside(memo: Any, known: Mapping[Any, Any]) -> TypesInside:
    """The types of the copies in `memo`, but for the entries that it had before (`known`)."""
    found = TypesInside()
    try:
        keeper = id(memo)  # under it the memo keeps the originals alive
        names: Dict[type, str] = {}
        for key, value in list(memo.items()):
            if key == keeper or key in known:
                continue
            cls = type(value)
            name = names.get(cls)
            if name is None:
                name = names[cls] = name_of(cls)
            found.add(name, 1, _size(value))
    except Exception:  # law 1: names, hashes and the memo itself may be the program's own
        process_state.fault("looking into a deep copy")
    return found


def _size(value: Any) -> int:
    try:
        return sys.getsizeof(value)
    except Exception:  # law 1: __sizeof__ may be the program's own
        return 0
