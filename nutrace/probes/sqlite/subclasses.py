"""Subclasses that record, of sqlite3's classes and of the program's own ones below them.

Ours stands between the program's class and sqlite3's: what the program overrides stays on top, and
its calls of ``super()`` come to us last. Nothing is added that could be seen: no dictionary, no weak
references where there were none, and the name is the original's.
"""

from __future__ import annotations

import types
import weakref
from typing import Any, Dict

from nutrace.recording.span import process_state

SLOT = "_nutrace"


class Subclasses:
    """Makes and remembers the recording subclass of each class.

    Parameters
    ----------
    base:
        sqlite3's class.
    ours:
        A subclass of it without slots of its own.
    """

    def __init__(self, base: type, ours: type) -> None:
        self._base = base
        self._ours = ours
        self._made: weakref.WeakValueDictionary[int, type] = weakref.WeakValueDictionary()
        self.default: Any = self._make(base, (ours,))
        self._failed: Dict[str, bool] = {}

    def of(self, kind: Any) -> Any:
        """The recording subclass of `kind`; `kind` itself if it is no class of sqlite3's, or ours already."""
        if kind is self._base:
            return self.default
        if not isinstance(kind, type) or not issubclass(kind, self._base) or issubclass(kind, self._ours):
            return kind
        made = self._made.get(id(kind))  # it holds `kind`, whose id thus is its own
        if made is None:
            try:
                made = self._make(kind, (kind, self._ours))
            except Exception:  # law 1: a class of the program's may refuse to be subclassed
                process_state.fault(f"tracing {kind.__qualname__}")
                return kind
            self._made[id(kind)] = made
        return made

    def _make(self, kind: type, bases: Any) -> type:
        own = {"__slots__": (SLOT,), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        own["__doc__"] = kind.__doc__  # type: ignore[assignment]
        return types.new_class(kind.__name__, bases, {}, lambda names: names.update(own))
