"""A connection that is made for one statement: its connect, statement and close, noted in one object."""

from __future__ import annotations

import contextlib
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from nutrace import semconv
from nutrace.probes.sqlite.account import Account, finish
from nutrace.probes.sqlite.parameters import digest_of
from nutrace.recording.buffers import Buffer, buffers, local
from nutrace.recording.bundle import Bundle, Tallies, leaf
from nutrace.recording.clock import now_ns
from nutrace.recording.compression import Record
from nutrace.recording.context import parent_in
from nutrace.recording.encoding import Encoder
from nutrace.recording.keyvalues import listed, number
from nutrace.recording.span import Parent, Site, Span, home


class VisitSites(NamedTuple):
    """Where a visit's three spans come from, and what was folded away in its statement's text."""

    connect: Site
    statement: Site
    close: Site
    literals: bytes


class _Link:
    """What an account asks of a connection that nobody else has."""

    calls_back = shared = False


_LINK = _Link()
# Attributes of a statement, and of a connect or close.
_SAID = (
    number(semconv.DB_ROWS, "%d")
    + number(semconv.SQL_EXECUTE_NS, "%d")
    + number(semconv.SQL_FETCH_NS, "%d")
    + number(semconv.BUSY_NS, "%d")
    + listed(semconv.SQL_PARAMETERS, "stringValue", "%s")
    + listed(semconv.SQL_TOOK_NS, "intValue", "%d")
)
_OPEN = listed(semconv.SQL_OPEN, "intValue", "%d")
_NOTHING = (0, 0, b"")
_NO_CLOSE = (0, 0, 0, None)


class Visit(Bundle):
    """Clock readings of one visit to a database; `parent` is the span that it lies below."""

    # Who makes one sets these four, and then what there is; defaults stay with the class, see `Extra`.
    site: Site
    parent: Optional[Parent]
    sites: VisitSites
    connected: Tuple[int, int, int]  # from, to, connections open then
    buffer: Optional[Buffer] = None  # its thread's, if it may be open at a recording's end
    executed: Optional[Tuple[int, int, bytes]] = None  # from, to, parameters
    closed: Optional[Tuple[int, int, int, Any]] = None  # from, to, connections open, what was current
    fetch_ns = 0
    last = 0  # clock reading when SQLite was last left
    rows = 0
    account: Optional[Account] = None  # if the statement went its own way
    _inherited: Optional[Span] = None  # the statement as another process began it
    _unfinished = False

    # -- the rarer ways ----------------------------------------------------------------------

    def below(self, state: Any) -> Account:
        """What the next fetches add to: they happen below another span than those before."""
        account = self._apart()
        account.enter(state, now_ns())
        return account

    def fail(self, error: BaseException, fetching_ns: int = 0) -> None:
        """`error` left the execute, or a fetch that took `fetching_ns`."""
        account = self._apart()
        account.last = now_ns()
        account.fetch_ns += fetching_ns
        try:
            account.fail(error)
        except Exception:  # law 1
            home.fault("noting a statement's error")

    def cut(self) -> bool:
        """The recording ends before the statement does; false if none was executed yet."""
        if self._inherited is not None:
            self._unfinished = True
            return True
        if self.executed is None:
            return False
        account = self._apart()
        if account.span is not None:
            account.span.more().unfinished = True
        return True

    def inherit(self) -> None:
        """In a forked child: only what is fetched from now on is this process's."""
        if self.executed is not None and self.account is None:
            self._inherited = Span(self.site, self.parent)
            self.fetch_ns = self.rows = 0

    def _continued(self) -> Span:
        """What a forked child has fetched; the call is the parent process's."""
        span = Span(self.site, self.parent)
        span.started, span.ended = self.last - self.fetch_ns, self.last
        extra = span.more()
        extra.continues = self._inherited
        extra.unfinished = self._unfinished
        assert self.executed is not None
        hashed = digest_of(self.sites.literals, self.executed[2])
        extra.attributes.update(
            {
                semconv.DB_ROWS: self.rows,
                semconv.SQL_EXECUTE_NS: 0,
                semconv.SQL_FETCH_NS: self.fetch_ns,
                semconv.SQL_PARAMETERS: [hashed],
                semconv.SQL_TOOK_NS: [self.fetch_ns],
            }
        )
        return span

    def _apart(self) -> Account:
        """The statement as an :class:`Account` of its own, for what a visit cannot say."""
        account = self.account
        if account is None:
            assert self.executed is not None
            began, ended, packed = self.executed
            span = Span(self.site, self.parent)
            span.started = began
            hashed = digest_of(self.sites.literals, packed)
            account = self.account = Account(self.site, hashed, _LINK, span, self.parent)
            account.execute_ns = ended - began
            account.fetch_ns = self.fetch_ns
            account.rows = self.rows
            account.last = self.last
            if self.buffer is not None and self.buffer is not local.buffer:
                account.thread, account.native_id = 0, self.buffer.thread_id
        return account

    def end(self) -> None:
        """Hand over what there is of a statement that went its own way."""
        if self.account is not None:
            finish(self.account)

    # -- what the recorder makes of it -----------------------------------------------------------

    count = 3

    @property
    def started(self) -> int:  # type: ignore[override]
        return self.connected[0]

    @property
    def sum_ns(self) -> int:  # type: ignore[override]
        began, ended, _ = self.connected
        executing, executed, _ = self.executed or _NOTHING
        closing, closed, _, _ = self.closed or _NO_CLOSE
        return ended - began + executed - executing + self.fetch_ns + closed - closing

    @property
    def plain(self) -> bool:  # type: ignore[override]
        closed = self.closed
        whole = self.executed is not None and closed is not None and closed[3] is self.parent
        return whole and self.account is None and self._inherited is None

    def texts(self, encoder: Encoder, thread_id: int) -> List[str]:
        assert self.executed is not None
        assert self.closed is not None
        connect, statement, close, literals = self.sites
        made, executed, closed = self.connected, self.executed, self.closed
        execute_ns = executed[1] - executed[0]
        took = execute_ns + self.fetch_ns
        hashed = digest_of(literals, executed[2])
        said = _SAID % (self.rows, execute_ns, self.fetch_ns, took, hashed, took)
        return encoder.leaves(
            self.parent,
            thread_id,
            (
                (connect, made[0], made[1], _OPEN % made[2]),
                (statement, executed[0], self.last, said),
                (close, closed[0], closed[1], _OPEN % closed[2]),
            ),
        )

    def records(self, tallies: Tallies) -> List[Optional[Record]]:
        sites, parent = self.sites, self.parent
        began, ended, connections = self.connected
        took = ended - began
        series: Dict[str, List[Any]] = {semconv.SQL_OPEN: [connections]}
        made: List[Optional[Record]] = []
        if self._inherited is not None:
            if self.fetch_ns:
                made.append(self._continued())
        else:
            made.append(leaf(tallies, sites.connect, parent, began, ended, took, {}, series))
        if self._inherited is None and self.executed is not None and self.account is None:
            began, ended, packed = self.executed
            execute_ns = ended - began
            took = execute_ns + self.fetch_ns
            numbers = {
                semconv.DB_ROWS: self.rows,
                semconv.SQL_EXECUTE_NS: execute_ns,
                semconv.SQL_FETCH_NS: self.fetch_ns,
            }
            series = {
                semconv.SQL_PARAMETERS: [digest_of(sites.literals, packed)],
                semconv.SQL_TOOK_NS: [took],
            }
            made.append(leaf(tallies, sites.statement, parent, began, self.last, took, numbers, series))
        if self.closed is not None:
            began, ended, connections, state = self.closed
            took = ended - began
            parent = state if state is None or type(state) is Span else parent_in(state)
            series = {semconv.SQL_OPEN: [connections]}
            made.append(leaf(tallies, sites.close, parent, began, ended, took, {}, series))
        return made


#: By id(): those whose rows are not fetched yet, and may never be; whoever takes one out hands it over.
visits: Dict[int, Visit] = {}


def close_open() -> int:
    """At the end of a recording: hand over, as unfinished, what is under way; says how many."""
    unfinished = 0
    with contextlib.suppress(KeyError):  # one by one: other threads end theirs meanwhile
        while True:
            visit = visits.popitem()[1]
            unfinished += visit.cut()
            visit.end()
            own = visit.buffer if visit.buffer in buffers else local.buffer
            own.spans.append(visit)
    return unfinished


def forget_open() -> None:
    """In a forked child: what was spent so far is the parent process's."""
    for visit in list(visits.values()):
        visit.inherit()
