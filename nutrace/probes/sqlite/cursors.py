"""Cursors that record their statements and rows.

Each method does what sqlite3's does, with a span current meanwhile: SQL functions written in Python
that SQLite calls back are below it. A loop over rows passes here once for each: no more than two
clock readings, and no call that can be spared.
"""

from __future__ import annotations

import sqlite3
from _thread import get_ident
from typing import Any, Callable, Mapping, Optional, Tuple

from opentelemetry.context.context import Context

from nutrace.probes.sqlite.account import Account, finish
from nutrace.probes.sqlite.parameters import Passing, digest
from nutrace.probes.sqlite.sites import caller, current_sites
from nutrace.probes.sqlite.subclasses import Subclasses
from nutrace.probes.sqlite.text import statement_of
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, start_under_context
from nutrace.recording.span import Span, home

_Args = Tuple[Any, ...]
_Kwargs = Mapping[str, Any]

_get = current.get
_set_current = current.set
_execute: Any = sqlite3.Cursor.execute
_executemany: Any = sqlite3.Cursor.executemany
_executescript: Any = sqlite3.Cursor.executescript
_fetchone: Any = sqlite3.Cursor.fetchone
_fetchmany: Any = sqlite3.Cursor.fetchmany
_fetchall: Any = sqlite3.Cursor.fetchall
_next: Any = sqlite3.Cursor.__next__
_close: Any = sqlite3.Cursor.close
_base: Any = sqlite3.Cursor
# Past whatever a subclass makes of these names.
_description: Callable[[Any], Any] = _base.description.__get__
_row_factory: Callable[[Any], Any] = _base.row_factory.__get__
_connection: Callable[[Any], Any] = _base.connection.__get__


class RecordingCursor(sqlite3.Cursor):
    """What is put below the program's cursor class; its ``_nutrace`` is the open :class:`Account`."""

    __slots__ = ()

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _execute, args, kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executemany, args, kwargs)

    def executescript(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executescript, args, kwargs)

    def __next__(self) -> Any:
        account = _account(self)
        if account is None:
            return _next(self)
        state = _get()
        began = now_ns()
        span = account.span
        if span is None or state is not account.under or account.thread != get_ident():
            span = account.enter(state, began)
        # The plain method is the faster way; with a row factory its None may be a row.
        step = _fetchone if _row_factory(self) is None else _next
        account.inside = True
        _set_current(span)
        try:
            row = step(self)
        except BaseException as error:
            _left(account, state, began)
            if type(error) is StopIteration:
                finish(account)
            else:
                _failed(account, error)
            raise
        account.last = last = now_ns()
        _set_current(state)
        account.inside = False
        account.fetch_ns += last - began
        if row is None and step is _fetchone:
            finish(account)
            raise StopIteration
        account.rows += 1
        return row

    def fetchone(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _fetchone(self, *args, **kwargs)
        row = _fetch(self, account, _fetchone, args, kwargs)
        if row is None:
            finish(account)
        else:
            account.rows += 1
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _fetchmany(self, *args, **kwargs)
        size = args[0] if args else kwargs.get("size", self.arraysize)
        rows = _fetch(self, account, _fetchmany, args, kwargs)
        account.rows += len(rows)
        if len(rows) != size:
            finish(account)
        return rows

    def fetchall(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _fetchall(self, *args, **kwargs)
        rows = _fetch(self, account, _fetchall, args, kwargs)
        account.rows += len(rows)
        finish(account)
        return rows

    def close(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _close(self, *args, **kwargs)
        done = _fetch(self, account, _close, args, kwargs)
        finish(account)
        return done

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self) is cursors.default and protocol >= 2:
            raise TypeError("cannot pickle 'sqlite3.Cursor' object")
        return super().__reduce_ex__(protocol)


cursors = Subclasses(sqlite3.Cursor, RecordingCursor)


def _account(cursor: Any) -> Optional[Account]:
    """The statement that a fetch adds to, if there is one and we record."""
    try:
        account: Optional[Account] = cursor._nutrace
    except AttributeError:
        return None
    if account is None or account.ended or account.inside or not switch:
        return None
    return account


def _run(cursor: Any, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """Execute something, which ends what was executed before."""
    try:
        before: Optional[Account] = cursor._nutrace
    except AttributeError:
        before = None
    if before is not None:
        if before.inside:
            return original(cursor, *args, **kwargs)  # from within its own statement: refused by sqlite3
        cursor._nutrace = None
        if not before.ended:
            finish(before)
    if not switch or kwargs or not args or type(args[0]) is not str:
        return original(cursor, *args, **kwargs)
    passing: Optional[Passing] = None
    try:
        link = _connection(cursor)._nutrace
        statement = statement_of(args[0])
        site = current_sites.sites.statement(caller(), statement, link.namespace)
        if original is _executemany and len(args) == 2:
            passing = Passing(statement.literals)
            hashed = ""
        else:
            hashed = digest(statement.literals, args[1] if len(args) > 1 else ())
    except AttributeError:  # of a connection that is not traced, or not initialised
        return original(cursor, *args, **kwargs)
    except Exception:  # law 1
        home.fault("reading a statement")
        return original(cursor, *args, **kwargs)
    if passing is not None:
        args = (args[0], _passing(args[1], passing))
    state = _get()
    span = start_under_context(site, state) if isinstance(state, Context) else Span(site, state)
    account = Account(site, hashed, link, span, state)
    cursor._nutrace = account
    _set_current(span)
    span.started = began = now_ns()
    try:
        result = original(cursor, *args)
    except BaseException as error:
        account.last = now_ns()
        _set_current(state)
        account.execute_ns = account.last - began
        cursor._nutrace = None
        _note_passed(account, passing)
        account.ended = True
        _failed(account, error)
        raise
    account.last = last = now_ns()
    _set_current(state)
    account.execute_ns = last - began
    account.inside = False
    if passing is not None:
        _note_passed(account, passing)
    if original is _execute and _description(cursor) is not None:
        account.stay_open()
    else:
        cursor._nutrace = None
        finish(account)
    return result


def _passing(sets: Any, passing: Passing) -> Any:
    try:
        return map(passing.tap, sets)
    except TypeError:  # no iterable: sqlite3 says so
        return sets


def _note_passed(account: Account, passing: Optional[Passing]) -> None:
    if passing is not None:
        account.digest = passing.digest()
        account.runs = passing.sets


def _fetch(cursor: Any, account: Account, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """One fetch, on its statement's account."""
    state = _get()
    began = now_ns()
    span = account.span
    if span is None or state is not account.under or account.thread != get_ident():
        span = account.enter(state, began)
    account.inside = True
    _set_current(span)
    try:
        result = original(cursor, *args, **kwargs)
    except BaseException as error:
        _left(account, state, began)
        _failed(account, error)
        raise
    account.last = last = now_ns()
    _set_current(state)
    account.inside = False
    account.fetch_ns += last - began
    return result


def _left(account: Account, state: Any, began: int) -> None:
    account.last = now_ns()
    _set_current(state)
    account.inside = False
    account.fetch_ns += account.last - began


def _failed(account: Account, error: BaseException) -> None:
    try:
        account.fail(error)
    except Exception:  # law 1
        home.fault("noting a statement's error")
