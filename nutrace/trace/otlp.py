"""Decode OTLP/JSON: typed and fast, or loosely where a file departs from the type.

Source: opentelemetry-proto, ``trace/v1/trace.proto`` in its JSON mapping. Unknown fields are skipped.
Attributes, events and status stay bytes, as most of them are never looked at.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Optional, Union

import msgspec

from nutrace.trace.values import integer, loose_json, loose_json_values

NO_BYTES = msgspec.Raw(b"")


class Scope(msgspec.Struct, gc=False):
    """InstrumentationScope."""

    name: str = ""


class Span(msgspec.Struct, gc=False):
    """Span; times in Unix ns, 0 if absent."""

    traceId: str = ""
    spanId: str = ""
    parentSpanId: Optional[str] = None
    name: str = ""
    kind: int = 0
    startTimeUnixNano: int = 0
    endTimeUnixNano: int = 0
    attributes: msgspec.Raw = NO_BYTES
    events: msgspec.Raw = NO_BYTES
    status: msgspec.Raw = NO_BYTES


class ScopeSpans(msgspec.Struct, gc=False):
    """ScopeSpans."""

    scope: Optional[Scope] = None
    spans: List[Span] = []


class ResourceSpans(msgspec.Struct, gc=False):
    """ResourceSpans; before OTLP 0.19 scopeSpans was called instrumentationLibrarySpans."""

    resource: msgspec.Raw = NO_BYTES
    scopeSpans: List[ScopeSpans] = []
    instrumentationLibrarySpans: List[ScopeSpans] = []


class TracesData(msgspec.Struct, gc=False):
    """One document; ``resourceSpans`` is None in other JSON."""

    resourceSpans: Optional[List[ResourceSpans]] = None


# Not strict: 64-bit integers come as strings or as numbers.
_document = msgspec.json.Decoder(TracesData, strict=False)


def decode_document(data: Union[bytes, bytearray]) -> TracesData:
    """Decode one document.

    Raises
    ------
    ValueError
        If it is not JSON.
    RecursionError
        If it nests deeper than the interpreter allows.
    """
    try:
        document = _document.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        if document.resourceSpans is not None:
            return document
    return _loose_document(loose_json(bytes(data)))


def decode_documents(data: Union[bytes, bytearray]) -> List[TracesData]:
    """Decode one document, or several that follow each other with or without white space between.

    Raises
    ------
    ValueError, RecursionError
        As :func:`decode_document` does.
    """
    try:
        return [decode_document(data)]
    except ValueError:
        return [_loose_document(value) for value in loose_json_values(bytes(data))]


def decode_lines(data: bytes) -> List[TracesData]:
    """Decode JSON lines if all of them have the type exactly.

    Raises
    ------
    msgspec.DecodeError, UnicodeDecodeError, RecursionError
        If a line departs from the type: decode the lines one by one then.
    """
    return _document.decode_lines(data)


def _dicts(value: Any) -> Iterator[Any]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value)) if value else NO_BYTES


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _loose_document(document: Any) -> TracesData:
    if isinstance(document, list):  # an array of documents, as some tools write it
        parts = [part.resourceSpans for part in map(_loose_document, _dicts(document))]
        known = [part for part in parts if part is not None]
        return TracesData([spans for part in known for spans in part] if known else None)
    if not isinstance(document, dict):
        return TracesData()
    if isinstance(document.get("trace"), dict):  # Tempo's /api/v2/traces
        return _loose_document(document["trace"])
    # Tempo's /api/traces calls them batches.
    entries = document.get("resourceSpans", document.get("batches"))
    if not isinstance(entries, list):
        return TracesData()
    return TracesData(
        [
            ResourceSpans(
                resource=_raw(item.get("resource")),
                scopeSpans=[
                    _loose_scope(scope)
                    for key in ("scopeSpans", "instrumentationLibrarySpans")
                    for scope in _dicts(item.get(key))
                ],
            )
            for item in _dicts(entries)
        ]
    )


def _loose_scope(item: Any) -> ScopeSpans:
    scope = item.get("scope")
    name = _text(scope.get("name")) if isinstance(scope, dict) else ""
    return ScopeSpans(Scope(name), [_loose_span(span) for span in _dicts(item.get("spans"))])


def _loose_span(item: Any) -> Span:
    return Span(
        traceId=_text(item.get("traceId")),
        spanId=_text(item.get("spanId")),
        parentSpanId=_text(item.get("parentSpanId")),
        name=_text(item.get("name")),
        kind=_kind(item.get("kind")),
        startTimeUnixNano=integer(item.get("startTimeUnixNano")),
        endTimeUnixNano=integer(item.get("endTimeUnixNano")),
        attributes=_raw(item.get("attributes")),
        events=_raw(item.get("events")),
        status=_raw(item.get("status")),
    )


_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}


def _kind(value: Any) -> int:
    if isinstance(value, str) and value in _KINDS:
        return _KINDS[value]
    return integer(value)
