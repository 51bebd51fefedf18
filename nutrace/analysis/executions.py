"""The statements that a trace holds: one batch for each span, whoever recorded it.

Spans of sqlite3's own probe stand for one execution or many, and list each one's time and hash of
parameters. Spans of other instrumentations with a statement's text count as well, unless sqlite3's
lie inside: those are the same statement seen from above.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

from nutrace import semconv
from nutrace.trace import Trace

_SYSTEMS = (semconv.DB_SYSTEM, "db.system")
_TEXTS = (semconv.DB_TEXT, "db.statement")
_NAMESPACES = (semconv.DB_NAMESPACE, "db.name")


class Batch(NamedTuple):
    """Executions of one statement below one span.

    Attributes
    ----------
    span:
        Its number in the trace.
    statement:
        Hash of the normalised text; the text itself if another instrumentation wrote the span.
    text, operation, system, database:
        "" if the file does not say. ``database`` is the file, or the server's name for it.
    rows, execute_ns, fetch_ns:
        Of all of them together.
    took_ns, parameters:
        An entry for each execution, in their order; a parameter is None if nobody knows it. Both
        are empty for a batch that only goes on with an execution that another span began.
    runs:
        How often each of them ran: of an executemany, its sets of parameters.
    continues:
        Id of the span that began it; "" if it began here.
    """

    span: int
    statement: str
    text: str
    operation: str
    system: str
    database: str
    rows: int
    execute_ns: int
    fetch_ns: int
    took_ns: List[int]
    parameters: List[Optional[str]]
    runs: int
    continues: str


def batches(trace: Trace) -> List[Batch]:
    """All of a trace's, by the time when they began."""
    found = list(_batches(trace))
    found.sort(key=lambda batch: (trace.start_ns[batch.span], batch.span))
    return _with_continued(trace, found)


def _batches(trace: Trace) -> Iterator[Batch]:
    driver = [span for span, name in enumerate(trace.name) if name == semconv.STATEMENT_SPAN]
    for span, component in enumerate(trace.component):
        name = trace.name[span]
        if name == semconv.STATEMENT_SPAN:
            yield _of_driver(trace, span)
        elif name == semconv.ALCHEMY_FETCH_SPAN:
            yield _of_fetch(trace, span)
        elif component == "database" and not name.startswith("sqlite3."):
            attributes = trace.attributes(span)
            text = _first(attributes, _TEXTS)
            digest = str(attributes.get(semconv.SQL_STATEMENT, ""))
            if (text or digest) and _first(attributes, _SYSTEMS):
                inside = bisect_left(driver, span)
                if inside == len(driver) or driver[inside] >= trace.subtree_end[span]:
                    yield _of_others(trace, span, digest or text, text)


def _of_driver(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    calls = trace.calls[span]
    took: Any = attributes.get(semconv.SQL_TOOK_NS)
    hashes: Any = attributes.get(semconv.SQL_PARAMETERS)
    if not _is_list(took, int, calls) or not _is_list(hashes, str, calls):
        took, hashes = _spread(trace.busy_ns[span], calls), [None] * calls
    return Batch(
        span,
        str(attributes.get(semconv.SQL_STATEMENT, "")),
        str(attributes.get(semconv.DB_TEXT, "")),
        str(attributes.get(semconv.DB_OPERATION, "")),
        str(attributes.get(semconv.DB_SYSTEM, "")),
        str(attributes.get(semconv.DB_NAMESPACE, "")),
        number(attributes, semconv.DB_ROWS),
        number(attributes, semconv.SQL_EXECUTE_NS),
        number(attributes, semconv.SQL_FETCH_NS),
        list(took) if calls else [],
        list(hashes) if calls else [],
        max(number(attributes, semconv.SQL_RUNS), 1),
        "" if calls else str(attributes.get(semconv.CONTINUES, "")),
    )


def _of_fetch(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    digest = str(attributes.get(semconv.SQL_STATEMENT, ""))
    system = str(attributes.get(semconv.DB_SYSTEM, ""))
    rows, busy = number(attributes, semconv.DB_ROWS), trace.busy_ns[span]
    return Batch(span, digest, "", "", system, "", rows, 0, busy, [], [], 1, "")


def _of_others(trace: Trace, span: int, statement: str, text: str) -> Batch:
    attributes = trace.attributes(span)
    calls, busy = trace.calls[span], trace.busy_ns[span]
    operation = str(attributes.get(semconv.DB_OPERATION, "")) or text.split(" ", 1)[0].upper()
    return Batch(
        span,
        statement,
        text,
        operation,
        _first(attributes, _SYSTEMS),
        _first(attributes, _NAMESPACES),
        number(attributes, semconv.DB_ROWS),
        busy,
        0,
        _spread(busy, calls),
        [None] * calls,
        1,
        "",
    )


def _with_continued(trace: Trace, found: List[Batch]) -> List[Batch]:
    """Add what other spans went on with to the execution's time."""
    later: Dict[str, int] = {}
    for batch in found:
        if batch.continues:
            later[batch.continues] = later.get(batch.continues, 0) + batch.execute_ns + batch.fetch_ns
    if later:
        for batch in found:
            if len(batch.took_ns) == 1:  # one that others refer to stands for itself
                batch.took_ns[0] += later.get(trace.span_id(batch.span), 0)
    return found


def number(attributes: Mapping[str, Any], key: str) -> int:
    """An attribute that counts something; 0 if it does not."""
    value = attributes.get(key, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(attributes[key]) for key in keys if attributes.get(key)), "")


def _is_list(value: Any, kind: type, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(isinstance(item, kind) for item in value)


def _spread(total: int, parts: int) -> List[int]:
    """`total` in whole parts that sum to it."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]
