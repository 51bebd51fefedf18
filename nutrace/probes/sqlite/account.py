"""What a statement costs: execute and every fetch, added up like a generator's resumptions.

A fetch below another span than the execute (or the fetch before) is charged there, in a span that
continues the first one. What is open is known here, so that a recording's end can hand it over;
this module needs no sqlite3, which a program may never import.
"""

from __future__ import annotations

import weakref
from _thread import get_ident
from typing import Any, Dict, List, Optional

from nutrace import semconv
from nutrace.recording.buffers import local
from nutrace.recording.context import span_below
from nutrace.recording.span import CallSite, Span, ids, process_state
from nutrace.recording.tally import enqueue, settle, take_or_begin


class Account:
    """One execution of a statement, from its execute to its last row.

    It is `ready` for a fetch while it is open and SQLite is not at work for it: whoever comes then (a
    SQL function that uses the cursor it is called from, another thread) will be refused by sqlite3.
    It is `bare` if, besides, nothing of Python's runs inside SQLite, and one thread uses it.
    """

    __slots__ = (
        "__weakref__",
        "_first",
        "bare",
        "digest",
        "ended",
        "execute_ns",
        "fetch_ns",
        "last",
        "link",
        "native_id",
        "ready",
        "rows",
        "runs",
        "shared",
        "site",
        "span",
        "thread",
        "under",
    )

    def __init__(self, site: CallSite, digest: str, link: Any, span: Span, under: Any) -> None:
        self.site = site
        self.digest = digest
        self.link = link
        self.span: Optional[Span] = span
        self.under = under
        self._first = span
        self.thread = get_ident()
        self.native_id = local.buffer.thread_id
        self.ready = self.bare = False
        self.shared = link.shared
        self.ended = False
        self.execute_ns = 0
        self.fetch_ns = 0
        self.rows = 0
        self.runs = 0  # of an executemany: sets of parameters
        self.last = 0  # clock reading when SQLite was last left

    def stay_open(self) -> None:
        """There may be rows to fetch: to be ended later, wherever that happens."""
        under = self.under
        if type(under) is Span and not under.id:
            # Our span may outlive the one above it, which must not be merged away till then.
            ids.assign(under)
        self.ready = True
        self.bare = not self.shared and not self.link.calls_back
        accounts[id(self)] = weakref.ref(self)

    def enter(self, state: Any, now: int) -> Span:
        """A new span for a fetch at `now` below `state`; the one there was ends."""
        first = self._first
        if self.span is not None:
            self.span.ensure_details()  # it is referred to
            self._emit()
        span = span_below(self.site, state)
        if type(state) is Span and not state.id:
            ids.assign(state)
        span.ensure_details().continues = first
        span.started = now
        self.span = span
        self.under = state
        self.bare = not self.shared and not self.link.calls_back
        self.thread = get_ident()
        self.native_id = local.buffer.thread_id
        return span

    def fail(self, error: BaseException) -> None:
        """A fetch went wrong; the program may go on fetching."""
        span = self.span
        if span is not None:
            span.fail(error)
            self._emit()
        self.bare = False

    def end(self) -> None:
        """No more rows, or nobody who wants them."""
        self.ended = True
        self.ready = self.bare = False
        accounts.pop(id(self), None)
        if self.span is not None:
            self._emit()

    def _emit(self) -> None:
        span = self.span
        assert span is not None
        self.span = None
        took = self.execute_ns + self.fetch_ns
        span.ended = self.last
        if self.thread != get_ident():
            span.ensure_details().thread_id = self.native_id
        tally, new = (None, False) if self.runs else take_or_begin(span, took)
        if tally is None or new:
            numbers = {
                semconv.DB_ROWS: self.rows,
                semconv.SQL_EXECUTE_NS: self.execute_ns,
                semconv.SQL_FETCH_NS: self.fetch_ns,
            }
            if tally is not None:
                tally.numbers = numbers
                tally.series = {semconv.SQL_PARAMETERS: [self.digest], semconv.SQL_TOOK_NS: [took]}
                enqueue(tally)
            else:
                if self.runs:
                    numbers[semconv.SQL_RUNS] = self.runs
                settle(span, took, numbers, {semconv.SQL_PARAMETERS: self.digest, semconv.SQL_TOOK_NS: took})
        else:
            sums = tally.numbers
            sums[semconv.DB_ROWS] += self.rows
            sums[semconv.SQL_EXECUTE_NS] += self.execute_ns
            sums[semconv.SQL_FETCH_NS] += self.fetch_ns
            tally.series[semconv.SQL_PARAMETERS].append(self.digest)
            tally.series[semconv.SQL_TOOK_NS].append(took)
            tally.key.append(True)
        self.rows = self.execute_ns = self.fetch_ns = self.runs = 0

    def __del__(self) -> None:
        # The cursor was collected, or something else was executed with it.
        try:
            if not self.ended:
                self.end()
        except Exception:  # law 1; at the interpreter's end anything may be gone
            process_state.fault("ending a statement")


#: By id(): begun and not ended.
accounts: Dict[int, weakref.ReferenceType[Account]] = {}


def _accounts() -> List[Account]:
    found = (reference() for reference in list(accounts.values()))
    return [account for account in found if account is not None]


def end_of(link: Any) -> None:
    """End the open statements of a connection."""
    for account in _accounts():
        if account.link is link:
            finish(account)


def call_back(link: Any) -> None:
    """From now on SQLite may call Python from statements of this connection."""
    link.calls_back = True
    for account in _accounts():
        if account.link is link:
            account.bare = False


def finish(account: Account) -> None:
    """:meth:`Account.end`, guarded."""
    try:
        account.end()
    except Exception:  # law 1
        process_state.fault("ending a statement")


def close_open() -> int:
    """At the end of a recording: hand over, as unfinished, what is still open; says how many."""
    still = _accounts()
    for account in still:
        if account.span is not None:
            account.span.ensure_details().unfinished = True
        account.end()
    return len(still)


def forget_open() -> None:
    """In a forked child: what was spent so far is the parent process's."""
    for account in _accounts():
        account.span = None
        account.bare = False
        account.rows = account.execute_ns = account.fetch_ns = account.runs = 0
