"""Cursors that record their statements and rows.

Each method does what sqlite3's does, with a span current meanwhile: SQL functions written in Python
that SQLite calls back are below it. A loop over rows passes here once for each: no more than two
clock readings, and no call that can be spared.
"""

from __future__ import annotations

import sqlite3
from _thread import get_ident
from typing import Any, Callable, Mapping, Optional, Tuple

from nutrace.probes.sqlite.account import Account, finish
from nutrace.probes.sqlite.parameters import Passing, digest
from nutrace.probes.sqlite.sites import current_sites
from nutrace.probes.sqlite.subclasses import Subclasses
from nutrace.probes.sqlite.text import statement_of
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_below
from nutrace.recording.span import Span, process_state

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
_row_factory: Any = _base.row_factory
_connection: Callable[[Any], Any] = _base.connection.__get__
_Row = sqlite3.Row  # the one row factory that runs no Python


class RecordingCursor(sqlite3.Cursor):
    """What is put below the program's cursor class; its ``_nutrace`` is the open :class:`Account`."""

    __slots__ = ()

    _nutrace: Account

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _execute, args, kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executemany, args, kwargs)

    def executescript(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executescript, args, kwargs)

    def __next__(self) -> Any:
        try:
            account = self._nutrace
            # Bare: nothing of Python's runs inside SQLite, so nobody asks what is current.
            if not account.bare or _get() is not account.under:
                return _next_around(self, account)
            factory = self.row_factory
            if factory is not None and factory is not _Row:
                return _next_around(self, account)
        except AttributeError:  # nothing was executed
            return _next(self)
        began = now_ns()
        try:
            row = _fetchone(self)  # the plain method is the faster way
        except BaseException as error:
            _failed(account, error, began)
            raise
        account.last = last = now_ns()
        account.fetch_ns += last - began
        if row is None:
            finish(account)
            raise StopIteration
        account.rows += 1
        return row

    def fetchone(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None or args or kwargs:
            return _fetchone.__get__(self, type(self))(*args, **kwargs)
        factory = self.row_factory
        plain = factory is None or factory is _Row
        if not account.bare or _get() is not account.under or not plain:
            try:
                return _next_around(self, account)
            except StopIteration:
                return None
        began = now_ns()
        try:
            row = _fetchone(self)
        except BaseException as error:
            _failed(account, error, began)
            raise
        account.last = last = now_ns()
        account.fetch_ns += last - began
        if row is None:
            finish(account)
        else:
            account.rows += 1
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _fetchmany.__get__(self, type(self))(*args, **kwargs)
        size = args[0] if args else kwargs.get("size", self.arraysize)
        rows = _fetch(self, account, _fetchmany, args, kwargs)
        account.rows += len(rows)
        if len(rows) != size:
            finish(account)
        return rows

    def fetchall(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _fetchall.__get__(self, type(self))(*args, **kwargs)
        rows = _fetch(self, account, _fetchall, args, kwargs)
        account.rows += len(rows)
        finish(account)
        return rows

    def close(self, *args: Any, **kwargs: Any) -> Any:
        account = _account(self)
        if account is None:
            return _close.__get__(self, type(self))(*args, **kwargs)
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
    return account if account is not None and account.ready else None


def _next_around(cursor: Any, account: Account) -> Any:
    """The next row, where more than that may happen."""
    if not account.ready:
        return _next(cursor)
    try:
        row = _fetch(cursor, account, _next, (), {})
    except StopIteration:
        finish(account)
        raise
    account.rows += 1
    return row


def _run(cursor: Any, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """Execute something, which ends what was executed before."""
    try:
        before: Optional[Account] = cursor._nutrace
    except AttributeError:
        before = None
    if before is not None:
        if not before.ended:
            if not before.ready:  # from within its own statement: refused by sqlite3
                return original(cursor, *args, **kwargs)
            finish(before)
        cursor._nutrace = None
    if not switch or kwargs or not args or type(args[0]) is not str:
        return original.__get__(cursor, type(cursor))(*args, **kwargs)  # bound, as errors name it
    passing: Optional[Passing] = None
    try:
        connection = _connection(cursor)
        link = connection._nutrace
        statement = statement_of(args[0])
        site = current_sites.sites.statement(statement, link.namespace)
        if original is _executemany and len(args) == 2:
            passing = Passing(statement.literals)
            hashed = ""
        else:
            hashed = digest(statement.literals, args[1] if len(args) > 1 else ())
    except AttributeError:  # of a connection that is not traced, or not initialised
        return original(cursor, *args, **kwargs)
    except Exception:  # law 1
        process_state.fault("reading a statement")
        return original(cursor, *args, **kwargs)
    if passing is not None:
        args = (args[0], _passing(args[1], passing))
    state = _get()
    span = Span(site, state) if state is None or type(state) is Span else span_below(site, state)
    account = Account(site, hashed, link, span, state)
    cursor._nutrace = account
    _set_current(span)
    span.started = began = now_ns()
    try:
        result = original(cursor, *args)
    except BaseException as error:
        _set_current(state)
        cursor._nutrace = None
        _note_passed(account, passing)
        account.ended = True
        _failed(account, error, began)
        raise
    account.last = last = now_ns()
    _set_current(state)
    account.execute_ns = last - began
    if passing is not None:
        _note_passed(account, passing)
    if original is _execute and _description(cursor) is not None:
        account.stay_open()
        texts = connection.text_factory
        if (
            (texts is not str and texts is not bytes and texts is not bytearray)
            or type(cursor).row_factory is not _row_factory  # a subclass makes something else of it
        ):
            account.bare = False
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
    if span is None or state is not account.under or (account.shared and account.thread != get_ident()):
        span = account.enter(state, began)
    bare = account.bare
    account.ready = account.bare = False
    _set_current(span)
    try:
        result = original.__get__(cursor, type(cursor))(*args, **kwargs)
    except BaseException as error:
        _set_current(state)
        account.ready = not account.ended
        account.bare = bare and account.ready
        _failed(account, error, began)
        raise
    account.last = last = now_ns()
    _set_current(state)
    account.fetch_ns += last - began
    account.ready = not account.ended  # the recording may have ended inside
    account.bare = bare and account.ready
    return result


def _failed(account: Account, error: BaseException, began: int) -> None:
    account.last = now_ns()
    account.fetch_ns += account.last - began
    if type(error) is StopIteration:
        return
    try:
        account.fail(error)
    except Exception:  # law 1
        process_state.fault("noting a statement's error")
