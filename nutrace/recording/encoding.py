"""Spans as OTLP/JSON text.

Source of the format: opentelemetry-proto's trace.proto and the OTLP specification's JSON mapping:
lowerCamelCase keys, ids in hex, enums as integers, 64-bit integers as decimal strings.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Mapping, Sequence, Tuple

from nutrace import semconv
from nutrace.anyvalue import Values, clean, dumps
from nutrace.recording import failures
from nutrace.recording.composites import Composite, Record
from nutrace.recording.span import CallSite, Span, SpanDetails, ids, process_state, trace_id_of
from nutrace.recording.tracebacks import NotedTraceback, Texts

_LONGEST_TRACE = 16384  # characters of a stack trace, if attribute texts must be shorter
_LONGEST_RESOURCE = 1 << 20  # characters of a resource's attribute
_MOST_FRAMES = 10_000
_STATEMENTS = (semconv.DB_TEXT, semconv.OLD_DB_TEXT)
_TIMES = f',{{"key":"{semconv.COMPOSITE_TIMES}","value":{{"arrayValue":{{"values":[{{"intValue":"%s"}}]}}}}}}'
_PARAMETERS = ("db.query.parameter", "db.statement.parameters", "db.operation.parameter")


class Encoder:
    """Turns records into JSON objects, one text each.

    Parameters
    ----------
    text_limit:
        Longest attribute text and name in characters.
    """

    def __init__(self, text_limit: int) -> None:
        self._values = Values(text_limit)
        self._long_values = Values(max(text_limit, _LONGEST_TRACE))  # of events and tallies
        self._frames: Dict[Tuple[CallSite, int], Tuple[str, str]] = {}
        self.tracebacks = Texts()
        self._below = f'{{"traceId":"{process_state.trace_id:032x}","parentSpanId":"'

    @property
    def truncated(self) -> int:
        """Texts and lists that were cut."""
        return self._values.cut + self._long_values.cut

    def encode(self, record: Record, thread_id: int) -> str:
        """One span object; `thread_id` is the thread that the record was made in."""
        details = record.details
        more = tail = ""
        if details is None:
            head, foot = self._frames.get((record.site, thread_id)) or self._frame(record.site, thread_id)
            front = self._front(record.parent)
            if type(record) is not Span:
                more = self._composite(record)  # type: ignore[arg-type]
        else:
            head, foot = self._frame(record.site, details.thread_id or thread_id)
            front = self._front(record.parent, details.trace_id)
            if details.name is not None:
                head = self._head(self._text(details.name), record.site)
            more = self._attributes(details)
            tail = self._tail(details)
        offset = process_state.offset_ns
        return (
            f"{front}{record.id or ids.assign(record):016x}{head}"
            f'{record.started + offset}","endTimeUnixNano":"{record.ended + offset}{foot}{more}]{tail}}}'
        )

    def announce(self, span: Span, now: int) -> str:
        """An open span, as it would look if it ended at `now` (a clock reading)."""
        site = span.site
        details = span.details
        more = self._attributes(details) if details is not None else ""
        renamed = details.name if details is not None else None
        offset = process_state.offset_ns
        return (
            f"{self._front(span.parent, details.trace_id if details is not None else 0)}"
            f"{span.id or ids.assign(span):016x}{self._head(self._text(renamed or site.name), site)}"
            f'{span.started + offset}","endTimeUnixNano":"{now + offset}",'
            f'"attributes":[{self._site_attributes(site)}{more}]}}'
        )

    def _frame(self, site: CallSite, thread_id: int) -> Tuple[str, str]:
        """What a site's spans in a thread have in common: between id and start, and behind the end."""
        known = self._frames.get((site, thread_id))
        if known is not None:
            return known
        frame = (
            self._head(self._text(site.name), site),
            f'","attributes":[{self._site_attributes(site)},'
            f"{self._values.as_json({semconv.THREAD_ID: thread_id})}",
        )
        if len(self._frames) >= _MOST_FRAMES:
            self._frames.clear()
        self._frames[site, thread_id] = frame
        return frame

    def _site_attributes(self, site: CallSite) -> str:
        """The attributes that all spans of a site have."""
        function, file, line = site.target
        attributes: Dict[str, Any] = {semconv.COMPONENT: site.component}
        if function:
            attributes[semconv.CODE_FUNCTION] = function
        if file:
            attributes[semconv.CODE_FILE] = file
        if line:
            attributes[semconv.CODE_LINE] = line
        attributes.update(site.attributes)
        return self._values.as_json(attributes)

    def _head(self, name: str, site: CallSite) -> str:
        return f'","name":{name},"kind":{site.kind},"startTimeUnixNano":"'

    def _front(self, parent: Any, trace_id: int = 0) -> str:
        """What a span below `parent` begins with, up to its id; `trace_id` is its own, if it has one."""
        if parent is None:
            return f'{{"traceId":"{trace_id or process_state.trace_id:032x}","spanId":"'
        above = parent.id or ids.assign(parent)
        if not trace_id and not process_state.foreign:
            return f'{self._below}{above:016x}","spanId":"'
        return (
            f'{{"traceId":"{trace_id or trace_id_of(parent):032x}","parentSpanId":"{above:016x}","spanId":"'
        )

    def _composite(self, record: Composite) -> str:
        attributes = record.attributes()
        times: Sequence[int] = attributes.pop(semconv.COMPOSITE_TIMES, ())
        text = f",{self._long_values.as_json(attributes)}" if attributes else ""
        if times:  # a list of integers and nothing else: by way of Values it would take most of the time
            text += _TIMES % '"},{"intValue":"'.join(map(str, times))
        return text

    def _attributes(self, details: SpanDetails) -> str:
        # A copy: the program's threads may still write.
        attributes = _without_values(dict(details.attributes))
        if details.busy_ns is not None:
            attributes[semconv.BUSY_NS] = details.busy_ns
        if details.own_ns:
            attributes[semconv.OWN_NS] = details.own_ns
        if details.continues is not None:
            attributes[semconv.CONTINUES] = f"{details.continues.id or ids.assign(details.continues):016x}"
        if details.unfinished:
            attributes[semconv.UNFINISHED] = True
        if semconv.CODE_FILE in attributes:  # not the call site's: no probed function has the span
            attributes[semconv.BLOCK] = True
        return f",{self._values.as_json(attributes)}" if attributes else ""

    def _tail(self, details: SpanDetails) -> str:
        offset = process_state.offset_ns
        tail = ""
        if details.events:
            events = [
                f'{{"name":{self._text(name)},"timeUnixNano":"{at + offset}",'
                f'"attributes":[{self._long_values.as_json(self._formatted(noted))}]}}'
                for name, at, noted in details.events
            ]
            tail += f',"events":[{",".join(events)}]'
        if details.links:
            links = [
                f'{{"traceId":"{trace:032x}","spanId":"{span:016x}",'
                f'"attributes":[{self._values.as_json(noted)}]}}'
                for trace, span, noted in details.links
            ]
            tail += f',"links":[{",".join(links)}]'
        code, message = details.status
        if code:
            tail += f',"status":{{"code":{code},"message":{self._text(message)}}}'
        return tail

    def _formatted(self, noted: Mapping[str, Any]) -> Mapping[str, Any]:
        stack = noted.get(failures.STACK)
        if type(stack) is not NotedTraceback:
            return noted
        return {**noted, failures.STACK: self.tracebacks.of(stack)}

    def _text(self, value: Any) -> str:
        return dumps(self._values.text(value)).decode()


def _without_values(attributes: Dict[str, Any]) -> Dict[str, Any]:
    """The attributes of a span that any instrumentation may have made, without a statement's values."""
    for name in _STATEMENTS:
        if name in attributes:
            text = attributes.pop(name)
            if process_state.sql_text:
                attributes[name] = process_state.fold_statement(str(text))
    for name in [name for name in attributes if str(name).startswith(_PARAMETERS)]:
        del attributes[name]
    return attributes


def resource(attributes: Mapping[str, Any], longest: int = _LONGEST_RESOURCE) -> str:
    """A resource's JSON object; `longest` is the limit of an attribute's text, in characters."""
    return f'{{"attributes":[{Values(longest).as_json(attributes)}]}}'


@lru_cache(maxsize=256)
def scope(name: str, version: str) -> str:
    """An instrumentation scope's JSON object."""
    return dumps({"name": clean(name), "version": clean(version)}).decode()


def line(resource_json: str, scopes: Sequence[Tuple[str, Sequence[str]]]) -> bytes:
    """One line, which is a whole TracesData: scopes, each with spans."""
    groups = [f'{{"scope":{scope_json},"spans":[{",".join(spans)}]}}' for scope_json, spans in scopes]
    return (
        f'{{"resourceSpans":[{{"resource":{resource_json},"scopeSpans":[{",".join(groups)}]}}]}}\n'
    ).encode("utf-8", "replace")
