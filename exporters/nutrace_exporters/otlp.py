"""Spans of the OpenTelemetry SDK as OTLP/JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

OpenTelemetry's own file exporter needs Python 3.10 and protobuf 5, which the devkit does not have.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional, Sequence

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from nutrace.anyvalue import Values

_NO_LIMIT = 1 << 40  # the program's own span limits have cut what is too long


def encode(spans: Sequence[ReadableSpan]) -> bytes:
    """One line of OTLP/JSON (``TracesData``) without a line end."""
    resources: Dict[Resource, Dict[Optional[InstrumentationScope], List[ReadableSpan]]] = {}
    for span in spans:
        resources.setdefault(span.resource, {}).setdefault(span.instrumentation_scope, []).append(span)
    data = {
        "resourceSpans": [
            {
                "resource": {"attributes": _key_values(resource.attributes)},
                "scopeSpans": [
                    {
                        "scope": {"name": scope.name, "version": scope.version or ""} if scope else {},
                        "spans": [_span(span) for span in members],
                    }
                    for scope, members in scopes.items()
                ],
            }
            for resource, scopes in resources.items()
        ]
    }
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def _span(span: ReadableSpan) -> Dict[str, Any]:
    context = span.get_span_context()
    entry: Dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}" if context else "",
        "spanId": f"{context.span_id:016x}" if context else "",
        "name": span.name,
        "kind": span.kind.value + 1,  # The SDK counts from 0, OTLP from 1.
        "startTimeUnixNano": str(span.start_time or 0),
        "endTimeUnixNano": str(span.end_time or span.start_time or 0),
        "attributes": _key_values(span.attributes),
    }
    if span.parent is not None:
        entry["parentSpanId"] = f"{span.parent.span_id:016x}"
    if span.events:
        entry["events"] = [
            {
                "name": event.name,
                "timeUnixNano": str(event.timestamp),
                "attributes": _key_values(event.attributes),
            }
            for event in span.events
        ]
    if not span.status.is_unset:
        # Code: unset 0, ok 1, error 2, in the SDK as in OTLP.
        entry["status"] = {"code": span.status.status_code.value, "message": span.status.description or ""}
    return entry


def _key_values(attributes: Optional[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    return Values(_NO_LIMIT).key_values(attributes or {})
