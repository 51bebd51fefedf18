"""Spans to and from a program's own OpenTelemetry SDK; imported only if the program has one.

Source: opentelemetry-sdk's ``SpanProcessor`` and ``ReadableSpan``, which are public.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from opentelemetry import trace as otel
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import AttributeValue

from nutrace import semconv
from nutrace.anyvalue import Values
from nutrace.recording import failures
from nutrace.recording.composites import Composite, Record
from nutrace.recording.recorder import Recorder
from nutrace.recording.span import CallSite, Parent, Recorded, Remote, Span, ids, process_state, trace_id_of
from nutrace.recording.tracebacks import NotedTraceback

_LONGEST = 65_536  # characters of an attribute; the program's own span limits are its exporters'
_MOST_ITEMS = 1000
_MOST_SITES = 2048  # programs may put values into names: the table stays bounded


class OurSpan(ReadableSpan):
    """A span of ours in the SDK's shape. :class:`Inbound` leaves these out: they are in the file already."""


class Inbound(SpanProcessor):
    """A span processor that takes the program's own spans into our run file."""

    def __init__(self, recorder: Recorder, outbound: Outbound) -> None:
        self._recorder = recorder
        self._outbound = outbound
        self._sites: Dict[Any, CallSite] = {}

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        try:
            if not isinstance(span, OurSpan):
                self._take(span)
        except Exception:  # this runs inside the program's own `span.end()`
            process_state.fault("taking a span of the program's provider")

    def shutdown(self) -> None:
        """Hand our spans over before the program's processors shut down, and no more after that."""
        self._recorder.flush()
        self._outbound.over = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Hand our spans over before the program's processors flush."""
        self._recorder.flush()
        return True

    def _take(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or span.start_time is None or span.end_time is None:
            return
        parent: Optional[Parent] = None
        if span.parent is not None:
            parent = Remote(span.parent.trace_id, span.parent.span_id)
        record = Span(self._site(span), parent)
        record.id = context.span_id
        details = record.ensure_details()
        details.trace_id = context.trace_id
        process_state.see(context.trace_id)
        details.theirs = True
        details.attributes.update(span.attributes or {})
        message = failures.text_of(span.status.description or "")
        for event in span.events:
            noted = dict(event.attributes or {})
            if event.name == "exception":
                kept = failures.event_of(noted)
                if kept != noted:  # a database's error: the status most often repeats it
                    message = str(kept.get("exception.type", ""))
                noted = kept
            details.add_event(event.name, event.timestamp - process_state.offset_ns, noted)
        details.status = (span.status.status_code.value, message)
        for link in span.links:
            details.add_link(link.context.trace_id, link.context.span_id, dict(link.attributes or {}))
        record.started = span.start_time - process_state.offset_ns
        record.ended = max(record.started, span.end_time - process_state.offset_ns)
        self._recorder.emit(record)

    def _site(self, span: ReadableSpan) -> CallSite:
        scope = span.instrumentation_scope
        names = (scope.name, scope.version or "") if scope is not None else ("", "")
        attributes = span.attributes or {}
        component = str(attributes.get(semconv.COMPONENT, "other"))
        key = (span.name, span.kind, names, component)
        site = self._sites.get(key)
        if site is None:
            site = CallSite(span.name, component, kind=span.kind.value + 1, scope=names)
            if len(self._sites) < _MOST_SITES:
                self._sites[key] = site
        return site.with_attributes(attributes)


class Outbound:
    """Gives our spans to the program's processors, as the SDK's own read-only spans."""

    def __init__(self, provider: SdkTracerProvider, version: str) -> None:
        self._processor = provider._active_span_processor
        self._resource = provider.resource
        self._version = version
        self.over = False  # the program has shut its provider down

    def __call__(self, record: Record, thread_id: int) -> None:
        span = record
        if self.over or (span.details is not None and span.details.theirs):
            return
        attributes: Dict[str, Any] = {semconv.COMPONENT: span.site.component, semconv.THREAD_ID: thread_id}
        function, file, line = span.site.target
        if function:
            attributes.update(
                {semconv.CODE_FUNCTION: function, semconv.CODE_FILE: file, semconv.CODE_LINE: line}
            )
        attributes.update(span.site.attributes)
        events: List[Event] = []
        links: List[otel.Link] = []
        status = Status()
        if isinstance(record, Composite):
            attributes.update(record.attributes())
        elif span.details is not None:
            details = span.details
            attributes.update(details.attributes)
            if details.thread_id:
                attributes[semconv.THREAD_ID] = details.thread_id
            if details.busy_ns is not None:
                attributes[semconv.BUSY_NS] = details.busy_ns
            if details.own_ns:
                attributes[semconv.OWN_NS] = details.own_ns
            events = [
                Event(name, _clean(noted), at + process_state.offset_ns) for name, at, noted in details.events
            ]
            links = [
                otel.Link(otel.SpanContext(trace_id, span_id, is_remote=True), _clean(noted))
                for trace_id, span_id, noted in details.links
            ]
            code, message = details.status
            status = Status(StatusCode(code), message if code == 2 else None)
        parent = span.parent
        name, version = span.site.scope
        self._processor.on_end(
            OurSpan(
                name=(span.details.name if span.details is not None else None) or span.site.name,
                context=_context(span),
                parent=None if parent is None else _context(parent),
                resource=self._resource,
                attributes=_clean(attributes),
                events=events,
                links=links,
                kind=otel.SpanKind(span.site.kind - 1),
                status=status,
                start_time=span.started + process_state.offset_ns,
                end_time=span.ended + process_state.offset_ns,
                instrumentation_scope=_scope(name, version or self._version),
            )
        )


@lru_cache(maxsize=256)
def _scope(name: str, version: str) -> InstrumentationScope:
    return InstrumentationScope(name, version)


def _clean(attributes: Mapping[str, Any]) -> BoundedAttributes:
    # The SDK's exporters rely on spans that hold attribute values only; for anything else it would log a
    # warning each time.
    values = Values(_LONGEST)
    plain = {values.text(key): _plain(values, value) for key, value in dict(attributes).items()}
    return BoundedAttributes(attributes=plain, immutable=True)


def _plain(values: Values, value: Any) -> AttributeValue:
    """`value` as our run file has it, in the types that the SDK knows: lists of one simple type, or text."""
    if isinstance(value, (list, tuple)):
        items = [_plain(values, item) for item in value[:_MOST_ITEMS]]
        kinds = {type(item) for item in items}
        if len(kinds) == 1 and kinds <= {bool, int, float, str}:
            return items  # type: ignore[return-value, unused-ignore]
        return values.text(value)
    if type(value) is NotedTraceback:
        return values.text(value.text())
    ((kind, content),) = values.any_value(value).items()
    if kind == "intValue":
        return int(content)
    if kind == "doubleValue":
        return float(content)
    return content if kind in ("boolValue", "stringValue") else values.text(value)


def _context(span: Union[Recorded, Remote]) -> otel.SpanContext:
    span_id = span.id if isinstance(span, Remote) else span.id or ids.assign(span)
    flags = otel.TraceFlags(otel.TraceFlags.SAMPLED)
    return otel.SpanContext(trace_id_of(span), span_id, is_remote=False, trace_flags=flags)


def exchange(provider: otel.TracerProvider, recorder: Recorder, version: str) -> Optional[Callable[[], None]]:
    """Connect `recorder` with a program's provider, and return a function that ends that.

    Returns ``None`` if the provider is not the SDK's.
    """
    if not isinstance(provider, SdkTracerProvider):
        return None
    outbound = Outbound(provider, version)
    inbound = Inbound(recorder, outbound)
    provider.add_span_processor(inbound)
    every = provider._active_span_processor
    with every._lock:
        # Ours comes first: at a shutdown it hands over the spans that wait while the others still take them.
        others = tuple(one for one in every._span_processors if one is not inbound)
        every._span_processors = (inbound, *others)
    recorder.listeners.append(outbound)

    def undo() -> None:
        recorder.flush()
        recorder.listeners.remove(outbound)
        with every._lock:
            every._span_processors = tuple(one for one in every._span_processors if one is not inbound)

    return undo
