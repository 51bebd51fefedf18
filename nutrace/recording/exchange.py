"""Spans to and from a program's own OpenTelemetry SDK; imported only if the program has one.

Source: opentelemetry-sdk's ``SpanProcessor`` and ``ReadableSpan``, which are public.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from opentelemetry import trace as otel
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.status import Status, StatusCode

from nutrace import semconv
from nutrace.recording.compression import Composite, Record
from nutrace.recording.recorder import Recorder
from nutrace.recording.span import Parent, Remote, Site, Span, home, ids, trace_id_of


class Inbound(SpanProcessor):
    """Takes the program's spans into our run file."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._sites: Dict[Any, Site] = {}

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or span.start_time is None or span.end_time is None:
            return
        parent: Optional[Parent] = None
        if span.parent is not None:
            parent = Remote(span.parent.trace_id, span.parent.span_id)
        record = Span(self._site(span), parent)
        record.id = context.span_id
        extra = record.more()
        extra.trace_id = context.trace_id
        extra.theirs = True
        extra.attributes.update(span.attributes or {})
        extra.status = (span.status.status_code.value, span.status.description or "")
        for event in span.events:
            extra.events.append((event.name, event.timestamp - home.offset_ns, dict(event.attributes or {})))
        for link in span.links:
            extra.links.append((link.context.trace_id, link.context.span_id, dict(link.attributes or {})))
        record.started = span.start_time - home.offset_ns
        record.ended = max(record.started, span.end_time - home.offset_ns)
        self._recorder.hand_over(record)

    def _site(self, span: ReadableSpan) -> Site:
        scope = span.instrumentation_scope
        names = (scope.name, scope.version or "") if scope is not None else ("", "")
        attributes = span.attributes or {}
        component = str(attributes.get(semconv.COMPONENT, "other"))
        if "db.system" in attributes or "db.system.name" in attributes:
            component = "database"
        key = (span.name, span.kind, names, component)
        site = self._sites.get(key)
        if site is None:
            site = Site(span.name, component, kind=span.kind.value + 1, scope=names)
            if len(self._sites) < 2048:
                self._sites[key] = site
        return site


class Outbound:
    """Gives our spans to the program's processors, as the SDK's own read-only spans."""

    def __init__(self, provider: SdkTracerProvider, version: str) -> None:
        self._processor = provider._active_span_processor
        self._resource = provider.resource
        self._scope = InstrumentationScope(semconv.SCOPE, version)

    def __call__(self, record: Record, thread_id: int) -> None:
        span = record.first if isinstance(record, Composite) else record
        if span.extra is not None and span.extra.theirs:
            return
        ended = record.ended
        attributes: Dict[str, Any] = {semconv.COMPONENT: span.site.component, "thread.id": thread_id}
        function, file, line = span.site.target
        if function:
            attributes.update({semconv.CODE_FUNCTION: function, semconv.CODE_FILE: file, semconv.CODE_LINE: line})
        events = []
        status = Status()
        if isinstance(record, Composite):
            attributes.update(
                {
                    semconv.COMPOSITE_COUNT: record.count,
                    semconv.BUSY_NS: record.sum_ns,
                    semconv.COMPOSITE_MIN_NS: record.min_ns,
                    semconv.COMPOSITE_MAX_NS: record.max_ns,
                }
            )
        elif span.extra is not None:
            extra = span.extra
            attributes.update(extra.attributes)
            if extra.busy_ns is not None:
                attributes[semconv.BUSY_NS] = extra.busy_ns
            events = [Event(name, dict(noted), at + home.offset_ns) for name, at, noted in extra.events]
            code, message = extra.status
            status = Status(StatusCode(code), message if code == 2 else None)
        parent = span.parent
        self._processor.on_end(
            ReadableSpan(
                name=(span.extra.name if span.extra is not None else None) or span.site.name,
                context=_context(span),
                parent=None if parent is None else _context(parent),
                resource=self._resource,
                attributes=attributes,
                events=events,
                kind=otel.SpanKind(span.site.kind - 1),
                status=status,
                start_time=span.started + home.offset_ns,
                end_time=ended + home.offset_ns,
                instrumentation_scope=self._scope,
            )
        )


def _context(span: Parent) -> otel.SpanContext:
    span_id = span.id or (ids.assign(span) if isinstance(span, Span) else 0)
    flags = otel.TraceFlags(otel.TraceFlags.SAMPLED)
    return otel.SpanContext(trace_id_of(span), span_id, is_remote=False, trace_flags=flags)


def exchange(provider: otel.TracerProvider, recorder: Recorder, version: str) -> bool:
    """Connect `recorder` with a program's provider; false if it is not the SDK's."""
    if not isinstance(provider, SdkTracerProvider):
        return False
    provider.add_span_processor(Inbound(recorder))
    recorder.listeners.append(Outbound(provider, version))
    return True
