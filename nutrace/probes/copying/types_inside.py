"""Which types a deep copy's memo holds: ``NUTRACE_DEEPCOPY=detail``.

This visits every entry of the memo after each root call, which takes about as long as copying lists
and dictionaries does, and asks each copy for its size. Sizes are those of ``sys.getsizeof``: an
object's own bytes without what it refers to; for arrays, the data too if the array owns them.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Mapping

from nutrace.probes.copying.type_names import type_name
from nutrace.recording.span import process_state

_MOST = 100  # types told apart in one span
_OTHER_TYPES = "…other types"


class TypesInside(Dict[str, Dict[str, int]]):
    """``{type: {"objects": n, "bytes": n}}``; adds up as numbers do."""

    def __add__(self, other: Mapping[str, Mapping[str, int]]) -> TypesInside:
        both = TypesInside({name: dict(numbers) for name, numbers in self.items()})
        for name, numbers in other.items():
            both.add(name, numbers["objects"], numbers["bytes"])
        return both

    def __radd__(self, other: int) -> TypesInside:
        return self  # 0 + the first

    def add(self, name: str, objects: int, size: int) -> None:
        """Count objects of one type, and their bytes."""
        if name not in self and len(self) >= _MOST:
            name = _OTHER_TYPES
        numbers = self.setdefault(name, {"objects": 0, "bytes": 0})
        numbers["objects"] += objects
        numbers["bytes"] += size


def types_inside(memo: Any, known: Mapping[Any, Any]) -> TypesInside:
    """The types of the copies in `memo`, without the entries that it had before the call (`known`)."""
    types = TypesInside()
    try:
        keeper = id(memo)  # under this key the memo keeps the originals alive
        for key, value in list(memo.items()):
            if key != keeper and key not in known:
                types.add(type_name(type(value)), 1, _size(value))
    except Exception:  # names, hashes and the memo itself may be the program's
        process_state.fault("looking into a deep copy")
    return types


def _size(value: Any) -> int:
    try:
        return sys.getsizeof(value)
    except Exception:  # __sizeof__ may be the program's
        return 0
