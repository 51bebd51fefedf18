"""Spans as OTLP/JSON text.

Source of the format: opentelemetry-proto's trace.proto and the OTLP specification's JSON mapping:
lowerCamelCase keys, ids in hex, enums as integers, 64-bit integers as decimal strings.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple

import msgspec

from nutrace import semconv
from nutrace.recording.compression import Composite, Record
from nutrace.recording.span import Extra, Site, Span, home, ids, trace_id_of

_dumps: Callable[[Any], bytes] = msgspec.json.Encoder().encode

_INT64 = 1 << 63


def text(value: str) -> str:
    """`value` as a JSON string; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return _dumps(value).decode()
    except UnicodeEncodeError:
        return _dumps(value.encode("utf-8", "replace").decode()).decode()


def any_value(value: Any, limit: int) -> Dict[str, Any]:
    """OTLP's AnyValue; texts over `limit` characters are cut, other objects become their str()."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(int(value))} if -_INT64 <= value < _INT64 else {"stringValue": str(value)}
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return {"doubleValue": {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")}
        return {"doubleValue": float(value)}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [any_value(item, limit) for item in value]}}
    if isinstance(value, bytes):
        return any_value(value.hex(), limit)
    if isinstance(value, Mapping):
        pairs = [{"key": str(key), "value": any_value(item, limit)} for key, item in value.items()]
        return {"kvlistValue": {"values": pairs}}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return any_value(value.item(), limit)  # numpy's scalars
    string = value if isinstance(value, str) else str(value)
    if len(string) > limit:
        string = string[:limit]
    return {"stringValue": string.encode("utf-8", "replace").decode()}


def key_values(attributes: Mapping[str, Any], limit: int) -> str:
    """`attributes` as the inside of a JSON array of KeyValue."""
    pairs = [{"key": str(key), "value": any_value(value, limit)} for key, value in attributes.items()]
    return _dumps(pairs).decode()[1:-1]


def _int_attribute(key: str, value: int) -> str:
    return f',{{"key":"{key}","value":{{"intValue":"{value}"}}}}'


class Encoder:
    """Turns records into JSON objects, one text each.

    Parameters
    ----------
    text_limit:
        Longest attribute text in characters; `truncated` counts what was cut.
    """

    def __init__(self, text_limit: int) -> None:
        self.text_limit = text_limit
        self.truncated = 0

    def fragment(self, site: Site) -> str:
        """A site's share: name, kind, and the attributes that all of its spans have."""
        function, file, line = site.target
        attributes: Dict[str, Any] = {semconv.COMPONENT: site.component}
        if function:
            attributes[semconv.CODE_FUNCTION] = function
        if file:
            attributes[semconv.CODE_FILE] = file
        if line:
            attributes[semconv.CODE_LINE] = line
        site.fragment = key_values(attributes, self.text_limit)
        return site.fragment

    def encode(self, record: Record, thread_id: int) -> str:
        """One span object. `thread_id` is the thread's that the record was made in."""
        site = record.site
        parent = record.parent
        extra = record.extra
        more = f',{{"key":"thread.id","value":{{"intValue":"{thread_id}"}}}}'
        tail = ""
        name = site.name
        if isinstance(record, Composite):
            more += (
                _int_attribute(semconv.COMPOSITE_COUNT, record.count)
                + _int_attribute(semconv.BUSY_NS, record.sum_ns)
                + _int_attribute(semconv.COMPOSITE_MIN_NS, record.min_ns)
                + _int_attribute(semconv.COMPOSITE_MAX_NS, record.max_ns)
            )
        elif extra is not None:
            name = extra.name or name
            more += self._attributes(extra)
            tail = self._tail(extra)
        trace = trace_id_of(record)
        above = ""
        if parent is not None:
            above = f'"parentSpanId":"{parent.id or ids.assign(parent):016x}",'  # type: ignore[arg-type]
        offset = home.offset_ns
        return (
            f'{{"traceId":"{trace:032x}","spanId":"{record.id or ids.assign(record):016x}",{above}'
            f'"name":{text(name)},"kind":{site.kind},'
            f'"startTimeUnixNano":"{record.started + offset}","endTimeUnixNano":"{record.ended + offset}",'
            f'"attributes":[{site.fragment or self.fragment(site)}{more}]{tail}}}'
        )

    def announce(self, span: Span, now: int) -> str:
        """An open span, as it would look if it ended at `now` (a clock reading)."""
        site = span.site
        parent = span.parent
        above = ""
        if parent is not None:
            above = f'"parentSpanId":"{parent.id or ids.assign(parent):016x}",'  # type: ignore[arg-type]
        more = self._attributes(span.extra) if span.extra is not None else ""
        return (
            f'{{"traceId":"{trace_id_of(span):032x}","spanId":"{span.id or ids.assign(span):016x}",{above}'
            f'"name":{text(site.name)},"kind":{site.kind},'
            f'"startTimeUnixNano":"{span.started + home.offset_ns}",'
            f'"endTimeUnixNano":"{now + home.offset_ns}",'
            f'"attributes":[{site.fragment or self.fragment(site)}{more}]}}'
        )

    def _attributes(self, extra: Extra) -> str:
        more = ""
        attributes = dict(extra.attributes)  # a copy: the program's threads may still write
        if extra.busy_ns is not None:
            more += _int_attribute(semconv.BUSY_NS, extra.busy_ns)
        if extra.continues is not None:
            attributes[semconv.CONTINUES] = f"{extra.continues.id or ids.assign(extra.continues):016x}"
        if extra.unfinished:
            attributes[semconv.UNFINISHED] = True
        if attributes:
            self._count_cut(attributes)
            more += "," + key_values(attributes, self.text_limit)
        return more

    def _tail(self, extra: Extra) -> str:
        limit = self.text_limit
        tail = ""
        if extra.events:
            events = [
                f'{{"name":{text(name)},"timeUnixNano":"{at + home.offset_ns}",'
                f'"attributes":[{key_values(attributes, max(limit, 16384))}]}}'
                for name, at, attributes in extra.events
            ]
            tail += f',"events":[{",".join(events)}]'
        if extra.links:
            links = [
                f'{{"traceId":"{trace:032x}","spanId":"{span:016x}","attributes":[{key_values(noted, limit)}]}}'
                for trace, span, noted in extra.links
            ]
            tail += f',"links":[{",".join(links)}]'
        code, message = extra.status
        if code:
            tail += f',"status":{{"code":{code},"message":{text(message[:limit])}}}'
        return tail

    def _count_cut(self, attributes: Mapping[str, Any]) -> None:
        self.truncated += sum(
            1 for value in attributes.values() if isinstance(value, str) and len(value) > self.text_limit
        )


def resource(attributes: Mapping[str, Any]) -> str:
    """A resource's JSON object."""
    return f'{{"attributes":[{key_values(attributes, 1 << 20)}]}}'


def scope(name: str, version: str) -> str:
    """An instrumentation scope's JSON object."""
    return f'{{"name":{text(name)},"version":{text(version)}}}'


def scope_spans(groups: List[Tuple[str, List[str]]]) -> str:
    """ScopeSpans objects, comma-separated, from (scope, spans) pairs of JSON texts."""
    return ",".join(f'{{"scope":{scope},"spans":[{",".join(spans)}]}}' for scope, spans in groups)


def line(resource_json: str, scope_spans_json: str) -> bytes:
    """One line: a whole TracesData."""
    return (
        f'{{"resourceSpans":[{{"resource":{resource_json},"scopeSpans":[{scope_spans_json}]}}]}}\n'
    ).encode("utf-8", "replace")


