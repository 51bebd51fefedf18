"""What a statement costs: the execute and every fetch, added up like the resumptions of a generator.

A fetch below another span than the execute (or than the fetch before) is charged there, in a span that
continues the first one. This module knows which statements are open, so that the end of a recording
can hand them over. It does not import sqlite3, because most programs that are traced may never do so.
"""

from __future__ import annotations

import weakref
from _thread import get_ident
from typing import Any, Dict, List, Optional

from nutrace import semconv
from nutrace.recording.buffers import local
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import tally
from nutrace.recording.context import span_below
from nutrace.recording.span import CallSite, Span, ids, process_state
from nutrace.recording.stopwatch import struck


class OpenStatement:
    """One execution of a statement, from its execute to its last row.

    Parameters
    ----------
    site:
        Its call site.
    parameters:
        The hash of its parameters.
    connection:
        The state of its connection.
    span:
        A span that is not started yet.
    under:
        What was current when `span` was made.
    """

    __slots__ = (
        "__weakref__",
        "_first",
        "_native_id",
        "at_once",
        "clocked_ns",
        "connection",
        "ended",
        "execute_ns",
        "fetch_ns",
        "idle",
        "last_ns",
        "parameters",
        "rows",
        "runs",
        "site",
        "span",
        "thread",
        "under",
    )

    def __init__(self, site: CallSite, parameters: str, connection: Any, span: Span, under: Any) -> None:
        self.site = site
        self.parameters = parameters
        self.connection = connection
        self.span: Optional[Span] = span
        self.under = under
        self._first = span
        self.thread = get_ident()
        self._native_id = local.buffer.thread_id
        # Whether it is open and SQLite is not working on it. A fetch meanwhile, by a SQL function that
        # uses the cursor it is called from or by another thread, is refused by sqlite3.
        self.idle = False
        self.ended = False
        self.execute_ns = 0
        self.fetch_ns = 0
        self.rows = 0
        self.at_once = 0  # of these, the ones that came with others
        self.runs = 0  # sets of parameters of an executemany
        self.clocked_ns = 0  # what we did around the execute
        self.last_ns = 0  # clock reading when SQLite last returned

    def stay_open(self) -> None:
        """There may be rows to fetch. It ends later, wherever that happens."""
        under = self.under
        if type(under) is Span and not under.id:
            # Our span may outlive the one above it, which must not be merged away till then.
            ids.assign(under)
        self.idle = True
        _open[id(self)] = weakref.ref(self)

    def continue_below(self, state: Any, now: int) -> Span:
        """End the span for what was fetched so far, and begin one for a fetch at `now` below `state`."""
        if self.span is not None:
            self.span.ensure_details()  # the new span refers to it
            self._hand_over()
        span = span_below(self.site, state)
        if type(state) is Span and not state.id:
            ids.assign(state)
        span.ensure_details().continues = self._first
        span.started = now
        self.span = span
        self.under = state
        self.thread = get_ident()
        self._native_id = local.buffer.thread_id
        return span

    def fail(self, error: BaseException) -> None:
        """Note a fetch that failed; the program may go on fetching."""
        span = self.span
        if span is not None:
            span.fail(error)
            self._hand_over()

    def end(self) -> None:
        """There are no more rows, or the program does not want them."""
        self.ended = True
        self.idle = False
        _open.pop(id(self), None)
        if self.span is not None:
            self._hand_over()

    def _hand_over(self) -> None:
        at_ns, events = now_ns(), struck()
        span = self.span
        assert span is not None
        self.span = None
        span.ended = self.last_ns
        if self.thread != get_ident():
            span.ensure_details().thread_id = self._native_id
        took = self.execute_ns + self.fetch_ns
        numbers = {
            semconv.DB_ROWS: self.rows,
            semconv.SQL_EXECUTE_NS: self.execute_ns,
            semconv.SQL_FETCH_NS: self.fetch_ns,
        }
        if self.at_once:
            numbers[semconv.SQL_ROWS_AT_ONCE] = self.at_once
        if self.runs:
            numbers[semconv.SQL_RUNS] = self.runs
            span.ensure_details()  # never merged: `parameters` is the hash of all its sets together
        series = {semconv.SQL_PARAMETERS: self.parameters, semconv.SQL_TOOK_NS: took}
        tally(span, numbers, series, took, (at_ns - took - self.clocked_ns, events))
        self.forget_costs()

    def forget_costs(self) -> None:
        """What was spent so far is recorded, or belongs to another process."""
        self.rows = self.at_once = self.execute_ns = self.fetch_ns = self.runs = self.clocked_ns = 0

    def __del__(self) -> None:
        # The cursor was collected, or it executed something else.
        try:
            if not self.ended:
                self.end()
        except Exception:  # at the interpreter's end any global may be gone
            process_state.fault("ending a statement")


_open: Dict[int, weakref.ReferenceType[OpenStatement]] = {}  # begun and not ended, by id()


def _open_statements() -> List[OpenStatement]:
    statements = (reference() for reference in list(_open.values()))
    return [statement for statement in statements if statement is not None]


def end_all_of(connection: Any) -> None:
    """End the open statements of a connection, given by its state."""
    if _open:
        for statement in _open_statements():
            if statement.connection is connection:
                end(statement)


def end(statement: OpenStatement) -> None:
    """:meth:`OpenStatement.end`; a fault of ours in it does not reach the program."""
    try:
        statement.end()
    except Exception:
        process_state.fault("ending a statement")


def close_open() -> int:
    """At the end of a recording: hand over what is still open, as unfinished, and return the number."""
    statements = _open_statements()
    for statement in statements:
        if statement.span is not None:
            statement.span.ensure_details().unfinished = True
        statement.end()
    return len(statements)


def forget_open() -> None:
    """In a forked child: what was spent so far belongs to the parent process."""
    for statement in _open_statements():
        statement.span = None
        statement.forget_costs()
