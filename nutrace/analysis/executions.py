"""The executions of statements that a trace holds: one batch for each span.

A span of nutrace's sqlite3 probe stands for one or more executions, and lists the time and the hash of the
parameters of each. A span of another instrumentation counts if it has a statement's text, unless spans of
the sqlite3 probe lie inside it: they are the same executions, one level down.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

from nutrace import semconv
from nutrace.analysis.attributes import number
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
        "" if unknown. ``database`` is SQLite's file, or a server's name for the database.
    rows, execute_ns, fetch_ns:
        Of all executions together.
    took_ns, parameters:
        For each execution, its time in ns, and the hash of its parameters or None if that is unknown. Both
        lists are empty if the batch continues an execution that another span began.
    runs:
        For an executemany, the number of its sets of parameters; else 1.
    continues:
        Id of the span that began the execution; "" if it began here.
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
    """All batches of a trace, in the order in which they began."""
    ordered = sorted(_batches(trace), key=lambda batch: (trace.start_ns[batch.span], batch.span))
    _add_continued(trace, ordered)
    return ordered


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


def _add_continued(trace: Trace, ordered: List[Batch]) -> None:
    """Add to each execution the time of the spans that continue it."""
    later: Dict[str, int] = {}
    for batch in ordered:
        if batch.continues:
            later[batch.continues] = later.get(batch.continues, 0) + batch.execute_ns + batch.fetch_ns
    if later:
        for batch in ordered:
            if len(batch.took_ns) == 1:  # a span that others continue holds one execution
                batch.took_ns[0] += later.get(trace.span_id(batch.span), 0)


def _first(attributes: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((str(attributes[key]) for key in keys if attributes.get(key)), "")


def _is_list(value: Any, kind: type, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(isinstance(item, kind) for item in value)


def _spread(total: int, parts: int) -> List[int]:
    """Divide `total` into whole parts that sum to it."""
    return [total * (part + 1) // parts - total * part // parts for part in range(parts)]
