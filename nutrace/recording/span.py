"""A span while it is recorded: the one object the hot path makes.

It is an OpenTelemetry span (registered as one: inheriting would give each a dictionary), so that
``trace.get_current_span()`` inside a probed function gives something to set attributes on, and
costs nothing until somebody does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import traceback
from types import TracebackType
from typing import Any, Callable, Dict, Mapping, Optional, Protocol, Sequence, Tuple, Type, Union

from opentelemetry import trace as otel
from opentelemetry.util import types

from nutrace import semconv
from nutrace.anyvalue import UNPRINTABLE
from nutrace.recording.clock import now_ns


class CallSite:
    """What all spans of one probed function have in common, worked out once."""

    __slots__ = (
        "_database",
        "attributes",
        "component",
        "given",
        "kind",
        "name",
        "scope",
        "step",
        "target",
    )

    def __init__(
        self,
        name: str,
        component: str,
        *,
        function: str = "",
        file: str = "",
        line: int = 0,
        kind: int = 1,
        scope: Tuple[str, str] = (semconv.SCOPE, ""),
        attributes: Optional[Mapping[str, Any]] = None,
    ) -> None:
        self.name = name
        self.component = component
        self.kind = kind  # OTLP's numbering: 1 internal ... 5 consumer
        self.scope = scope
        self.step = name == semconv.STEP_SPAN
        self.target = (function, file, line)
        self.attributes: Mapping[str, Any] = attributes or {}  # that all of its spans have
        self.given: Dict[Any, CallSite] = {}  # by the code of a generator that a call gave: for calls that do
        self._database: Optional[CallSite] = None

    def with_attributes(self, attributes: Mapping[str, Any]) -> CallSite:
        """This site, or its twin in the component database if the attributes are a query's."""
        if self.component != "other" or not ("db.system" in attributes or "db.system.name" in attributes):
            return self
        if self._database is None:
            self._database = CallSite(self.name, "database", kind=self.kind, scope=self.scope)
        return self._database


class SpanDetails:
    """What few spans have: attributes, events, links, a status, a generator's account.

    What a span does not have stays with the class: setting each to its default takes ten times longer than
    anything else here where the processor's caches are cold.
    """

    attributes: Dict[str, Any]
    events: Sequence[Tuple[str, int, Mapping[str, Any]]] = ()
    links: Sequence[Tuple[int, int, Mapping[str, Any]]] = ()
    status: Tuple[int, str] = (0, "")
    name: Optional[str] = None
    busy_ns: Optional[int] = None
    away_ns = 0  # while a generator that it lies in was suspended
    thread_id = 0  # if another thread hands it over than the one it ran in
    continues: Optional[Span] = None
    unfinished = False
    dangling: Optional[Span] = None  # a bracket that was opened below this span
    theirs = False  # made by the program's own provider
    backdated = False  # its start was told, not read off the clock
    trace_id = 0  # if it is not the one of its parents
    base: Any = None  # the OpenTelemetry context below, if it carried baggage

    def add_event(self, name: str, at: int, attributes: Mapping[str, Any]) -> None:
        """Threads of the program may do so at the same time."""
        vars(self).setdefault("events", []).append((name, at, attributes))

    def add_link(self, trace_id: int, span_id: int, attributes: Mapping[str, Any]) -> None:
        """Likewise."""
        vars(self).setdefault("links", []).append((trace_id, span_id, attributes))


class Ids:
    """Span ids of this process: a random part and a counter, never zero."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start a new series; a forked child must not repeat its parent's."""
        self._base = (int.from_bytes(os.urandom(4), "big") | 1) << 32
        self._count = itertools.count(1)
        self._lock = threading.RLock()  # a signal handler may come back in

    def next(self) -> int:
        """An id for what nobody else knows of yet."""
        return self._base + next(self._count)

    def assign(self, span: Recorded) -> int:
        """Give `span` its id; two threads that ask at once get the same."""
        with self._lock:
            if not span.id:
                above: Any = span.parent
                if hasattr(above, "sum_ns"):  # a composite that it was merged into
                    span.id = self.assign(above)
                else:
                    span.id = self._base + next(self._count)
            return span.id


ids = Ids()


# How generators and iterators end; nothing has failed.
_NO_FAILURE = (GeneratorExit, StopIteration, StopAsyncIteration)


def unrecorded(where: str) -> None:
    """What becomes of a fault of ours while nothing records."""


class ProcessState:
    """Where this process's spans belong: its trace, its tie to Unix time, who takes them."""

    def __init__(self) -> None:
        self.trace_id = int.from_bytes(os.urandom(16), "big") | 1
        self.foreign = False  # whether a span was seen that belongs to another trace
        self.offset_ns = 0
        self.longest_ns = 200_000  # leaves that took longer are not merged
        self.secret = os.urandom(16)  # the key of hashes: in this process's memory and nowhere else
        self.sql_text = True  # whether statements are written, or their hashes only
        self.last_failure = (0, 0)  # id() of the error, and of the span that it went on to
        self.emit: Callable[[Span], None] = lambda span: None
        self.drain_full_queue: Callable[[Any], None] = lambda spans: spans.clear()
        self.fault: Callable[[str], None] = unrecorded

    def see(self, trace_id: int) -> None:
        """A span of that trace will be written, or one below it."""
        if trace_id != self.trace_id:
            self.foreign = True


process_state = ProcessState()


@otel.Span.register
class Span:
    """A span from its start on. `started` and `ended` are :func:`now_ns` readings; `ended` 0: open."""

    __slots__ = ("details", "ended", "id", "parent", "site", "started")

    def __init__(self, site: CallSite, parent: Optional[Parent]) -> None:
        self.site = site
        self.parent = parent
        self.started = 0
        self.ended = 0
        self.id = 0  # assigned when first needed: a merged leaf never needs one
        self.details: Optional[SpanDetails] = None

    # -- the recorder's own ------------------------------------------------------------------

    def ensure_details(self) -> SpanDetails:
        """Its :class:`SpanDetails`, made on demand; a span that has one is never merged."""
        details = self.details
        if details is None:
            details = SpanDetails()
            details.attributes = {}
            self.details = details
        return details

    def end_at(self, at: int) -> None:
        """End at a clock reading; while its generator was suspended it cost nothing."""
        self.ended = at
        details = self.details
        if details is not None and details.away_ns:
            details.busy_ns = at - self.started - details.away_ns

    def fail(self, error: BaseException) -> None:
        """Note that `error` left this span: status and, where it began, an exception event."""
        try:
            if type(error) not in _NO_FAILURE:
                noted = self._noted(error)
                self.ensure_details().add_event("exception", now_ns(), noted)
                self.ensure_details().status = (2, f"{noted['exception.type']}: {noted['exception.message']}")
        except Exception:  # law 1: whatever comes here must not replace the program's error
            with contextlib.suppress(Exception):  # at the limit of recursion this fails as well
                process_state.fault("noting an exception")

    def _noted(self, error: BaseException) -> Dict[str, Any]:
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ != "builtins":
            name = f"{kind.__module__}.{name}"
        try:
            message = str(error)
        except Exception:  # a message that cannot be made must not replace the program's error
            message = UNPRINTABLE
        noted: Dict[str, Any] = {"exception.type": name, "exception.message": message}
        # The stack is written once, by the innermost span: the outer ones see the same object pass.
        # (The error's id alone would not do: the next one may live where this one did.)
        if process_state.last_failure != (id(error), id(self)):
            noted["exception.stacktrace"] = "".join(traceback.format_tb(error.__traceback__, limit=-20))
        process_state.last_failure = (id(error), id(self.parent))
        return noted

    # -- opentelemetry.trace.Span ------------------------------------------------------------

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if error is not None and self.is_recording():
            self.fail(error)
        self.end()

    def get_span_context(self) -> otel.SpanContext:
        self.ensure_details()  # somebody may refer to it from now on
        return otel.SpanContext(
            trace_id=trace_id_of(self),
            span_id=self.id or ids.assign(self),
            is_remote=False,
            trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED),
        )

    def is_recording(self) -> bool:
        return not self.ended

    def set_attribute(self, key: str, value: types.AttributeValue) -> None:
        if not self.ended:
            self.ensure_details().attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, types.AttributeValue]) -> None:
        if not self.ended:
            self.ensure_details().attributes.update(attributes)

    def add_event(
        self, name: str, attributes: types.Attributes = None, timestamp: Optional[int] = None
    ) -> None:
        if not self.ended:
            at = now_ns() if timestamp is None else int(timestamp) - process_state.offset_ns
            self.ensure_details().add_event(name, at, dict(attributes or {}))

    def add_link(self, context: otel.SpanContext, attributes: types.Attributes = None) -> None:
        if not self.ended and context is not None:
            self.ensure_details().add_link(context.trace_id, context.span_id, dict(attributes or {}))

    def update_name(self, name: str) -> None:
        if not self.ended:
            self.ensure_details().name = name

    def set_status(
        self, status: Union[otel.Status, otel.StatusCode], description: Optional[str] = None
    ) -> None:
        if self.ended:
            return
        if isinstance(status, otel.Status):
            code, description = status.status_code, status.description
        else:
            code = status
        self.ensure_details().status = (code.value, description or "")

    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: Optional[int] = None,
        escaped: bool = False,
    ) -> None:
        if self.ended:
            return
        try:
            noted = self._noted(exception)
            noted.update(attributes or {})
            if escaped:
                noted["exception.escaped"] = True
            self.add_event("exception", noted, timestamp)
        except Exception:  # law 1
            process_state.fault("noting an exception")

    def end(self, end_time: Optional[int] = None) -> None:
        if not self.ended:
            at = now_ns() if end_time is None else int(end_time) - process_state.offset_ns
            if self.details is not None:
                # Only now: instrumentations set attributes after the start as well.
                self.site = self.site.with_attributes(self.details.attributes)
            self.end_at(max(at, self.started))
            process_state.emit(self)


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
