"""The locks of all speedups, and what speedups do in a forked child.

There is one lock for all bookkeeping: with several, two threads that take them in different orders could wait
for each other. :mod:`nutrace.forks` sees to it that no child finds a lock taken.
"""

from __future__ import annotations

import weakref
from typing import Protocol

import nutrace.forks
from nutrace.forks import LockOrder, fork_safe_lock

#: Held while indexes are made, which may take minutes.
making = fork_safe_lock(LockOrder.INDEXES)
#: Guards the entries and figures of all speedups; never held while a statement runs.
#: Reentrant, because the garbage collector may run a finalizer, which needs it, in a thread that holds it.
lock = fork_safe_lock(LockOrder.BOOKKEEPING)


class Resettable(Protocol):
    """Something that begins anew in a forked child."""

    def in_child(self) -> None:
        """Forget what belongs to the parent process; the lock is held."""


class _Children:
    """Everything that begins anew in a forked child."""

    def __init__(self) -> None:
        self.living: weakref.WeakSet[Resettable] = weakref.WeakSet()

    def before_fork(self) -> None:
        """Nothing: the locks are taken already."""

    def after_fork(self, in_child: bool) -> None:
        """Called before the locks are released."""
        if in_child:
            for subject in list(self.living):
                subject.in_child()


_children = _Children()
nutrace.forks.watch(_children)


def watch(subject: Resettable) -> None:
    """Call ``subject.in_child()`` in each forked child, as long as `subject` lives."""
    _children.living.add(subject)
