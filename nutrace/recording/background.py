"""The thread that writes while the program runs."""

from __future__ import annotations

import _thread
import contextlib
import os
import time
from collections import deque
from typing import Any, Callable, Deque

_LOOKS = 100
_LOOKS_MEANWHILE = 10  # by a waiting thread, whether the background was stopped, for a fork or for good


class Background:
    """Calls `work` at an interval, from a thread of its own.

    It is no ``threading.Thread``: the program's list of threads stays as it is.

    Parameters
    ----------
    work:
        Must not raise.
    interval_s:
        Seconds between two calls; :meth:`wake` makes one earlier.
    """

    def __init__(self, work: Callable[[], None], interval_s: float) -> None:
        self.interval_s = interval_s
        self._work = work
        self._stop = False
        self._native_id = 0
        self._ident = 0
        self.forget()

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` was called: `work` should come to an end."""
        return self._stop

    @property
    def is_here(self) -> bool:
        """Whether this very thread is it."""
        return self._ident == _thread.get_ident()

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._running.locked()

    def forget(self) -> None:
        """In a forked child: the thread exists in the parent process only."""
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._running = _thread.allocate_lock()
        self._ident = 0
        self._waiters: Deque[Any] = deque()  # a lock for each thread that waits, the first come first

    def wake(self) -> None:
        """Let it work now, and do not wait for that."""
        if self._wake.locked():
            with contextlib.suppress(RuntimeError):  # another thread woke it in this moment
                self._wake.release()

    def work_now(self, patience_s: float) -> bool:
        """Let it work now and wait until it has, or is stopped; false if that takes longer than `patience_s`.

        The time is in seconds. `work` says with :meth:`has_worked` when it has done what others may wait for.
        """
        worked = _thread.allocate_lock()
        worked.acquire()
        self._waiters.append(worked)
        for _ in range(_LOOKS_MEANWHILE):
            self.wake()
            if worked.acquire(True, patience_s / _LOOKS_MEANWHILE) or not self.running:
                return True
        return False

    @property
    def waited_for(self) -> int:
        """How many threads wait."""
        return len(self._waiters)

    def has_worked(self, threads: int) -> None:
        """Let the first `threads` go on of those that wait."""
        for _ in range(threads):
            self._waiters.popleft().release()

    def start(self) -> None:
        """Start the thread, unless it is there."""
        self._stop = False
        if not self._running.acquire(blocking=False):
            return
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:  # the interpreter is ending, or no thread can be had
            self._running.release()

    def stop(self) -> None:
        """Stop the thread and wait until it has, for a second at most."""
        if not self.running:
            return
        self._stop = True
        self.wake()
        if self._running.acquire(timeout=1.0):
            self._running.release()
            # It lets go of the lock a little before it is gone, and Python warns of a fork beside a thread.
            for _ in range(_LOOKS):
                if not os.path.exists(f"/proc/self/task/{self._native_id}"):
                    break
                time.sleep(0.0001)
        elif not os.path.exists(f"/proc/self/task/{self._native_id}") and os.path.exists("/proc/self/task"):
            # A signal handler has raised while it was started: nobody is there to release the lock.
            self._running = _thread.allocate_lock()

    def _run(self) -> None:
        running = self._running
        self._native_id = _thread.get_native_id()
        self._ident = _thread.get_ident()
        while True:
            try:
                while not self._stop:
                    self._wake.acquire(timeout=self.interval_s)
                    if not self._stop:
                        self._work()
            finally:
                self._ident = 0  # another thread may get the same number
                running.release()
            # Somebody may have called start() just before this thread let go of `running`.
            if self._stop or not running.acquire(blocking=False):
                return
            self._ident = _thread.get_ident()
