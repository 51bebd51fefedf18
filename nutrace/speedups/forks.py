"""What speedups do around a fork: a lock that another thread held would stay locked for ever."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forking(Protocol):
    """Something that has to be prepared for a fork."""

    def before_fork(self) -> None:
        """In the parent process, before."""

    def after_fork(self, in_child: bool) -> None:
        """In the parent process and in the child, after."""


_living: weakref.WeakSet[Forking] = weakref.WeakSet()
_prepared: list[Forking] = []  # between before and after: the same ones, and alive
_forking = threading.RLock()  # two threads that fork at once would wait for each other's locks


def watch(subject: Forking) -> None:
    """Tell `subject` of forks as long as it lives."""
    _living.add(subject)


def _before() -> None:
    _forking.acquire()
    for subject in list(_living):
        subject.before_fork()
        _prepared.append(subject)


def _after(in_child: bool) -> None:
    while _prepared:
        _prepared.pop().after_fork(in_child)
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(False),
        after_in_child=lambda: _after(True),
    )
