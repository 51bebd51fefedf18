"""What nutrace does around ``os.fork``, in one order for the whole process.

Threads of ours are stopped first and locks are taken afterwards: a thread that has to finish its work may
need one of the locks. A lock that another thread held at the fork would stay locked in the child for ever.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import List, Protocol

from nutrace.recording.span import process_state


class Forking(Protocol):
    """Something that has to be prepared for a fork."""

    def before_fork(self) -> None:
        """Called in the parent process, before the fork."""

    def after_fork(self, in_child: bool) -> None:
        """Called in the parent process and in the child, after the fork."""


_with_threads: weakref.WeakSet[Forking] = weakref.WeakSet()
_with_locks: weakref.WeakSet[Forking] = weakref.WeakSet()
_prepared: List[Forking] = []  # between before and after: the same ones, and alive
_forking = threading.RLock()  # two threads that fork at once would wait for each other's locks


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


def _before() -> None:
    _forking.acquire()
    for subject in (*_with_threads, *_with_locks):
        try:
            subject.before_fork()
            _prepared.append(subject)
        except Exception:  # the program's fork goes on
            process_state.fault("before a fork")


def _after(in_child: bool) -> None:
    try:
        while _prepared:
            subject = _prepared.pop()
            try:
                subject.after_fork(in_child)
            except Exception:  # the others still have to be told
                process_state.fault("after a fork")
    finally:
        _forking.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(False),
    after_in_child=lambda: _after(True),
)
