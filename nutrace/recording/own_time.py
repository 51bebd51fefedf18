"""nutrace's own time where it may be long: clocked, and taken out of the spans that were open meanwhile.

What a probe does beside a call is shorter: see :mod:`nutrace.recording.stopwatch`.
"""

from __future__ import annotations

import threading
from typing import Dict, Iterable, List, Set, Tuple

from nutrace import semconv
from nutrace.recording.buffers import local
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import Record
from nutrace.recording.context import current, span_in
from nutrace.recording.span import Span, process_state

#: Why a thread of the program waited for what it recorded to be written.
STEP_ENDED, QUEUE_FULL = "step_ended", "queue_full"
#: It wrote itself, for the program's provider or before the result of a pool's task; or it waited for the
#: background to stop, as no thread of ours may be there when a process forks.
FLUSHED, FORKED = "flushed", "forked"
#: Beginning and ending to trace, writing, and showing how far a simulation is: processor time.
START, EXIT, WRITING, SHOWING = "start", "exit", "writing", "showing"


class OwnTime:
    """What nutrace did in threads of the program: how often, and for how long."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come back in
        self._sums: Dict[str, Tuple[int, int]] = {}

    def spent(self, what: str, since_ns: int) -> None:
        """Count what this thread has done since a clock reading, and note it on the spans it is inside of.

        Parameters
        ----------
        what:
            The name of the sum that it is added to.
        """
        try:
            inside = [span.ensure_details() for span in _inside()]
            thread_id = local.buffer.thread_id
            with self._lock:
                took_ns = now_ns() - since_ns
                self.count(what, took_ns)
            for details in inside:
                details.add_own(thread_id, took_ns)
        except Exception:  # what is current may be any object of the program's
            process_state.fault("counting nutrace's own time")

    def count(self, what: str, took_ns: int) -> None:
        """Count what was spent in no span of the program's."""
        with self._lock:
            times, spent_ns = self._sums.get(what, (0, 0))
            self._sums[what] = times + 1, spent_ns + took_ns

    def sum_ns(self, what: str) -> int:
        """How long that took in all."""
        return self._sums.get(what, (0, 0))[1]

    def attributes(self, only: str = "") -> Dict[str, int]:
        """Attributes of the resource, for all that was spent or for one kind of it."""
        attributes: Dict[str, int] = {}
        for what, (times, spent_ns) in sorted(self._sums.items()):
            if only and what != only:
                continue
            attributes[f"{semconv.OWN_TIMES}.{what}"] = times
            attributes[f"{semconv.OWN_SPENT_NS}.{what}"] = spent_ns
        return attributes


def _inside() -> List[Span]:
    """The spans that this thread is inside of.

    A task lies below the coroutine that waits for it, and below the blocks that this one has open.
    """
    above: List[Span] = []
    suspended: Set[Span] = set()
    # An error that leaves many spans comes here for each of them: one short loop, and no calls.
    node = span_in(current.get())
    while isinstance(node, Span):
        if not node.ended:
            above.append(node)
            details = node.details
            # Read once: a generator may end in another thread meanwhile.
            driven = None if details is None else details.driven
            if driven is not None:
                suspended.update(driven.suspended())
        node = node.parent
    return [span for span in above if span not in suspended] if suspended else above


def take_out(entries: Iterable[Tuple[Record, int]]) -> None:
    """Take what was noted on spans out of their cost, before they are written with their thread's id.

    A span of another thread may be above those of the thread that spent the time, which then is not its own.
    """
    for record, thread_id in entries:
        details = record.details
        if details is None or details.own is None:
            continue
        own, details.own = details.own, None
        took = record.ended - record.started if details.busy_ns is None else details.busy_ns
        details.own_ns = min(took, own.get(details.thread_id or thread_id, 0))
        if details.own_ns:
            details.busy_ns = took - details.own_ns
