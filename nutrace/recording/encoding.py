"""Spans as OTLP/JSON text.

Source of the format: opentelemetry-proto's trace.proto and the OTLP specification's JSON mapping:
lowerCamelCase keys, ids in hex, enums as integers, 64-bit integers as decimal strings.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

import msgspec

from nutrace import semconv
from nutrace.recording.compression import Composite, Record
from nutrace.recording.span import Extra, Parent, Site, Span, home, ids, trace_id_of
from nutrace.recording.tally import Tally
from nutrace.recording.values import Values, clean

_dumps: Callable[[Any], bytes] = msgspec.json.Encoder().encode

_LONGEST_TRACE = 16384  # characters of a stack trace, if attribute texts must be shorter


def text(value: str) -> str:
    """`value` as a JSON string; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    return _dumps(clean(value)).decode()


def _inside(values: Values, attributes: Mapping[str, Any]) -> str:
    """`attributes` as the inside of a JSON array of KeyValue."""
    return ",".join([_key_value(values, key, value) for key, value in attributes.items()])


def _key_value(values: Values, key: Any, value: Any) -> str:
    """One KeyValue; numbers and short texts, which is nearly all there is, without a detour."""
    kind = type(value)
    if kind is str and len(value) <= values.limit and value.isascii():
        content = f'{{"stringValue":{_dumps(value).decode()}}}'
    elif kind is int and -_INT64 <= value < _INT64:
        content = f'{{"intValue":"{value}"}}'
    else:
        plain = _plain_items(values, value[:]) if kind is list else ""  # its owner may go on writing
        content = (
            f'{{"arrayValue":{{"values":[{plain}]}}}}' if plain else _dumps(values.any_value(value)).decode()
        )
    name = values.names.get(key) if type(key) is str else None
    if name is None:
        name = _dumps(values.text(key)).decode()
        if len(values.names) < _MOST_NAMES and type(key) is str:
            values.names[key] = name
    return f'{{"key":{name},"value":{content}}}'


def _plain_items(values: Values, entries: List[Any]) -> str:
    """Numbers and hashes, which statements list; empty if it is anything else that must be looked at."""
    if len(entries) == 1:
        entry = entries[0]
        if type(entry) is int and -_INT64 <= entry < _INT64:
            return f'{{"intValue":"{entry}"}}'
        if type(entry) is str and len(entry) <= values.limit and entry.isalnum() and entry.isascii():
            return f'{{"stringValue":"{entry}"}}'
        return ""
    kinds = set(map(type, entries))
    if kinds == {int} and len(entries) <= values.limit and -_INT64 <= min(entries) <= max(entries) < _INT64:
        return ",".join([f'{{"intValue":"{entry}"}}' for entry in entries])
    if kinds == {str}:
        text = "".join(entries)
        if len(text) <= values.limit and text.isalnum() and text.isascii():
            return ",".join([f'{{"stringValue":"{entry}"}}' for entry in entries])
    return ""


_INT64 = 1 << 63
_INTS = {int}
_UNKNOWN = ("", "")
_MOST_FRAMES = 10_000
_MOST_PARENTS = 64  # those of the last spans; more would only keep them from being freed
_MOST_NAMES = 1000  # programs may make up names of attributes


def _hex_trace() -> str:
    return f"{home.trace_id:032x}"


def number(key: str, value: int) -> str:
    """An attribute, with the comma before it; `key` is one of ours."""
    return f',{{"key":"{key}","value":{{"intValue":"{value}"}}}}'


def list_of_one(key: str, value: Union[int, str]) -> str:
    """Likewise, a list with one number, or one hash."""
    if type(value) is str:
        return f',{{"key":"{key}","value":{{"arrayValue":{{"values":[{{"stringValue":"{value}"}}]}}}}}}'
    return f',{{"key":"{key}","value":{{"arrayValue":{{"values":[{{"intValue":"{value}"}}]}}}}}}'


def _numbers(numbers: Mapping[str, int]) -> str:
    return "".join([f',{{"key":"{key}","value":{{"intValue":"{value}"}}}}' for key, value in numbers.items()])


class Encoder:
    """Turns records into JSON objects, one text each.

    Parameters
    ----------
    text_limit:
        Longest attribute text and name in characters.
    """

    def __init__(self, text_limit: int) -> None:
        self.values = Values(text_limit)
        self._noted = Values(max(text_limit, _LONGEST_TRACE))
        self._frames: Dict[Tuple[Site, int], Tuple[str, str]] = {}
        self._parents: Dict[Any, Tuple[str, str]] = {None: ("", "")}

    @property
    def truncated(self) -> int:
        """Texts and lists that were cut."""
        return self.values.cut + self._noted.cut

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
        attributes.update(site.attributes)
        site.fragment = _inside(self.values, attributes)
        return site.fragment

    def encode(self, record: Record, thread_id: int) -> str:
        """One span object. `thread_id` is the thread's that the record was made in."""
        extra = record.extra
        tail = ""
        if extra is None:
            head, foot = self._frames.get((record.site, thread_id)) or self._frame(record.site, thread_id)
            more = "" if type(record) is Span else self._composite(record)  # type: ignore[arg-type]
        else:
            head, foot = self._frame(record.site, extra.thread_id or thread_id)
            if extra.name is not None:
                head = self._head(self._text(extra.name), record.site)
            more = self._attributes(extra)
            tail = self._tail(extra)
        above, trace = self._parents.get(record.parent) or self._above(record.parent)
        offset = home.offset_ns
        if not trace or (extra is not None and extra.trace_id):
            trace = f"{trace_id_of(record):032x}"
        return (
            f'{{"traceId":"{trace}","spanId":"{record.id or ids.assign(record):016x}",{above}'
            f'{head}"startTimeUnixNano":"{record.started + offset}",'
            f'"endTimeUnixNano":"{record.ended + offset}",{foot}{more}]{tail}}}'
        )

    def leaf(
        self, site: Site, parent: Optional[Parent], started: int, ended: int, more: str, thread_id: int
    ) -> str:
        """A span that bears nothing of its own but the attributes `more`, as :func:`number` gives them."""
        head, foot = self._frames.get((site, thread_id)) or self._frame(site, thread_id)
        above, trace = self._parents.get(parent) or self._above(parent)
        offset = home.offset_ns
        return (
            f'{{"traceId":"{trace or _hex_trace()}","spanId":"{ids.next():016x}",{above}'
            f'{head}"startTimeUnixNano":"{started + offset}",'
            f'"endTimeUnixNano":"{ended + offset}",{foot}{more}]}}'
        )

    def _frame(self, site: Site, thread_id: int) -> Tuple[str, str]:
        """What all spans of a site in a thread have in common, before their times and behind."""
        known = self._frames.get((site, thread_id))
        if known is not None:
            return known
        fragment = site.fragment or self.fragment(site)
        frame = (
            self._head(site.quoted or self._quote(site), site),
            f'"attributes":[{fragment}{number(semconv.THREAD_ID, thread_id)}',
        )
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        self._frames[site, thread_id] = frame
        return frame

    def _head(self, name: str, site: Site) -> str:
        return f'"name":{name},"kind":{site.kind},'

    def _above(self, parent: Any) -> Tuple[str, str]:
        """A parent's id as JSON and its trace, worked out once for all that is below it."""
        if len(self._parents) >= _MOST_PARENTS:
            self._parents = {None: ("", "")}
        trace = ""
        if type(parent) is Span and (parent.extra is None or not parent.extra.trace_id):
            trace = self._parents.get(parent.parent, _UNKNOWN)[1]  # its own parent's, if that is known
        trace = trace or f"{trace_id_of(parent):032x}"
        said = f'"parentSpanId":"{parent.id or ids.assign(parent):016x}",', trace
        self._parents[parent] = said
        return said

    def _composite(self, record: Composite) -> str:
        more = ""
        if isinstance(record, Tally):
            record.close()
            numbers = record.numbers
            if set(map(type, numbers.values())) <= _INTS:
                more = _numbers(numbers)
            else:
                for key, value in numbers.items():
                    # What adds up need not be one number: the types inside deep copies.
                    plain = type(value) is int
                    more += number(key, value) if plain else "," + _inside(self._noted, {key: value})
            for key, entries in record.series.items():
                if len(entries) == 1 and type(entries[0]) is int and -_INT64 <= entries[0] < _INT64:
                    more += list_of_one(key, entries[0])
                else:
                    more += "," + _key_value(self._noted, key, entries)
        if record.count == 1:  # a span like any other, so far as its times go
            usual = record.sum_ns == record.ended - record.started
            return more if usual else more + number(semconv.BUSY_NS, record.sum_ns)
        return (
            f'{more},{{"key":"{semconv.COMPOSITE_COUNT}","value":{{"intValue":"{record.count}"}}}},'
            f'{{"key":"{semconv.BUSY_NS}","value":{{"intValue":"{record.sum_ns}"}}}},'
            f'{{"key":"{semconv.COMPOSITE_MIN_NS}","value":{{"intValue":"{record.min_ns}"}}}},'
            f'{{"key":"{semconv.COMPOSITE_MAX_NS}","value":{{"intValue":"{record.max_ns}"}}}}'
        )

    def announce(self, span: Span, now: int) -> str:
        """An open span, as it would look if it ended at `now` (a clock reading)."""
        site = span.site
        parent = span.parent
        above = ""
        if parent is not None:
            above = f'"parentSpanId":"{parent.id or ids.assign(parent):016x}",'  # type: ignore[arg-type]
        extra = span.extra
        more = self._attributes(extra) if extra is not None else ""
        renamed = extra.name if extra is not None else None
        name = self._quote(site) if renamed is None else self._text(renamed)
        return (
            f'{{"traceId":"{trace_id_of(span):032x}","spanId":"{span.id or ids.assign(span):016x}",{above}'
            f'"name":{name},"kind":{site.kind},'
            f'"startTimeUnixNano":"{span.started + home.offset_ns}",'
            f'"endTimeUnixNano":"{now + home.offset_ns}",'
            f'"attributes":[{site.fragment or self.fragment(site)}{more}]}}'
        )

    def _quote(self, site: Site) -> str:
        site.quoted = self._text(site.name)
        return site.quoted

    def _text(self, value: Any) -> str:
        return _dumps(self.values.text(value)).decode()

    def _attributes(self, extra: Extra) -> str:
        more = ""
        attributes = dict(extra.attributes)  # a copy: the program's threads may still write
        if extra.busy_ns is not None:
            more += number(semconv.BUSY_NS, extra.busy_ns)
        if extra.continues is not None:
            attributes[semconv.CONTINUES] = f"{extra.continues.id or ids.assign(extra.continues):016x}"
        if extra.unfinished:
            attributes[semconv.UNFINISHED] = True
        if attributes:
            more += "," + _inside(self.values, attributes)
        return more

    def _tail(self, extra: Extra) -> str:
        tail = ""
        if extra.events:
            events = [
                f'{{"name":{self._text(name)},"timeUnixNano":"{at + home.offset_ns}",'
                f'"attributes":[{_inside(self._noted, attributes)}]}}'
                for name, at, attributes in extra.events
            ]
            tail += f',"events":[{",".join(events)}]'
        if extra.links:
            links = [
                f'{{"traceId":"{trace:032x}","spanId":"{span:016x}",'
                f'"attributes":[{_inside(self.values, noted)}]}}'
                for trace, span, noted in extra.links
            ]
            tail += f',"links":[{",".join(links)}]'
        code, message = extra.status
        if code:
            tail += f',"status":{{"code":{code},"message":{self._text(message)}}}'
        return tail


def resource(attributes: Mapping[str, Any]) -> str:
    """A resource's JSON object."""
    return f'{{"attributes":[{_inside(Values(1 << 20), attributes)}]}}'


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
