"""Runs of short equal siblings become one composite span with count, sum, min and max.

Done where a span ends, in its own thread: a hot leaf then leaves no object behind, neither for the
recorder to write nor for the program's garbage collector to visit.

A thread's spans arrive in the order of their ends, children before parents. The span before ours
with our site and our parent is thus our direct neighbour, and proof that we are a leaf: a child of
ours would stand between. Spans that bear anything of their own (attributes, an error, an id that
somebody refers to) are never merged.
"""

from __future__ import annotations

from typing import Any, Deque, Optional, Union

from nutrace.recording.span import CallSite, Parent, Span, SpanDetails, process_state


class Composite:
    """What `count` equal leaves in a row stand for; times are readings of the recorder's clock.

    It is owned by whoever took it off its thread's queue: the thread itself while it adds to it,
    the recorder when it writes it.
    """

    __slots__ = ("count", "details", "ended", "id", "max_ns", "min_ns", "parent", "site", "started", "sum_ns")

    def __init__(self, first: Span) -> None:
        took = first.ended - first.started
        self.site: CallSite = first.site
        self.parent: Optional[Parent] = first.parent
        self.started = first.started
        self.ended = first.ended
        self.details: Optional[SpanDetails] = None
        self.id = 0
        self.count = 1
        self.sum_ns = took
        self.min_ns = took
        self.max_ns = took

    def add(self, started: int, ended: int, took: int) -> None:
        """Take one more leaf in."""
        self.count += 1
        self.sum_ns += took
        # A statement may have begun before one that ended first: it lies open between its fetches.
        if started < self.started:
            self.started = started
        if ended > self.ended:
            self.ended = ended
        if took < self.min_ns:
            self.min_ns = took
        elif took > self.max_ns:
            self.max_ns = took


Record = Union[Span, Composite]


def merge(span: Span, last: Record, queue: Deque[Record]) -> bool:
    """Merge `span` into `last`, which ended `queue` a moment ago; false if they stay apart.

    The caller has seen that both have one site and one parent.
    """
    took = span.ended - span.started
    if took > process_state.longest_ns or span.id or span.details is not None or last.id:
        return False
    if type(last) is not Composite and not _is_leaf(last, queue):
        return False
    try:
        taken = queue.pop()  # atomic: from here on it is ours, or the recorder took it before us
    except IndexError:
        return False
    if taken is not last:  # a signal handler or finalizer of this thread came in between
        queue.append(taken)
        return False
    composite: Any = last
    if type(last) is Span:
        composite = Composite(last)
        last.parent = composite
    composite.add(span.started, span.ended, took)
    # A task or thread that was begun inside may still name it: `ids` gives it the composite's id.
    span.parent = composite
    queue.append(composite)
    return True


def _is_leaf(last: Any, queue: Deque[Record]) -> bool:
    """Whether `last`, a span at the end of `queue`, can be the first of a composite."""
    if last.details is not None or last.ended - last.started > process_state.longest_ns:
        return False
    # A child that was written already has given it an id; one that was not stands before it.
    try:
        return queue[-2].parent is not last
    except IndexError:
        return True
