"""The executions of statements that a trace holds: one batch for each span.

A span of nutrace's sqlite3 probe stands for one or more executions, and lists the time and the hash of the
parameters of each. A span of another instrumentation counts if it has a statement's text, under the names of
the semantic conventions of today or of before, unless spans with statements lie inside it: they are the same
executions, one level down.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.sql.text import statement_of
from nutrace.trace import Trace
from nutrace.trace.bounds import whole

_SYSTEMS = (semconv.DB_SYSTEM, semconv.OLD_DB_SYSTEM)
_TEXTS = (semconv.DB_TEXT, semconv.OLD_DB_TEXT)
_NAMESPACES = (semconv.DB_NAMESPACE, semconv.OLD_DB_NAMESPACE)
_OPERATIONS = (semconv.DB_OPERATION, semconv.OLD_DB_OPERATION)
#: Databases whose commands are not SQL: their texts stay as they are.
_NOT_SQL = frozenset(
    (
        *("redis", "mongodb", "memcached", "elasticsearch", "opensearch", "dynamodb", "aws.dynamodb"),
        *("couchdb", "hbase", "geode", "neo4j", "influxdb"),
    )
)
#: Parameters as Python's drivers for servers have them. In SQLite this is a remainder by the column s.
_FORMAT_PARAMETER = re.compile(r"%(?:\(\w+\))?s\b")


class Batch(NamedTuple):
    """Executions of one statement below one span.

    Attributes
    ----------
    span:
        Its number in the trace.
    statement:
        Hash of the normalised text; the text itself if it is not SQL.
    text, operation, system, database:
        "" if unknown. ``database`` is SQLite's file, or a server's name for the database.
    rows, execute_ns, fetch_ns:
        Of all executions together; None if they were not recorded.
    calls:
        Number of executions; 0 if the batch continues one that another span began.
    took_ns, parameters:
        For each execution, its time in ns, and the hash of its parameters. Both lists are empty if the file
        does not have them.
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
    rows: Optional[int]
    execute_ns: int
    fetch_ns: Optional[int]
    calls: int
    took_ns: List[int]
    parameters: List[str]
    runs: int
    continues: str

    @property
    def total_ns(self) -> int:
        """Execute and fetch, of all executions together."""
        return self.execute_ns + (self.fetch_ns or 0)


def batches(trace: Trace) -> List[Batch]:
    """All batches of a trace, in the order in which they began."""
    ordered = sorted(_batches(trace), key=lambda batch: (trace.start_ns[batch.span], batch.span))
    _add_continued(trace, ordered)
    return ordered


def _batches(trace: Trace) -> Iterator[Batch]:
    holders = [span for span, component in enumerate(trace.component) if _holds_text(trace, span, component)]
    ends = (*holders[1:], len(trace))
    inner = {span for span, following in zip(holders, ends) if following >= trace.subtree_end[span]}
    for span, name in enumerate(trace.name):
        if name == semconv.STATEMENT_SPAN:
            yield _of_driver(trace, span)
        elif name == semconv.ALCHEMY_FETCH_SPAN:
            yield _of_fetch(trace, span)
        elif span in inner:
            yield _of_others(trace, span)


def _holds_text(trace: Trace, span: int, component: str) -> bool:
    name = trace.name[span]
    if name == semconv.STATEMENT_SPAN:
        return True
    if component != "database" or name.startswith("sqlite3.") or name == semconv.ALCHEMY_FETCH_SPAN:
        return False
    attributes = trace.attributes(span)
    return bool(text(attributes, *_TEXTS) or text(attributes, semconv.SQL_STATEMENT))


def _of_driver(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    calls = trace.calls[span]
    took: Any = attributes.get(semconv.SQL_TOOK_NS)
    hashes: Any = attributes.get(semconv.SQL_PARAMETERS)
    if not calls or not _are_times(took, calls) or not _are_texts(hashes, calls):
        took = hashes = ()
    return Batch(
        span,
        text(attributes, semconv.SQL_STATEMENT),
        text(attributes, semconv.DB_TEXT),
        text(attributes, semconv.DB_OPERATION),
        text(attributes, semconv.DB_SYSTEM),
        text(attributes, semconv.DB_NAMESPACE),
        number(attributes, semconv.DB_ROWS),
        number(attributes, semconv.SQL_EXECUTE_NS),
        number(attributes, semconv.SQL_FETCH_NS),
        calls,
        list(took),
        list(hashes),
        max(number(attributes, semconv.SQL_RUNS), 1),
        "" if calls else text(attributes, semconv.CONTINUES),
    )


def _of_fetch(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    digest = text(attributes, semconv.SQL_STATEMENT)
    system = text(attributes, semconv.DB_SYSTEM)
    rows, busy = number(attributes, semconv.DB_ROWS), trace.busy_ns[span]
    return Batch(span, digest, "", "", system, "", rows, 0, busy, 0, [], [], 1, "")


def _of_others(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    written, system = text(attributes, *_TEXTS), text(attributes, *_SYSTEMS)
    digest = text(attributes, semconv.SQL_STATEMENT)
    operation = text(attributes, *_OPERATIONS)
    if not digest:
        digest, written, first = _normalised(written, system)
        operation = operation or first
    rows = whole(attributes.get(semconv.DB_ROWS))
    return Batch(
        span,
        digest,
        written,
        operation or written.split(" ", 1)[0].upper(),
        system,
        text(attributes, *_NAMESPACES),
        rows if rows >= 0 else None,
        trace.busy_ns[span],
        None,
        trace.calls[span],
        [],
        [],
        max(number(attributes, semconv.DB_BATCH), 1),
        "",
    )


def _normalised(written: str, system: str) -> Tuple[str, str, str]:
    """The hash of a statement, its text without literals, and its first word."""
    if system in _NOT_SQL:
        return written, written, ""
    statement = statement_of(written if system == "sqlite" else _FORMAT_PARAMETER.sub("?", written))
    return statement.digest, statement.text, statement.operation


def _add_continued(trace: Trace, ordered: List[Batch]) -> None:
    """Add to each execution the time of the spans that continue it."""
    later: Dict[str, int] = {}
    for batch in ordered:
        if batch.continues:
            later[batch.continues] = later.get(batch.continues, 0) + batch.total_ns
    if later:
        for batch in ordered:
            if len(batch.took_ns) == 1:  # a span that others continue holds one execution
                batch.took_ns[0] += later.get(trace.span_id(batch.span), 0)


def _are_times(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(whole(item) >= 0 for item in value)


def _are_texts(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(isinstance(item, str) for item in value)
