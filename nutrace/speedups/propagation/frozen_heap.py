"""Keep the objects that exist when a simulation begins out of garbage collections until it ends.

A simulation's history keeps every step's states, plans and observations. CPython takes many survivors for a
sign that old objects should be looked at again, and a full collection looks at everything: some 600,000
objects of imported modules, configuration and maps, none of which is freed during a step. Frozen objects are
not looked at.
"""

from __future__ import annotations

import gc
import time
from typing import Dict

from nutrace.speedups import forks
from nutrace.speedups.figures import Figures

_BY_PYTHON = 1000  # objects: 3.12 freezes some hundreds itself
_FULL = 2  # the oldest generation: collecting it is a full collection


class FrozenHeap:
    """Freezes the heap while simulations run.

    The one thing that changes is when cycles are freed that were garbage before: at the end instead of in
    between. That bounds the memory as well: what is frozen existed already, and what a simulation makes is
    collected as usual. Threads may share one: the first simulation to begin freezes, the last to end
    unfreezes.
    """

    def __init__(self) -> None:
        self._running = 0
        self._frozen = False
        self._generation = 0  # counts forks and calls of close(), which end the tokens given out before
        self._watching = False
        self._began_ns = 0
        self._whole_ns = 0  # what the last full collection took while nothing was frozen
        self._figures = Figures("freezes", "objects_frozen", "full_collections", "spent_ns", "avoided_ns")
        forks.watch(self)

    def watch(self) -> None:
        """Time full collections from now on, so that those before a freeze tell what it saves."""
        with forks.lock:
            if not self._watching:
                self._watching = True
                gc.callbacks.append(self._collecting)

    def hold(self) -> int:
        """Freeze all objects until :meth:`release` is called with the token that this returns.

        A program that has frozen objects itself, or switched the collector off, is left alone.
        """
        with forks.lock:
            self._running += 1
            if self._running == 1 and gc.isenabled() and gc.get_freeze_count() < _BY_PYTHON:
                began = time.perf_counter_ns()
                gc.freeze()
                self._frozen = True
                self._figures.set(objects_frozen=gc.get_freeze_count())
                self._figures.add(freezes=1, spent_ns=time.perf_counter_ns() - began)
            return self._generation

    def release(self, token: int) -> None:
        """Unfreeze, if no other simulation runs."""
        with forks.lock:
            if token == self._generation:
                self._running -= 1
                if not self._running:
                    self._unfreeze()

    def stats(self) -> Dict[str, int]:
        """Figures so far.

        ``objects_frozen`` is the number at the last freeze, ``full_collections`` those while frozen;
        ``spent_ns`` is their time, and ``avoided_ns`` what the last full collection before took more, each
        time.
        """
        return self._figures.as_dict()

    def close(self) -> None:
        """Unfreeze, and time collections no more."""
        with forks.lock:
            self._forget()
            if self._watching:
                self._watching = False
                gc.callbacks.remove(self._collecting)

    def in_child(self) -> None:
        """The simulations of the parent's other threads do not go on in a child."""
        self._forget()

    def _forget(self) -> None:
        self._running = 0
        self._generation += 1
        self._unfreeze()

    def _unfreeze(self) -> None:
        if self._frozen:
            self._frozen = False
            gc.unfreeze()

    def _collecting(self, phase: str, info: Dict[str, int]) -> None:
        # Called in the middle of anything, also of code that holds the lock; never twice at once.
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
            return
        took = time.perf_counter_ns() - self._began_ns
        if not self._frozen:
            self._whole_ns = took
            return
        self._figures.add(full_collections=1, spent_ns=took, avoided_ns=max(0, self._whole_ns - took))
