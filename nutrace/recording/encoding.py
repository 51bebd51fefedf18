"""Spans as OTLP/JSON text.

Source of the format: opentelemetry-proto's trace.proto and the OTLP specification's JSON mapping:
lowerCamelCase keys, ids in hex, enums as integers, 64-bit integers as decimal strings.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from nutrace import semconv
from nutrace.recording.composites import Composite, Record
from nutrace.recording.keyvalues import dumps, inside, key_value, listed, number
from nutrace.recording.span import CallSite, Span, SpanDetails, ids, process_state, trace_id_of
from nutrace.recording.values import INT64, Values, clean

_LONGEST_TRACE = 16384  # characters of a stack trace, if attribute texts must be shorter


def text(value: str) -> str:
    """`value` as a JSON string; lone surrogates, which UTF-8 cannot hold, become U+FFFD."""
    return dumps(clean(value)).decode()


_INTS = {int}
_MOST_FRAMES = 10_000


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
        self._frames: Dict[Tuple[CallSite, int], Tuple[str, str]] = {}
        self._below = f'{{"traceId":"{process_state.trace_id:032x}","parentSpanId":"'

    @property
    def truncated(self) -> int:
        """Texts and lists that were cut."""
        return self.values.cut + self._noted.cut

    def fragment(self, site: CallSite) -> str:
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
        site.fragment = inside(self.values, attributes)
        return site.fragment

    def encode(self, record: Record, thread_id: int) -> str:
        """One span object. `thread_id` is the thread's that the record was made in."""
        details = record.details
        if details is not None:
            return self._with_extra(record, details, thread_id)
        head, foot = self._frames.get((record.site, thread_id)) or self._frame(record.site, thread_id)
        more = "" if type(record) is Span else self._composite(record)  # type: ignore[arg-type]
        offset = process_state.offset_ns
        return (
            f"{self._front(record.parent)}{record.id or ids.assign(record):016x}{head}"
            f'{record.started + offset}","endTimeUnixNano":"{record.ended + offset}{foot}{more}]}}'
        )

    def _with_extra(self, record: Record, details: SpanDetails, thread_id: int) -> str:
        head, foot = self._frame(record.site, details.thread_id or thread_id)
        more = self._attributes(details)
        if details.name is not None:
            head = self._head(self._text(details.name), record.site)
        offset = process_state.offset_ns
        return (
            f"{self._front(record.parent, details.trace_id)}{record.id or ids.assign(record):016x}{head}"
            f'{record.started + offset}","endTimeUnixNano":"{record.ended + offset}{foot}{more}]'
            f"{self._tail(details)}}}"
        )

    def _frame(self, site: CallSite, thread_id: int) -> Tuple[str, str]:
        """What all spans of a site in a thread have in common, between id and start and behind the end."""
        known = self._frames.get((site, thread_id))
        if known is not None:
            return known
        fragment = site.fragment or self.fragment(site)
        frame = (
            self._head(site.quoted or self._quote(site), site),
            f'","attributes":[{fragment}{number(semconv.THREAD_ID, thread_id)}',
        )
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        self._frames[site, thread_id] = frame
        return frame

    def _head(self, name: str, site: CallSite) -> str:
        return f'","name":{name},"kind":{site.kind},"startTimeUnixNano":"'

    def _front(self, parent: Any, trace: int = 0) -> str:
        """What a span below `parent` begins with, up to its own id; `trace` is its own, if it has one."""
        if parent is None:
            return f'{{"traceId":"{trace or process_state.trace_id:032x}","spanId":"'
        above = parent.id or ids.assign(parent)
        if not trace and not process_state.foreign:
            return f'{self._below}{above:016x}","spanId":"'
        return f'{{"traceId":"{trace or trace_id_of(parent):032x}","parentSpanId":"{above:016x}","spanId":"'

    def _composite(self, record: Composite) -> str:
        more = ""
        numbers = record.numbers
        if set(map(type, numbers.values())) <= _INTS:
            more = "".join([number(key, value) for key, value in numbers.items()])
        else:
            for key, value in numbers.items():
                # What adds up need not be one number: the types inside deep copies.
                plain = type(value) is int
                more += number(key, value) if plain else "," + inside(self._noted, {key: value})
        for key, entries in record.series.items():
            if len(entries) == 1 and type(entries[0]) is int and -INT64 <= entries[0] < INT64:
                more += listed(key, "intValue", entries[0])
            else:
                more += "," + key_value(self._noted, key, entries)
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
        details = span.details
        more = self._attributes(details) if details is not None else ""
        renamed = details.name if details is not None else None
        name = self._quote(site) if renamed is None else self._text(renamed)
        return (
            f"{self._front(span.parent, details.trace_id if details is not None else 0)}"
            f"{span.id or ids.assign(span):016x}{self._head(name, site)}"
            f'{span.started + process_state.offset_ns}","endTimeUnixNano":"{now + process_state.offset_ns}",'
            f'"attributes":[{site.fragment or self.fragment(site)}{more}]}}'
        )

    def _quote(self, site: CallSite) -> str:
        site.quoted = self._text(site.name)
        return site.quoted

    def _text(self, value: Any) -> str:
        return dumps(self.values.text(value)).decode()

    def _attributes(self, details: SpanDetails) -> str:
        more = ""
        attributes = dict(details.attributes)  # a copy: the program's threads may still write
        if details.busy_ns is not None:
            more += number(semconv.BUSY_NS, details.busy_ns)
        if details.continues is not None:
            attributes[semconv.CONTINUES] = f"{details.continues.id or ids.assign(details.continues):016x}"
        if details.unfinished:
            attributes[semconv.UNFINISHED] = True
        if attributes:
            more += "," + inside(self.values, attributes)
        return more

    def _tail(self, details: SpanDetails) -> str:
        tail = ""
        if details.events:
            events = [
                f'{{"name":{self._text(name)},"timeUnixNano":"{at + process_state.offset_ns}",'
                f'"attributes":[{inside(self._noted, attributes)}]}}'
                for name, at, attributes in details.events
            ]
            tail += f',"events":[{",".join(events)}]'
        if details.links:
            links = [
                f'{{"traceId":"{trace:032x}","spanId":"{span:016x}",'
                f'"attributes":[{inside(self.values, noted)}]}}'
                for trace, span, noted in details.links
            ]
            tail += f',"links":[{",".join(links)}]'
        code, message = details.status
        if code:
            tail += f',"status":{{"code":{code},"message":{self._text(message)}}}'
        return tail


def resource(attributes: Mapping[str, Any]) -> str:
    """A resource's JSON object."""
    return f'{{"attributes":[{inside(Values(1 << 20), attributes)}]}}'


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
