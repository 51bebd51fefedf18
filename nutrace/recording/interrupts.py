"""Ctrl-C that waits: a block of the main thread's that is done wholly or not at all."""

from __future__ import annotations

import _thread
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Optional, Type


class Held:
    """While this is entered SIGINT is only noted; the program's own handler hears of it afterwards.

    Python would raise KeyboardInterrupt between any two instructions: with a lock just taken, or a span
    off its queue and in no other list yet. In other threads, which it never reaches, this does nothing.
    """

    def __init__(self) -> None:
        self._handler: Any = None  # the program's, while ours stands in its place
        self._came: Optional[FrameType] = None
        self._depth = 0

    def __enter__(self) -> None:
        if not _is_main():
            return
        if self._handler is not None:
            self._depth += 1
            return
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):  # neither ignored nor left to the system, nor made in C
            self._came = None
            try:
                signal.signal(signal.SIGINT, self._note)
            except ValueError:  # a subinterpreter
                return
            self._handler, self._depth = handler, 1  # nothing comes between any more

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self._handler is None or not _is_main():
            return
        self._depth -= 1
        if not self._depth:
            handler = self._handler
            self.give_back()
            if self._came is not None:
                handler(signal.SIGINT, self._came)

    def give_back(self) -> None:
        """Put the program's handler in its place again; also in a child that was forked meanwhile."""
        handler, self._handler = self._handler, None
        if handler is not None and signal.getsignal(signal.SIGINT) == self._note:
            signal.signal(signal.SIGINT, handler)

    def _note(self, number: int, frame: Optional[FrameType]) -> None:
        self._came = frame


def _is_main() -> bool:
    return _thread.get_ident() == threading.main_thread().ident
