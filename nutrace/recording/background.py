"""The thread that writes while the program runs; stopped around a fork, and started again."""

from __future__ import annotations

import _thread
import contextlib
from collections import deque
from typing import Callable, Deque

_LOOK_S = 1.0  # at most between two looks at what else there may be


class Background:
    """Calls `work` when it is due, and ``look`` once a second at least.

    It is no ``threading.Thread``: the program's own list of threads stays as it is.

    Parameters
    ----------
    due:
        Seconds until `work` has to be called; `work` itself puts that off.
    """

    def __init__(self, work: Callable[[], None], due: Callable[[], float]) -> None:
        self._work = work
        self._due = due
        self.look: Callable[[], None] = lambda: None
        self._stop = False
        self.forget()

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._running.locked()

    def forget(self) -> None:
        """In a forked child: the thread is the parent process's."""
        self._ident = 0
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._running = _thread.allocate_lock()
        self._waiting: Deque[_thread.LockType] = deque()  # to be released when it has worked

    def hurry(self, patience_s: float) -> bool:
        """Let it work now, and wait for that, or for its stop; false if it takes longer, or is not there.

        Whoever waits does nothing of ours meanwhile: a signal's handler may raise.
        """
        if not self.running or self._ident == _thread.get_ident():
            return False
        done = _thread.allocate_lock()
        done.acquire()
        self._waiting.append(done)
        self._wake_up()
        return done.acquire(timeout=patience_s)

    def _wake_up(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was woken already
            self._wake.release()

    def start(self) -> None:
        """Start the thread, unless it is there."""
        self._stop = False
        if not self._running.acquire(blocking=False):
            return  # it goes on: two threads forked at the same time
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:  # the interpreter is ending, or no thread can be had
            self._running.release()

    def stop(self) -> None:
        """Stop the thread and wait for it (a second at most)."""
        if not self.running:
            return
        self._stop = True
        self._wake_up()
        if self._running.acquire(timeout=1.0):
            self._running.release()

    def _release(self, count: int) -> None:
        for _ in range(count):
            self._waiting.popleft().release()

    def _run(self) -> None:
        running = self._running
        self._ident = _thread.get_ident()
        while True:
            try:
                while not self._stop:
                    self._wake.acquire(timeout=max(0.0, min(self._due(), _LOOK_S)))
                    self.look()
                    waiting = len(self._waiting)
                    if not self._stop and (waiting or self._due() <= 0):
                        self._work()
                    self._release(waiting)
            finally:
                self._release(len(self._waiting))
                running.release()
            # Started again in the moment between, by somebody who saw us alive?
            if self._stop or not running.acquire(blocking=False):
                return
