"""On and off for many probes at once."""

from __future__ import annotations

import weakref
from typing import Callable, Dict, List, Tuple


class Switch(List[bool]):
    """Empty while nothing is traced, and so false; tells those who want to know when that changes."""

    def __init__(self) -> None:
        super().__init__()
        self._told: Dict[int, Tuple[weakref.ref[object], Callable[[object, bool], None]]] = {}

    def tell(self, probed: object, turn: Callable[[object, bool], None]) -> None:
        """Call ``turn(probed, on)`` now, and whenever it changes while `probed` lives."""
        number = id(probed)
        self._told[number] = weakref.ref(probed, lambda _: self._told.pop(number, None)), turn
        turn(probed, bool(self))

    def on(self) -> None:
        """Trace."""
        self.append(True)
        self._turn_all()

    def off(self) -> None:
        """Trace no more."""
        self.clear()
        self._turn_all()

    def _turn_all(self) -> None:
        for reference, turn in list(self._told.values()):
            probed = reference()
            if probed is not None:
                turn(probed, bool(self))


#: The one of decorators and blocks; each installation of probes has its own.
switch = Switch()
