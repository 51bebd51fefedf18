"""On and off for many replacements at once."""

from __future__ import annotations

import weakref
from typing import Callable, Dict, List, Tuple


class Switch(List[bool]):
    """True while it is on.

    It is a list that is empty while it is off: testing its truth is the cheapest test that Python has, and
    replacements test it at each call.
    """

    def __init__(self) -> None:
        super().__init__()
        self._watchers: Dict[int, Tuple[weakref.ref[object], Callable[[object, bool], None]]] = {}

    def watch(self, watcher: object, turn: Callable[[object, bool], None]) -> None:
        """Call ``turn(watcher, on)`` now, and at each change for as long as `watcher` lives."""
        number = id(watcher)
        self._watchers[number] = weakref.ref(watcher, lambda _: self._watchers.pop(number, None)), turn
        turn(watcher, bool(self))

    @property
    def is_watched(self) -> bool:
        """Whether anybody depends on this switch."""
        return bool(self._watchers)

    def on(self) -> None:
        """Switch on."""
        self[:] = [True]
        self._turn_all()

    def off(self) -> None:
        """Switch off."""
        self.clear()
        self._turn_all()

    def _turn_all(self) -> None:
        for reference, turn in list(self._watchers.values()):
            watcher = reference()
            if watcher is not None:
                turn(watcher, bool(self))
