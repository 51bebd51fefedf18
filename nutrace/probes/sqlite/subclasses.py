"""Subclasses that record, of sqlite3's classes and of the program's subclasses of them.

The recording base stands between the program's class and sqlite3's: what the program overrides stays
on top, and its ``super()`` calls reach the recording base. A program sees no difference: there is no
dictionary and no weak reference where there was none, and the name is the original's.
"""

from __future__ import annotations

import types
import weakref
from typing import Any, Dict

from nutrace.recording.span import process_state

SLOT = "_nutrace"


class Subclasses:
    """Makes the recording subclass of each class, once.

    Parameters
    ----------
    base:
        sqlite3's class.
    recording:
        The recording base: a subclass of `base` without slots of its own.
    """

    def __init__(self, base: type, recording: type) -> None:
        self._base = base
        self._recording = recording
        self._made: weakref.WeakValueDictionary[int, type] = weakref.WeakValueDictionary()
        self.default: Any = self._make(base, (recording,))

    def of(self, kind: Any) -> Any:
        """The recording subclass of `kind`; `kind` itself if it records or is no class of sqlite3's."""
        if kind is self._base:
            return self.default
        if not isinstance(kind, type) or not issubclass(kind, self._base):
            return kind
        if issubclass(kind, self._recording):
            return kind
        made = self._made.get(id(kind))  # it holds `kind`, so the id is still that of `kind`
        if made is None:
            try:
                made = self._make(kind, (kind, self._recording))
            except Exception:  # the program's class may refuse to be subclassed
                process_state.fault(f"tracing {kind.__qualname__}")
                return kind
            self._made[id(kind)] = made
        return made

    def _make(self, kind: type, bases: Any) -> type:
        namespace: Dict[str, Any] = {
            "__slots__": (SLOT,),
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__doc__": kind.__doc__,
        }
        return types.new_class(kind.__name__, bases, {}, lambda names: names.update(namespace))
