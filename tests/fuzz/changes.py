"""Random changes to the documents of run files.

A document keeps its structure, mostly: what changes is the type of a value, a number, a text, and the shape
of the tree of spans.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Callable, Dict, List, Tuple

from nutrace import semconv

#: Values for places where something else is expected.
ODD: Tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 5, 1.5, -0.0, 1e308, -1e308, float("nan"), float("inf")),
    *(2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40),
    *("", "0", "-1", "NaN", "Infinity", "9223372036854775807", "1e400", "true", "٣", " 7 ", "0x10"),
    *([], {}, [[]], [2], ["x"], [{}], {"a": 1}, {"values": []}, {"values": {}}, [None], [[[[[[1]]]]]]),
    *("\n", "a\nb\r\n", "\x1b[31m\x1b]0;title\x07", "\0", "\ud800", "\u202eabc\u2066", "\u2028", "<script>"),
    *("]]>&amp;\"'", "%s %d {} {0}", "../../etc/passwd", "/", "x" * 5_000, "日本語" * 40, "a;b c", "|`*_"),
)

#: Names of attributes that commands look for.
KEYS = (
    *(
        value
        for name, value in vars(semconv).items()
        if name.isupper() and isinstance(value, str) and "." in value
    ),
    *("db.system", "db.statement", "db.name", "db.operation", "db.sql.table", "process.command_args"),
    *("process.pid", "host.name", "service.name", "exception.type", "exception.message"),
)
SPAN_NAMES = tuple(value for name, value in vars(semconv).items() if name.endswith("_SPAN"))

_VALUE_KINDS = (
    "stringValue",
    "intValue",
    "doubleValue",
    "boolValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
)
_SPELLINGS = {
    "resourceSpans": ("resource_spans", "batches", "ResourceSpans"),
    "scopeSpans": ("scope_spans", "instrumentationLibrarySpans"),
    "traceId": ("trace_id",),
    "spanId": ("span_id",),
    "startTimeUnixNano": ("start_time_unix_nano",),
    "kind": ("Kind",),
}

Span = Dict[str, Any]


def spans_of(document: Any) -> List[Span]:
    """The spans of a document that has not been changed yet."""
    return [
        span
        for resource in document["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def fewer(document: Any, random: Random, most: int) -> Any:
    """A copy with a stretch of each list of spans, `most` spans in all or a few more."""
    document = copy.deepcopy(document)
    share = most / max(len(spans_of(document)), 1)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            spans = scope["spans"]
            length = min(len(spans), int(len(spans) * share) + 1)
            begin = random.randint(0, len(spans) - length)
            scope["spans"] = spans[begin : begin + length]
    return document


def change(document: Any, random: Random, number: int) -> None:
    """Make `number` random changes to a document, in place."""
    spans, entries = spans_of(document), list(document["resourceSpans"])
    changes: List[Callable[[List[Span], Random], None]] = [
        _odd_attribute, _odd_attribute, _odd_field, _time, _ids, _copy_span, _name, _event, _chain,
    ]  # fmt: skip
    for _ in range(number):
        if not spans or random.random() < 0.02:
            odd_value(document, random)
        elif random.random() < 0.1:
            odd_value(random.choice(entries).get("resource"), random)
        elif random.random() < 0.3:
            odd_value(random.choice(spans), random)
        else:
            random.choice(changes)(spans, random)


def odd_value(at: Any, random: Random) -> None:
    """Replace one value somewhere in a document, drop it, or spell its key otherwise."""
    while True:
        if not isinstance(at, (dict, list)) or not at:
            return
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = random.choice(keys)
        below = at[key]
        if not isinstance(below, (dict, list)) or not below or random.random() < 0.06:
            break
        at = below
    what = random.random()
    if what < 0.1 and isinstance(at, dict):
        del at[key]
    elif what < 0.2 and isinstance(at, dict) and key in _SPELLINGS:
        at[random.choice(_SPELLINGS[key])] = at.pop(key)
    elif what < 0.3 and isinstance(at, dict) and key in _VALUE_KINDS:
        at[random.choice(_VALUE_KINDS)] = at.pop(key)
    else:
        at[key] = odd(random)


def odd(random: Random) -> Any:
    """A value that is seldom what a reader expects."""
    value = random.choice(ODD)
    if isinstance(value, int) and not isinstance(value, bool) and random.random() < 0.5:
        return str(value)
    return copy.deepcopy(value)


def any_value(random: Random, item: Any = None, depth: int = 0) -> Any:
    """An AnyValue of an odd value."""
    item = odd(random) if item is None else item
    kind = random.choice(_VALUE_KINDS)
    if kind in ("arrayValue", "kvlistValue") and depth < 4:
        values: List[Any] = [any_value(random, depth=depth + 1) for _ in range(random.randint(0, 4))]
        if kind == "kvlistValue":
            values = [{"key": random.choice(KEYS), "value": value} for value in values]
        return {kind: {"values": values}}
    return {kind: item}


def _odd_attribute(spans: List[Span], random: Random) -> None:
    span = random.choice(spans)
    attributes = span.get("attributes")
    if not isinstance(attributes, list):
        attributes = span["attributes"] = []
    present = [item for item in attributes if isinstance(item, dict)]
    if present and random.random() < 0.6:
        random.choice(present)["value"] = any_value(random)
    else:
        number = random.choice((-1, 0, 1, 7, 10**6, 10**12, 2**53, 2**62, 2**63 - 1))
        value = {"intValue": str(number)} if random.random() < 0.6 else any_value(random)
        attributes.insert(random.randint(0, len(attributes)), {"key": random.choice(KEYS), "value": value})


def _odd_field(spans: List[Span], random: Random) -> None:
    span = random.choice(spans)
    fields = ("traceId", "spanId", "parentSpanId", "name", "kind", "attributes", "events", "status", "links")
    field = random.choice(fields)
    span[field] = odd(random)
    if field == "status" and random.random() < 0.7:
        span[field] = {"code": odd(random), "message": odd(random)}


def _time(spans: List[Span], random: Random) -> None:
    span, other = random.choice(spans), random.choice(spans)
    field = random.choice(("startTimeUnixNano", "endTimeUnixNano"))
    number = random.choice((0, 1, -1, 2**53, 2**62 - 1, 2**62, 2**63 - 1, 2**63, 2**64, 10**30))
    if random.random() < 0.5:
        try:
            number = int(other.get(field, 0)) + random.choice((0, -1, 1, 10**6, -(10**9)))
        except (TypeError, ValueError, OverflowError):
            pass
    span[field] = str(number) if random.random() < 0.7 else number


def _ids(spans: List[Span], random: Random) -> None:
    span, other = random.choice(spans), random.choice(spans)
    field, source = random.choice(("spanId", "parentSpanId")), random.choice(("spanId", "parentSpanId"))
    span[field] = other.get(source, "")


def _copy_span(spans: List[Span], random: Random) -> None:
    random.choice(spans).update(copy.deepcopy(random.choice(spans)))


def _name(spans: List[Span], random: Random) -> None:
    random.choice(spans)["name"] = random.choice(SPAN_NAMES)


def _event(spans: List[Span], random: Random) -> None:
    event = {
        "name": odd(random),
        "timeUnixNano": odd(random),
        "attributes": [
            {"key": random.choice(("exception.type", "exception.message", "x")), "value": any_value(random)}
        ],
    }
    random.choice(spans)["events"] = [event] * random.choice((1, 1, 3, 1000))


def _chain(spans: List[Span], random: Random) -> None:
    """Make a stretch of the spans the ancestors of each other, with or without a cycle at the end."""
    length = min(len(spans), random.choice((3, 30, 300)))
    begin = random.randint(0, len(spans) - length)
    chain = spans[begin : begin + length]
    for below, above in zip(chain[1:], chain):
        below["parentSpanId"] = above.get("spanId", "")
        if random.random() < 0.5:
            below["startTimeUnixNano"] = above.get("startTimeUnixNano", "0")
            below["endTimeUnixNano"] = above.get("endTimeUnixNano", "0")
    if random.random() < 0.2:
        chain[0]["parentSpanId"] = random.choice(chain).get("spanId", "")
