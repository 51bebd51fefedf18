"""What a process holds when a simulation begins, kept out of the collector's sight until it ends.

A simulation's history keeps every step's states, plans and observations. CPython takes what survives for a
sign that old objects are worth another look, and a full collection looks at everything: some 600,000 objects
of imported modules, configuration and maps, none of which a step lets go. What is frozen is not looked at.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import Dict

from nutrace.speedups import forks

_BY_PYTHON = 1000  # objects: 3.12 freezes some hundreds itself
_FULL = 2  # the oldest generation: collecting it is a full collection


class FrozenHeap:
    """Freezes while anything runs.

    Nothing is changed but when cycles that were garbage before are given back: at the end instead of in
    between. That is also the bound on memory: what is frozen was there already, and what a simulation makes
    is collected as ever. Safe in threads: the first to begin freezes, and the last to end thaws.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._frozen = False
        self._generation = 0  # which forked child, or close(), a token is of
        self._watching = False
        self._began_ns = 0
        self._whole_ns = 0  # what the last full collection took while nothing was frozen
        self._figures = dict.fromkeys(
            ("freezes", "objects_frozen", "full_collections", "spent_ns", "avoided_ns"), 0
        )
        forks.watch(self)

    def watch(self) -> None:
        """Time full collections from now on: what one takes without is known from those before."""
        with self._lock:
            if not self._watching:
                self._watching = True
                gc.callbacks.append(self._collecting)

    def hold(self) -> int:
        """Freeze what there is, until :meth:`release` is called with what this returns.

        A program that has frozen objects or switched the collector off knows what it does: it is left alone.
        """
        with self._lock:
            self._running += 1
            if self._running == 1 and gc.isenabled() and gc.get_freeze_count() < _BY_PYTHON:
                began = time.perf_counter_ns()
                gc.freeze()
                self._frozen = True
                self._figures["freezes"] += 1
                self._figures["objects_frozen"] = gc.get_freeze_count()
                self._figures["spent_ns"] += time.perf_counter_ns() - began
            return self._generation

    def release(self, token: int) -> None:
        """Thaw, if nobody else holds it."""
        with self._lock:
            if token == self._generation:
                self._running -= 1
                if not self._running:
                    self._thaw()

    def stats(self) -> Dict[str, int]:
        """Figures so far: what was frozen last, and full collections while it was.

        Time spent is that of these collections; avoided is what the last one before took more, each time.
        """
        return dict(self._figures)

    def close(self) -> None:
        """Thaw, and watch no more."""
        with self._lock:
            self._forget()
            if self._watching:
                self._watching = False
                gc.callbacks.remove(self._collecting)

    def before_fork(self) -> None:
        """No other thread is in the middle of something."""
        self._lock.acquire()

    def after_fork(self, in_child: bool) -> None:
        """A child has none of the parent's other threads, which would never end here."""
        if in_child:
            self._forget()
            self._figures.update(dict.fromkeys(self._figures, 0))
        self._lock.release()

    def _forget(self) -> None:
        self._running = 0
        self._generation += 1
        self._thaw()

    def _thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            gc.unfreeze()

    def _collecting(self, phase: str, info: Dict[str, int]) -> None:
        # Called in the middle of anything, even of what holds the lock; never twice at once.
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
            return
        took = time.perf_counter_ns() - self._began_ns
        if not self._frozen:
            self._whole_ns = took
            return
        self._figures["full_collections"] += 1
        self._figures["spent_ns"] += took
        self._figures["avoided_ns"] += max(0, self._whole_ns - took)
