"""The executions of statements that a trace holds: one batch for each span that has some.

A span of nutrace's sqlite3 probe lists the time and the hash of the parameters of each of its executions.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number, text
from nutrace.analysis.origins import Caller
from nutrace.sql.text import statement_of
from nutrace.trace import Trace, typed
from nutrace.trace.bounds import whole
from nutrace.trace.statements import statement_spans

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
    caller:
        The program's innermost function around the execution.
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
    caller: Caller
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


def batches(trace: Trace) -> Iterator[Batch]:
    """All batches of a trace, in the order in which they began; each is read when it is asked for."""
    later = _continued_ns(trace)
    for span in sorted(statement_spans(trace), key=trace.start_ns.__getitem__):
        batch = _batch(trace, span)
        if later and len(batch.took_ns) == 1:  # a span that others continue holds one execution
            batch.took_ns[0] += later.get(trace.span_id(span), 0)
        yield batch


def _batch(trace: Trace, span: int) -> Batch:
    name = trace.name[span]
    if name == semconv.STATEMENT_SPAN:
        return _of_driver(trace, span)
    return _of_fetch(trace, span) if name == semconv.ALCHEMY_FETCH_SPAN else _of_others(trace, span)


def _continued_ns(trace: Trace) -> Dict[str, int]:
    """By id of a span, the time of those that continue its executions."""
    later: Dict[str, int] = {}
    for span, calls in enumerate(trace.calls):
        if not calls and trace.name[span] == semconv.STATEMENT_SPAN:
            batch = _of_driver(trace, span)
            if batch.continues:
                later[batch.continues] = later.get(batch.continues, 0) + batch.total_ns
    return later


def _of_driver(trace: Trace, span: int) -> Batch:
    # Statements differ in their attributes, so each is decoded, and only as far as it is asked for.
    told = typed.by_key(trace.raw.attributes[span])
    calls = trace.calls[span]
    took = [whole(item.intValue) for item in _items(told, semconv.SQL_TOOK_NS)]
    parameters = [item.stringValue for item in _items(told, semconv.SQL_PARAMETERS)]
    hashes = [each for each in parameters if each is not None]
    if not len(took) == len(parameters) == len(hashes) == calls or -1 in took:
        took, hashes = [], []
    return Batch(
        span,
        Caller(
            typed.text(told, semconv.CODE_FUNCTION),
            typed.text(told, semconv.CODE_FILE),
            max(typed.number(told, semconv.CODE_LINE), 0),
        ),
        typed.text(told, semconv.SQL_STATEMENT),
        typed.text(told, semconv.DB_TEXT),
        typed.text(told, semconv.DB_OPERATION),
        typed.text(told, semconv.DB_SYSTEM),
        typed.text(told, semconv.DB_NAMESPACE),
        max(typed.number(told, semconv.DB_ROWS), 0),
        max(typed.number(told, semconv.SQL_EXECUTE_NS), 0),
        max(typed.number(told, semconv.SQL_FETCH_NS), 0),
        calls,
        took,
        hashes,
        max(typed.number(told, semconv.SQL_RUNS), 1),
        "" if calls else typed.text(told, semconv.CONTINUES),
    )


def _of_fetch(trace: Trace, span: int) -> Batch:
    attributes = trace.attributes(span)
    digest = text(attributes, semconv.SQL_STATEMENT)
    system = text(attributes, semconv.DB_SYSTEM)
    rows, busy = number(attributes, semconv.DB_ROWS), trace.busy_ns[span]
    return Batch(span, _caller(attributes), digest, "", "", system, "", rows, 0, busy, 0, [], [], 1, "")


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
        _caller(attributes),
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


def _caller(attributes: Mapping[str, Any]) -> Caller:
    return Caller(
        text(attributes, semconv.CODE_FUNCTION),
        text(attributes, semconv.CODE_FILE),
        number(attributes, semconv.CODE_LINE),
    )


def _items(told: Mapping[str, typed.Value], key: str) -> List[typed.Value]:
    value = told.get(key)
    return [] if value is None else typed.items_of(value)
