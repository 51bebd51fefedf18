"""What nutrace does around ``os.fork``, in one order for the whole process.

A lock that another thread holds at the fork would stay locked in the child for ever, so the thread that forks
takes the locks first. Threads of ours are stopped before that, as they may need one of the locks to finish.
"""

from __future__ import annotations

import logging  # noqa: F401  # hooks run newest first: ours before logging's, as a holder of our locks may log
import os
import threading
import weakref
from enum import IntEnum
from functools import partial
from typing import Callable, List, Protocol, Tuple


class LockOrder(IntEnum):
    """Which lock may be taken while another is held: one that stands below it in this list."""

    TRACING = 0  # held while tracing begins or ends
    SPEEDUPS = 1  # held while speedups are switched on or off
    PATCHING = 2  # held while names of the program are replaced
    INDEXES = 3  # held while indexes are made, which may take minutes
    BOOKKEEPING = 4  # held for microseconds


class Forking(Protocol):
    """Something that has to be prepared for a fork. Neither method may raise."""

    def before_fork(self) -> None:
        """Called in the parent process, before the fork."""

    def after_fork(self, in_child: bool) -> None:
        """Called in the parent process and in the child, after the fork."""


_with_threads: weakref.WeakSet[Forking] = weakref.WeakSet()
_with_locks: weakref.WeakSet[Forking] = weakref.WeakSet()
_locks: List[Tuple[LockOrder, threading.RLock]] = []
_forking = threading.RLock()  # two threads that fork at once would wait for each other's locks
# For each fork that is under way: what has to be done after it, in reverse. There may be several, as a signal
# handler may fork while a fork is being prepared.
_undo: List[List[Callable[[bool], object]]] = []


def watch(subject: Forking, *, has_thread: bool = False) -> None:
    """Tell `subject` of forks for as long as it lives.

    Parameters
    ----------
    has_thread:
        Whether it stops a thread before the fork; those come before all that only take locks.
    """
    (_with_threads if has_thread else _with_locks).add(subject)


def unwatch(subject: Forking) -> None:
    """Tell `subject` of forks no more."""
    _with_threads.discard(subject)
    _with_locks.discard(subject)


def fork_safe_lock(order: LockOrder) -> threading.RLock:
    """A reentrant lock for a module: it is never left locked in a forked child.

    Parameters
    ----------
    order:
        The forking thread takes all such locks in this order, so every other thread must do the same.
    """
    made = threading.RLock()
    _locks.append((order, made))
    _locks.sort(key=lambda each: each[0])
    return made


def _before() -> None:
    _forking.acquire()
    undo: List[Callable[[bool], object]] = []
    _undo.append(undo)
    for subject in _with_threads:
        undo.append(subject.after_fork)
        subject.before_fork()
    for _, lock in _locks:
        lock.acquire()
        undo.append(partial(_release, lock))
    for subject in _with_locks:
        subject.before_fork()
        undo.append(subject.after_fork)


def _after(in_child: bool) -> None:
    try:
        for undo in reversed(_undo.pop()):
            undo(in_child)
    finally:
        _forking.release()


def _release(lock: threading.RLock, in_child: bool) -> None:
    lock.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(False),
    after_in_child=lambda: _after(True),
)
