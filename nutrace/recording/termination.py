"""SIGTERM: write everything, then die of it; and hear it even where Python would not.

A handler in Python runs between two instructions of the main thread, and misses two moments. Pools
meet both: they terminate workers, idle or hardly begun, and wait for their end without a limit.

- In a forked child Python forgets what signals came before its own work after ``fork()`` was done.
  The signal is held back until then.
- A signal that comes just before a system call blocks is acted upon when the call returns. In
  processes that others started, the background thread notices and sends it again: that interrupts
  the call.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import struct
import threading
from types import FrameType
from typing import Callable, Dict, Optional, Set

from nutrace.recording.span import process_state

_CREDENTIALS = struct.Struct("3i")  # of a message's sender: pid, uid, gid
_HIGH = 512  # file descriptors from here on: a program that closes all of its own reuses the low ones


class Termination:
    """What SIGTERM does in this process, where the program left it at its default.

    Parameters
    ----------
    finish:
        Writes everything out; called before the process dies.
    busy:
        Whether this very thread is writing: a signal that comes then waits for :meth:`resume`.
    """

    def __init__(self, finish: Callable[[], None], busy: Callable[[], bool]) -> None:
        self.finish = finish
        self.busy = busy
        self._waiting = 0  # a signal that came at a bad moment
        self._begun = False
        self._installed = False
        self._mail: Optional[_Mail] = None

    def install(self) -> None:
        """Take the signal, unless the program has a handler of its own or this is not the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)
            self._installed = True

    def uninstall(self) -> None:
        """Give it back; a handler that the program has installed meanwhile stays."""
        if threading.current_thread() is not threading.main_thread():
            return
        if self._is_ours():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._installed = False
        if self._mail is not None:
            self._mail.close()
            self._mail = None

    def guard(self) -> None:
        """Somebody else started this process, may terminate it, and will wait for its end."""
        if self._is_ours() and threading.current_thread() is threading.main_thread():
            self._begun = False
            parents, self._mail = self._mail, None
            with contextlib.suppress(OSError, AttributeError):  # no descriptor to be had, or not Linux
                self._mail = _Mail(parents)
            if parents is not None:
                (parents.leave if self._mail is not None else parents.close)()

    def look(self) -> None:
        """Send a SIGTERM again that came and went unheard; called by the background thread."""
        try:
            came = self._mail is not None and signal.SIGTERM in self._mail.read()
            ident = threading.main_thread().ident
            if came and not self._begun and self._is_ours() and ident is not None:
                signal.pthread_kill(ident, signal.SIGTERM)
        except Exception:  # law 1
            process_state.fault("looking for a signal")

    def resume(self) -> None:
        """The writing is over that a signal had interrupted."""
        if self._waiting and threading.current_thread() is threading.main_thread():
            number, self._waiting = self._waiting, 0
            self._terminated(number, None)

    def _is_ours(self) -> bool:
        return self._installed and signal.getsignal(signal.SIGTERM) == self._terminated

    def _terminated(self, number: int, frame: Optional[FrameType]) -> None:
        self._begun = True
        if self.busy():
            self._waiting = number
            return
        self.finish()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), number)


class _Mail:
    """The numbers of the signals that reach this process, from Python's handler in C.

    Parameters
    ----------
    parents:
        What a forked child has inherited, to be replaced.

    Raises
    ------
    OSError, AttributeError
        If it cannot be had here; or the program has such a thing itself, and keeps it.
    """

    def __init__(self, parents: Optional[_Mail]) -> None:
        # A child between fork and exec writes here as well: messages must tell whose they are.
        tell_sender = socket.SO_PASSCRED
        low = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with low[0], low[1]:
            self._inbox, self._outbox = _high(low[0]), _high(low[1])
        self._inbox.setsockopt(socket.SOL_SOCKET, tell_sender, 1)
        previous = signal.set_wakeup_fd(self._outbox.fileno(), warn_on_full_buffer=False)
        if previous >= 0 and (parents is None or previous != parents._outbox.fileno()):
            signal.set_wakeup_fd(previous)
            self.leave()
            raise OSError("the program has a wake-up descriptor of its own")

    def read(self) -> Set[int]:
        """The signals since the last time."""
        numbers: Set[int] = set()
        with contextlib.suppress(OSError):  # nothing more, or the program closed it
            while True:
                text, notes, _, _ = self._inbox.recvmsg(64, socket.CMSG_SPACE(_CREDENTIALS.size))
                if not text:  # the program closed the other end
                    break
                senders = [_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0] for _, _, data in notes]
                if senders == [os.getpid()]:
                    numbers.update(text)
        return numbers

    def close(self) -> None:
        """In the main thread: no more."""
        current = signal.set_wakeup_fd(-1)
        if current >= 0 and current != self._outbox.fileno():
            signal.set_wakeup_fd(current)  # somebody else's by now
        self.leave()

    def leave(self) -> None:
        """Another process's, or not in use: only let go of it."""
        self._inbox.close()
        self._outbox.close()


def _high(end: socket.socket) -> socket.socket:
    copy = socket.socket(fileno=fcntl.fcntl(end.fileno(), fcntl.F_DUPFD_CLOEXEC, _HIGH))
    copy.setblocking(False)
    return copy


_held: Dict[int, bool] = {}  # threads that are forking: whether it was we who blocked SIGTERM


def hold() -> None:
    """Before a fork: the signal waits until the child can hear it."""
    thread = threading.get_ident()
    if thread not in _held:
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        _held[thread] = signal.SIGTERM not in blocked


def release() -> None:
    """After a fork, in parent and child: what waited arrives now."""
    if _held.pop(threading.get_ident(), False):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
