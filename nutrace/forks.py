"""What nutrace does around ``os.fork``, in one order for the whole process.

A lock that another thread holds at the fork would stay locked in the child for ever, so the thread that forks
takes the locks first. Threads of ours are stopped before that, as they may need one of the locks to finish.

Hooks have two limits. Python prints what they raise, so a Ctrl-C during one would be lost. And since 3.13 it
warns if a thread is there when they have run, so none of ours may have been started again. What has to wait
for that is done by :func:`fork_with`, through which ``os.fork`` goes while a process is traced.
"""

from __future__ import annotations

import _thread
import contextlib
import logging  # noqa: F401  # hooks run newest first: ours before logging's, as a holder of our locks may log
import os
import threading
import weakref
from enum import IntEnum
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Protocol, Tuple, TypeVar

Result = TypeVar("Result")


class LockOrder(IntEnum):
    """Which lock may be taken while another is held: one that stands below it in this list."""

    TRACING = 0  # held while tracing begins or ends
    SPEEDUPS = 1  # held while speedups are switched on or off
    PATCHING = 2  # held while names of the program are replaced
    INDEXES = 3  # held while indexes are made, which may take minutes
    BOOKKEEPING = 4  # held for microseconds


class Forking(Protocol):
    """Something that has to be prepared for a fork. Neither method may raise, unless it is interrupted."""

    def before_fork(self) -> None:
        """Called in the parent process, before the fork; again if a signal handler interrupts it."""

    def after_fork(self, in_child: bool) -> None:
        """Called in the parent process and in the child, after the fork."""


_with_threads: weakref.WeakSet[Forking] = weakref.WeakSet()
_with_locks: weakref.WeakSet[Forking] = weakref.WeakSet()
_locks: List[Tuple[LockOrder, threading.RLock]] = []
_forking = threading.RLock()  # two threads that fork at once would wait for each other's locks
_Undo = List[Callable[[bool], object]]  # what has to be done after a fork, in reverse
# For each fork that is under way and did not come through `fork_with`. There may be several, as a signal
# handler may fork while a fork is being prepared.
_undo: List[_Undo] = []


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


class _Fork:
    """A call of :func:`fork_with`: what has to be done, and raised, when the hooks have run."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.undo: Optional[_Undo] = None  # None before it is prepared, and when all of it is done
        self.calls: List[Callable[[], object]] = []
        self.error: Optional[BaseException] = None


_forks: Dict[int, _Fork] = {}  # by the id of the thread
_ATTEMPTS = 3
_report: List[Callable[[str], None]] = []


def on_fault(report: Callable[[str], None]) -> None:
    """Have `report` called, while the error is handled, when something cannot be prepared for a fork."""
    _report[:] = [report]


def fork_with(fork: Callable[[], Result]) -> Result:
    """Call ``os.fork`` or ``os.forkpty``, and then do what its hooks could not.

    The fork is prepared here, as a signal handler of the program's may raise before a hook has begun. Python
    prints that and forks; what the hook after the fork has not done is done here as well.

    Raises
    ------
    BaseException
        What a signal handler of the program's has raised meanwhile.
    """
    thread = _thread.get_ident()
    outer = _forks.get(thread)  # a signal handler may fork during a fork
    mine = _forks[thread] = _Fork()
    try:
        _before()
        return fork()
    finally:
        interrupted = None
        if mine.undo is not None:
            interrupted = _surely(partial(_after, os.getpid() != mine.pid))
        if outer is None:
            _forks.pop(thread, None)
        else:
            _forks[thread] = outer
        raised = [mine.error, interrupted, *map(_surely, mine.calls)]
        if os.getpid() == mine.pid:  # not in the child: the signal was sent to its parent
            for error in raised:
                if error is not None:
                    raise error


def after_hooks(call: Callable[[], object]) -> None:
    """In a hook: call when all hooks have run, or now if the fork did not come through :func:`fork_with`."""
    mine = _forks.get(_thread.get_ident())
    if mine is None:
        call()
    else:
        mine.calls.append(call)


def _surely(call: Callable[[], object]) -> Optional[BaseException]:
    """Call; again if a signal handler of the program's raises meanwhile. Returns what that raised.

    What raises each time is a fault of ours, which does not reach the program.
    """
    raised: Optional[BaseException] = None
    for attempt in range(_ATTEMPTS):
        try:
            call()
            return raised
        except BaseException as error:
            raised = raised or error
            if attempt == _ATTEMPTS - 1:
                for report in _report:
                    with contextlib.suppress(BaseException):
                        report("around a fork")
    return None


def _before() -> None:
    mine = _forks.get(_thread.get_ident())
    if mine is not None and mine.undo is not None:
        return  # by `fork_with`
    undo: _Undo = []
    if mine is None:
        _undo.append(undo)
    else:
        mine.undo = undo
    raised = [_take(_forking, undo)]
    with_threads: List[Forking] = []
    with_locks: List[Forking] = []

    def list_subjects() -> None:
        with_threads[:] = list(_with_threads)
        with_locks[:] = list(_with_locks)

    raised.append(_surely(list_subjects))
    for subject in with_threads:
        undo.append(subject.after_fork)
        raised.append(_surely(subject.before_fork))
    for _, lock in _locks:
        raised.append(_take(lock, undo))
    for subject in with_locks:
        raised.append(_surely(subject.before_fork))
        undo.append(subject.after_fork)
    _hand_on(raised)


def _after(in_child: bool) -> None:
    if in_child:
        _forget_other_threads()
    mine = _forks.get(_thread.get_ident())
    undo = (_undo[-1] if _undo else []) if mine is None else mine.undo or []
    raised: List[Optional[BaseException]] = []
    while undo:  # a step that is interrupted stays, and is done once more
        raised.append(_surely(partial(undo[-1], in_child)))
        undo.pop()
    if mine is not None:
        mine.undo = None
    elif _undo:
        _undo.pop()
    _hand_on(raised)


def _hand_on(raised: List[Optional[BaseException]]) -> None:
    mine = _forks.get(_thread.get_ident())
    for error in raised:
        if error is not None and mine is None:
            raise error  # Python prints it
        if error is not None and mine is not None:
            mine.error = mine.error or error


def _forget_other_threads() -> None:
    own = _thread.get_ident()
    for thread in list(_forks):
        if thread != own:
            del _forks[thread]


def _take(lock: threading.RLock, undo: List[Callable[[bool], object]]) -> Optional[BaseException]:
    """Take a lock that this thread does not have yet, and have it released in the end.

    If a signal handler raises just after the lock was taken or released, nothing is left to do.
    """
    if _is_owned(lock):
        return None
    undo.append(partial(_release, lock))
    return _surely(partial(_acquire, lock))


def _acquire(lock: threading.RLock) -> None:
    if not _is_owned(lock):
        lock.acquire()


def _release(lock: threading.RLock, in_child: bool) -> None:
    if _is_owned(lock):
        lock.release()


def _is_owned(lock: Any) -> bool:
    return bool(lock._is_owned())  # as threading.Condition asks it


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(False),
    after_in_child=lambda: _after(True),
)
