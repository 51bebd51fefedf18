"""A span while it is recorded: the one object the hot path makes.

It is an OpenTelemetry span (registered as one: inheriting would give each a dictionary), so that
``trace.get_current_span()`` inside a probed function gives something to set attributes on, and
costs nothing until somebody does.
"""

from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterable, Mapping, Optional, Protocol, Sequence, Tuple, Union

from opentelemetry import trace as otel

from nutrace.recording import failures
from nutrace.recording.api_span import ApiSpan
from nutrace.recording.call_site import CallSite
from nutrace.recording.clock import now_ns
from nutrace.recording.process_state import ids, process_state, unrecorded

__all__ = (
    "CallSite",
    "Parent",
    "Recorded",
    "Remote",
    "Span",
    "SpanDetails",
    "ids",
    "process_state",
    "trace_id_of",
    "unrecorded",
)


class Driven(Protocol):
    """A generator or coroutine, whose span is open while it is suspended as well."""

    def suspended(self) -> Iterable[Span]:
        """Its open spans, if no thread is inside of it."""


class SpanDetails:
    """What few spans have: attributes, events, links, a status, times of their own.

    The defaults are the class's: setting them on each object takes ten times longer than all else here where
    the processor's caches are cold.
    """

    attributes: Dict[str, Any]
    events: Sequence[Tuple[str, int, Mapping[str, Any]]] = ()
    links: Sequence[Tuple[int, int, Mapping[str, Any]]] = ()
    status: Tuple[int, str] = (0, "")
    name: Optional[str] = None
    busy_ns: Optional[int] = None  # its cost, if that is not its duration
    driven: Optional[Driven] = None  # the generator or coroutine whose span it is, while that has not ended
    away_ns = 0  # how long a generator that it lies in was suspended
    own: Optional[Dict[int, int]] = None  # nutrace's own time inside it, by the ids of threads
    own_ns = 0  # of that, what was taken out of its cost
    thread_id = 0  # the thread it ran in, if another one hands it over
    continues: Optional[Span] = None  # the first span of the same call
    unfinished = False
    failed_below: Optional[failures.Below] = None  # which error left a span directly below
    dangling: Optional[Span] = None  # a bracket opened directly below, to be closed with this span
    theirs = False  # made by the program's own provider
    backdated = False  # the program gave its start, which may lie before the recording
    trace_id = 0  # if it is not its parent's
    base: Any = None  # the OpenTelemetry context below, if it carried baggage

    def add_event(self, name: str, at: int, attributes: Mapping[str, Any]) -> None:
        """Add an event at a clock reading; threads of the program may do so at the same time."""
        vars(self).setdefault("events", []).append((name, at, attributes))

    def add_own(self, thread_id: int, took_ns: int) -> None:
        """Note own time of nutrace's that the calling thread has spent inside the span."""
        own = self.own
        if own is None:
            own = vars(self).setdefault("own", {})
            if own is None:  # it was written as unfinished
                own = self.own = {}
        own[thread_id] = own.get(thread_id, 0) + took_ns

    def add_link(self, trace_id: int, span_id: int, attributes: Mapping[str, Any]) -> None:
        """Add a link; threads of the program may do so at the same time."""
        vars(self).setdefault("links", []).append((trace_id, span_id, attributes))


@otel.Span.register
class Span(ApiSpan):
    """A span from its start on.

    `started` and `ended` are readings of :func:`nutrace.recording.clock.now_ns`; an open span's `ended` is 0.
    """

    __slots__ = ("details", "ended", "id", "parent", "site", "started")

    def __init__(self, site: CallSite, parent: Optional[Parent]) -> None:
        self.site = site
        self.parent = parent
        self.started = 0
        self.ended = 0
        self.id = 0  # assigned when first needed: a merged leaf never needs one
        self.details: Optional[SpanDetails] = None

    def ensure_details(self) -> SpanDetails:
        """Its details, made on demand; a span that has any is never merged."""
        details = self.details
        if details is None:
            made = SpanDetails()
            made.attributes = {}
            # A thread that runs below the span, a finalizer or a signal handler may have been quicker.
            details = self.details
            if details is None:
                details = self.details = made
        return details

    def end_at(self, at: int) -> None:
        """End at a clock reading; the time that a generator around it was suspended is no cost."""
        self.ended = at
        details = self.details
        if details is not None and details.away_ns:
            details.busy_ns = at - self.started - details.away_ns

    def fail(self, error: BaseException) -> None:
        """Note that `error` left this span: a status, and an exception event."""
        try:
            if type(error) not in failures.NO_FAILURE:
                at = now_ns()
                noted = failures.note(error, self)
                self.ensure_details().add_event("exception", at, noted)
                self.ensure_details().status = (2, failures.status(noted))
                process_state.own_time(failures.OWN, at)
        except Exception:  # whatever comes here must not replace the program's error
            with contextlib.suppress(Exception):  # at the limit of recursion this fails as well
                process_state.fault("noting an exception")

    def end(self, end_time: Optional[int] = None) -> None:
        if not self.ended:
            at = now_ns() if end_time is None else int(end_time) - process_state.offset_ns
            if self.details is not None:
                # Only now: instrumentations set attributes after the start as well.
                self.site = self.site.with_attributes(self.details.attributes)
            self.end_at(max(at, self.started))
            process_state.emit(self)

    def get_span_context(self) -> otel.SpanContext:
        self.ensure_details()  # somebody may refer to it from now on
        return otel.SpanContext(
            trace_id=trace_id_of(self),
            span_id=self.id or ids.assign(self),
            is_remote=False,
            trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED),
        )


class Remote:
    """A parent that another process or another tracer holds: two numbers."""

    __slots__ = ("id", "trace_id")

    def __init__(self, trace_id: int, span_id: int) -> None:
        self.trace_id = trace_id
        self.id = span_id
        process_state.see(trace_id)


Parent = Union[Span, Remote]


class Recorded(Protocol):
    """What has, or gets, an id of its own: a span or a composite."""

    id: int
    parent: Optional[Parent]
    details: Optional[SpanDetails]


def trace_id_of(span: Union[Recorded, Remote]) -> int:
    """The trace a span belongs to: the run's, or the one of a parent that came from elsewhere."""
    node: Union[Recorded, Remote, None] = span
    while node is not None and not isinstance(node, Remote):
        if node.details is not None and node.details.trace_id:
            return node.details.trace_id
        node = node.parent
    return node.trace_id if node is not None else process_state.trace_id
