"""Functions that connect, execute one statement, fetch and close: traced from inside.

The devkit makes a connection for each query. By way of our classes of connections and cursors each of
these calls passes functions of ours; and as a planner empties the processor's caches between two queries,
every one of them is read from memory anew, which takes many times longer than running it. So where a
function is one of the two that we know, down to its statements, one of ours does the same in its place,
with readings of the clock in between, and hands over one :class:`Visit`; what the two have in common is
written out in both, as a call would cost as much as it does. Any other function, and any call that is not
as plain as nearly all are, goes the usual way.
"""

from __future__ import annotations

import _sqlite3
import marshal
import os
import sqlite3
from functools import partial
from types import FunctionType
from typing import Any, Callable, Deque, Dict, Iterator, Optional, Tuple

from nutrace import semconv
from nutrace.probes.sqlite.connections import namespace_of, numbers, opened
from nutrace.probes.sqlite.parameters import PACKING
from nutrace.probes.sqlite.shape import Shape, shape_of
from nutrace.probes.sqlite.sites import current_sites
from nutrace.probes.sqlite.text import statement_of
from nutrace.probes.sqlite.visit import Visit, VisitSites, visits
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import ProbedCallable, put_around
from nutrace.recording.buffers import LIMIT, local
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current
from nutrace.recording.span import Span, home, ids

_MOST = 2_000  # pairs of a statement and a file that are remembered
_LONGEST = 65_536  # characters of a statement that is
_LARGEST = 4_096  # bytes of parameters that wait for the recorder

_Row = sqlite3.Row
_adapters: Dict[Any, Any] = _sqlite3.adapters
_pack = marshal.dumps


class _SQLite:
    """sqlite3 itself, and whether what stands in its place is that, with our probe around it."""

    found: Any = _sqlite3.connect
    #: Its own, whatever stands before it: in a module it would be traced as well.
    connect: Callable[[str], Any] = getattr(found, "__wrapped__", found)

    def __init__(self) -> None:
        self.known: Any = None  # as seen the last time: `sqlite3.connect`, and how many adapters
        self.known_adapters = 0

    def is_plain(self) -> bool:
        """Whether a connect runs nothing but SQLite, nor do parameters of built-in types."""
        connect = sqlite3.connect
        if type(connect) is not ProbedCallable or connect.__wrapped__ is not self.connect:
            return False
        if any(kind.__module__ == "builtins" for kind, _ in _adapters):
            return False
        self.known, self.known_adapters = connect, len(_adapters)
        return True


_sqlite = _SQLite()


class _Function:
    """A function of the program's, and the sites of its queries in one installation."""

    def __init__(self, original: FunctionType, shape: Shape) -> None:
        self.original = original
        self.raised = "".join(shape.raised)
        self._names = original.__globals__
        self._lines = shape.lines
        self._known: Dict[Tuple[str, str], VisitSites] = {}

    def sites(self, query: Any, parameters: Any, file: Any) -> Optional[Tuple[VisitSites, bytes]]:
        """The sites of a visit, and its parameters packed; none if this call has to go the usual way."""
        kind = type(parameters)
        if kind is not tuple and kind is not list:
            return None  # names, or something that runs Python when SQLite asks it
        # Is it sqlite3 itself that will be called, or a component, or something of the program's?
        asked = self._names.get("sqlite3")
        if asked is not sqlite3 or type(query) is not str or type(file) is not str:
            return None
        seen = asked.connect is _sqlite.known and len(_adapters) == _sqlite.known_adapters
        if not seen and not _sqlite.is_plain():
            return None
        sites = self._known.get((query, file)) or self._made(query, file)
        if sites is None:
            return None
        try:
            packed = _pack(parameters if kind is tuple else tuple(parameters), PACKING)
        except ValueError:  # something that has to be adapted
            return None
        return (sites, packed) if len(packed) <= _LARGEST else None

    def _made(self, query: str, file: str) -> Optional[VisitSites]:
        try:
            return self._make(query, file)
        except Exception:  # law 1
            home.fault("reading a statement")
            return None

    def _make(self, query: str, file: str) -> Optional[VisitSites]:
        if len(query) > _LONGEST or not os.path.isabs(file):
            return None  # what a relative name means may change
        statement = statement_of(query)
        namespace = namespace_of((file,), {})
        code = self.original.__code__
        name = f"{self.original.__module__}.{self.original.__qualname__}"
        connect, execute, close = (
            current_sites.sites.at((name, code.co_filename, self._lines[method]), namespace, kind)
            for method, kind in (
                ("connect", semconv.CONNECT_SPAN),
                ("execute", statement),
                ("close", semconv.CLOSE_SPAN),
            )
        )
        if len(self._known) >= _MOST:
            self._known.clear()
        made = self._known[query, file] = VisitSites(connect, execute, close, statement.literals)
        return made


def _refused(sites: VisitSites, state: Optional[Span], began: int, error: BaseException) -> None:
    """SQLite gave no connection."""
    span = Span(sites.connect, state)
    span.started = began
    span.ended = now_ns()
    span.fail(error)
    home.hand_over(span)


def _settle(visit: Visit, queue: Deque[Any]) -> None:
    """A visit was handed over that is not plain, or filled its queue."""
    at = visit.closed[3] if visit.closed is not None else None
    if at is not visit.parent and type(at) is Span and not at.id:
        ids.assign(at)  # it did not see the visit below it, and must not be merged away
    if visit.account is not None:
        visit.end()
    if len(queue) >= LIMIT:
        home.relieve(queue)


def _of_many(known: _Function, original: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in the place of a generator of a query's rows."""
    get, clock, connect = current.get, now_ns, _sqlite.connect

    def rows(query: Any, parameters: Any, file: Any) -> Iterator[Any]:
        state: Any = get()
        plain = known.sites(query, parameters, file) if state is None or type(state) is Span else None
        if plain is None:
            yield from original(query, parameters, file)
            return
        sites, packed = plain
        began = clock()
        try:
            connection = connect(file)
        except BaseException as error:
            _refused(sites, state, began, error)
            raise
        visit = Visit()
        visit.connected = began, clock(), len(opened) + 1
        visit.site, visit.parent, visit.sites = sites.statement, state, sites
        connection.row_factory = _Row
        number = next(numbers)
        cursor = connection.cursor()
        at: Any = state
        try:
            opened.add(number)
            visit.buffer = local.buffer
            visits[id(visit)] = visit
            began = clock()
            try:
                cursor.execute(query, parameters)
            except BaseException as error:
                visit.executed = (began, clock(), packed)
                visit.fail(error)
                raise
            visit.last = last = clock()
            visit.executed = (began, last, packed)
            if state is not None and not state.id:
                ids.assign(state)  # it may end before us, and must not be merged away till then
            account: Any = visit  # that fetches add to
            fetch = cursor.fetchone
            while True:
                began = clock()
                try:
                    row = fetch()
                except BaseException as error:
                    visit.fail(error, clock() - began)
                    raise
                account.last = last = clock()
                account.fetch_ns += last - began
                if row is None:
                    return
                account.rows += 1
                yield row
                if get() is not state:
                    state = get()
                    account = visit.below(state)
        finally:
            try:
                cursor.close()
                began = clock()
                connection.close()
                ended = clock()
                opened.discard(number)
                at = get()
                visit.closed = (began, ended, len(opened), at)
            finally:
                opened.discard(number)
                if visits.pop(id(visit), None) is not None:  # else a recording's end has handed it over
                    queue = local.spans
                    queue.append(visit)
                    if at is not visit.parent or visit.account is not None or len(queue) >= LIMIT:
                        _settle(visit, queue)

    rows.__name__, rows.__qualname__ = known.original.__name__, known.original.__qualname__

    def execute_many(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs) if kwargs or len(args) != 3 else rows(*args)

    return execute_many


def _of_one(known: _Function, original: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in the place of a function that gives a query's only row."""
    get, clock, connect = current.get, now_ns, _sqlite.connect

    def execute_one(*args: Any, **kwargs: Any) -> Any:
        state: Any = get()
        plain = None
        if not kwargs and len(args) == 3 and (state is None or type(state) is Span):
            plain = known.sites(*args)
        if plain is None:
            return original(*args, **kwargs)
        query, parameters, file = args
        sites, packed = plain
        began = clock()
        try:
            connection = connect(file)
        except BaseException as error:
            _refused(sites, state, began, error)
            raise
        visit = Visit()
        visit.connected = began, clock(), len(opened) + 1
        visit.site, visit.parent, visit.sites = sites.statement, state, sites
        connection.row_factory = _Row
        number = next(numbers)
        cursor = connection.cursor()
        at: Any = state
        try:
            opened.add(number)
            began = clock()
            try:
                cursor.execute(query, parameters)
                executed = clock()
                visit.executed = (began, executed, packed)
                row = cursor.fetchone()
                if row is not None:
                    visit.rows = 1 if cursor.fetchone() is None else 2
                visit.last = last = clock()
                visit.fetch_ns = last - executed
            except BaseException as error:
                if visit.executed is None:
                    visit.executed = (began, clock(), packed)
                visit.fail(error, clock() - visit.executed[1])
                raise
            if visit.rows > 1:
                raise RuntimeError(known.raised)
            return row
        finally:
            try:
                cursor.close()
                began = clock()
                connection.close()
                ended = clock()
                opened.discard(number)
                at = get()
                visit.closed = (began, ended, len(opened), at)
            finally:
                opened.discard(number)
                queue = local.spans
                queue.append(visit)
                if at is not state or visit.account is not None or len(queue) >= LIMIT:
                    _settle(visit, queue)

    return execute_one


#: By their shape: the devkit's execute_many and execute_one, unchanged from its version 0.4 to 1.2.
_KNOWN = {"b45876b506bbe818": _of_many, "c7f0160adda4f9ed": _of_one}


def stand_in(original: Any, switch: Switch) -> Any:
    """What stands around `original`.

    Raises
    ------
    AttributeError
        If it is none of the functions that are known.
    """
    shape = shape_of(original) if type(original) is FunctionType else None
    trace = _KNOWN.get(shape.digest) if shape is not None else None
    if shape is None or trace is None:
        raise AttributeError("it is not the devkit's own: its queries are recorded call by call")

    def never(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    never.traced = partial(trace, _Function(original, shape))  # type: ignore[attr-defined]
    return put_around(original, never, switch)
