"""The locks of all speedups, and what speedups do when the process forks.

A lock that another thread holds during a fork would stay locked in the child for ever. So the forking thread
takes both locks before the fork. There is one lock for all bookkeeping: with several, two threads that take
them in different orders could wait for each other.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

#: Held while indexes are made, which may take minutes; always taken before :data:`lock`.
making = threading.RLock()
#: Guards the entries and figures of all speedups; held for microseconds, and never while a statement runs.
#: Reentrant, because the garbage collector may run a finalizer, which needs it, in a thread that holds it.
lock = threading.RLock()


class Forking(Protocol):
    """Something that a child process must begin anew."""

    def in_child(self) -> None:
        """Forget what belongs to the parent process; the lock is held."""


_living: weakref.WeakSet[Forking] = weakref.WeakSet()


def watch(subject: Forking) -> None:
    """Call ``subject.in_child()`` in each forked child, as long as `subject` lives."""
    _living.add(subject)


def _before() -> None:
    making.acquire()
    lock.acquire()


def _in_parent() -> None:
    lock.release()
    making.release()


def _in_child() -> None:
    for subject in list(_living):
        subject.in_child()
    _in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
