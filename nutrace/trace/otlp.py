"""Decode OTLP/JSON: typed and fast, or loosely where a file departs from the type.

Source: opentelemetry-proto, ``trace/v1/trace.proto`` in its JSON mapping. Unknown fields are skipped.
Attributes, events and status stay bytes, as most of them are never looked at.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Iterator, List, Optional, Union

import msgspec

from nutrace.trace.bounds import MOST_OBJECTS
from nutrace.trace.values import TooLargeError, integer, loose_json, loose_json_values

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
    batches: Optional[List[ResourceSpans]] = None  # Tempo's /api/traces calls them so


# Not strict: 64-bit integers come as strings or as numbers.
_document = msgspec.json.Decoder(TracesData, strict=False)


def decode_document(data: Union[bytes, bytearray]) -> TracesData:
    """Decode one document.

    Raises
    ------
    TooLargeError
        If it holds more objects than fit into memory.
    ValueError
        If it is not JSON.
    RecursionError
        If it nests deeper than the interpreter allows.
    """
    if len(data) > MOST_OBJECTS and data.count(b"{") > MOST_OBJECTS:
        raise TooLargeError
    try:
        document = _document.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    else:
        if document.resourceSpans is not None:
            return document
        if document.batches is not None:
            return TracesData(document.batches)
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
    except TooLargeError:
        raise
    except ValueError:
        return [_loose_document(value) for value in loose_json_values(bytes(data))]


def decode_lines(data: bytes) -> List[TracesData]:
    """Decode JSON lines if all of them have the type exactly.

    Raises
    ------
    msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooLargeError
        If a line departs from the type, or the lines are too long: decode them one by one then.
    """
    if len(data) > MOST_OBJECTS and data.count(b"{") > MOST_OBJECTS:
        raise TooLargeError
    return _document.decode_lines(data)


def _dicts(value: Any) -> Iterator[Any]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _get(item: Any, *names: str) -> Any:
    """A field under the first of its names that there is, in the spelling of JSON or of protobuf."""
    for name in names:
        for spelling in (name, _snake(name)):
            if spelling in item:
                return item[spelling]
    return None


@cache
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda match: "_" + match[0].lower(), name)


def _raw(value: Any) -> msgspec.Raw:
    if not value:
        return NO_BYTES
    try:
        value = _in_camel_case(value)
    except RecursionError:
        pass  # nested so deeply that nothing will be read of it
    return msgspec.Raw(msgspec.json.encode(value))


def _in_camel_case(value: Any) -> Any:
    """Attributes, events or a status, with the fields spelt as JSON spells them."""
    if isinstance(value, list):
        return [_in_camel_case(item) for item in value]
    if isinstance(value, dict):
        return {_CAMEL_CASE.get(key, key): _in_camel_case(item) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _loose_document(document: Any) -> TracesData:
    if isinstance(document, list):  # an array of documents, as some tools write it
        parts = [part.resourceSpans for part in map(_loose_document, _dicts(document))]
        known = [part for part in parts if part is not None]
        return TracesData([spans for part in known for spans in part] if known else None)
    if not isinstance(document, dict):
        return TracesData()
    if isinstance(document.get("trace"), dict):  # Tempo's /api/v2/traces
        return _loose_document(document["trace"])
    entries = _get(document, "resourceSpans", "batches")
    if not isinstance(entries, list):
        return TracesData()
    return TracesData(
        [
            ResourceSpans(
                resource=_raw(item.get("resource")),
                scopeSpans=[
                    _loose_scope(scope)
                    for key in ("scopeSpans", "instrumentationLibrarySpans")
                    for scope in _dicts(_get(item, key))
                ],
            )
            for item in _dicts(entries)
        ]
    )


def _loose_scope(item: Any) -> ScopeSpans:
    scope = _get(item, "scope", "instrumentationLibrary")
    name = _text(scope.get("name")) if isinstance(scope, dict) else ""
    return ScopeSpans(Scope(name), [_loose_span(span) for span in _dicts(item.get("spans"))])


def _loose_span(item: Any) -> Span:
    return Span(
        traceId=_text(_get(item, "traceId")),
        spanId=_text(_get(item, "spanId")),
        parentSpanId=_text(_get(item, "parentSpanId")),
        name=_text(item.get("name")),
        kind=_kind(item.get("kind")),
        startTimeUnixNano=integer(_get(item, "startTimeUnixNano")),
        endTimeUnixNano=integer(_get(item, "endTimeUnixNano")),
        attributes=_raw(item.get("attributes")),
        events=_raw(item.get("events")),
        status=_raw(item.get("status")),
    )


#: Fields that stay bytes have these names in them.
_CAMEL_CASE = {
    _snake(name): name
    for name in (
        *("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue", "arrayValue", "kvlistValue"),
        "timeUnixNano",
    )
}

_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}


def _kind(value: Any) -> int:
    if isinstance(value, str) and value in _KINDS:
        return _KINDS[value]
    return integer(value)
