"""Faults of our own: they are caught, printed once on stderr, and never reach the program."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import List, Optional

from nutrace.recording.database_errors import written

_MOST_NOTES = 20


def one_line(error: Optional[BaseException]) -> str:
    """An error's type, and its message if that cannot repeat what a database call was given."""
    if error is None:
        return "unknown error"
    try:
        message = " ".join(written(error).message.split())
    except Exception:  # an error of the program's may have any attributes
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def is_of_a_signal_handler(error: Optional[BaseException]) -> bool:
    """Whether a signal handler of the program's has raised `error`, while we were doing something."""
    trace = None if error is None else error.__traceback__
    codes = []
    while trace is not None:
        codes.append(trace.tb_frame.f_code)
        trace = trace.tb_next
    handlers = map(signal.getsignal, signal.valid_signals())
    functions = [getattr(handler, "__func__", handler) for handler in handlers if callable(handler)]
    return any(getattr(function, "__code__", None) in codes for function in functions)


class Faults:
    """What went wrong in this process; each kind is printed once."""

    def __init__(self) -> None:
        self.notes: List[str] = []
        self._printed: List[str] = []

    def note(self, where: str) -> None:
        """Print which error is being handled; called from an ``except`` block."""
        error = sys.exc_info()[1]
        note = f"{where}: {one_line(error)}"
        self._once(where, note, f"fault in nutrace (the program goes on): {note}")

    def lose(self, message: str) -> None:
        """Print why spans are being lost; the caller counts them."""
        self._once(message, message, f"{message}; spans are being lost, and counted")

    def _once(self, kind: str, note: str, message: str) -> None:
        if kind not in self._printed and len(self._printed) < _MOST_NOTES:
            self._printed.append(kind)
            self.notes.append(note)
            say(message)


def say(message: str) -> None:
    """Print a line on stderr, if that takes it: it may be closed, or any object of the program's."""
    with contextlib.suppress(Exception):
        sys.stderr.write(f"nutrace: {message}\n")
        sys.stderr.flush()
