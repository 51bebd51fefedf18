"""What spans need to know of their process: its trace, its tie to Unix time, its recorder; and their ids."""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from nutrace.recording.span import Recorded, Span


def unrecorded(where: str) -> None:
    """What becomes of a fault of ours while nothing records."""


class ProcessState:
    """Set by a recorder; until then, spans are dropped."""

    def __init__(self) -> None:
        self.trace_id = int.from_bytes(os.urandom(16), "big") | 1
        self.foreign = False  # whether a span was seen that belongs to another trace
        self.offset_ns = 0  # what to add to a clock reading for Unix nanoseconds
        self.longest_ns = 200_000  # leaves that took longer are not merged
        self.secret = os.urandom(16)  # the key of hashes: in this process's memory and nowhere else
        self.sql_text = True  # whether statements are written, or their hashes only
        self.fold_statement: Callable[[str], str] = str  # removes the values from a statement's text
        self.emit: Callable[[Span], None]  # takes a finished span
        self.drain_full_queue: Callable[[Any], None]
        self.step_ended: Callable[[], None]  # the step was taken already
        self.own_time: Callable[[str, int], None]  # counts what was done since a clock reading
        self.fault: Callable[[str], None]  # notes the error that is being handled
        self.forget_recorder()

    def forget_recorder(self) -> None:
        """Drop spans from now on, and keep nothing of the recorder alive."""
        self.emit = lambda span: None
        self.drain_full_queue = lambda spans: spans.clear()
        self.step_ended = lambda: None
        self.own_time = lambda what, since_ns: None
        self.fault = unrecorded

    def see(self, trace_id: int) -> None:
        """A span of that trace will be written, or one below it."""
        if trace_id != self.trace_id:
            self.foreign = True


class Ids:
    """Span ids of this process: a random part and a counter, never zero."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start a new series; a forked child must not repeat its parent's."""
        self._base = (int.from_bytes(os.urandom(4), "big") | 1) << 32
        self._count = itertools.count(1)
        self._lock = threading.RLock()  # a signal handler may come back in

    def assign(self, span: Recorded) -> int:
        """Give `span` its id, and return it; two threads that ask at once get the same."""
        with self._lock:
            if not span.id:
                above: Any = span.parent
                if hasattr(above, "sum_ns"):  # a composite that the span was merged into
                    span.id = self.assign(above)
                else:
                    span.id = self._base + next(self._count)
            return span.id


process_state = ProcessState()
ids = Ids()
