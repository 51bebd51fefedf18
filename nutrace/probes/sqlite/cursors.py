"""Cursors that record their statements and rows.

Each method does what sqlite3's does while the statement's span is current, so that whatever SQLite
calls back (SQL functions, row factories, converters) is below it.
"""

from __future__ import annotations

from _thread import get_ident
from typing import Any, Callable, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.patching.frames import passed_over
from nutrace.probes.sqlite.call_sites import call_sites
from nutrace.probes.sqlite.classes import SLOT, Beside, RecordingClasses, sqlite3
from nutrace.probes.sqlite.open_statement import OpenStatement, end
from nutrace.probes.sqlite.parameters import ParameterSets, parameters_hash
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_below
from nutrace.recording.span import process_state
from nutrace.recording.stopwatch import struck, worked_ns
from nutrace.sql.text import Statement, statement_of

_Args = Tuple[Any, ...]
_Kwargs = Mapping[str, Any]

_get = current.get
_set_current = current.set
_set_attribute = object.__setattr__  # a class of the program's may have a __setattr__ of its own
_execute: Any = sqlite3.Cursor.execute
_executemany: Any = sqlite3.Cursor.executemany
_executescript: Any = sqlite3.Cursor.executescript
_fetchone: Any = sqlite3.Cursor.fetchone
_fetchmany: Any = sqlite3.Cursor.fetchmany
_fetchall: Any = sqlite3.Cursor.fetchall
_next: Any = sqlite3.Cursor.__next__
_close: Any = sqlite3.Cursor.close
# Those of sqlite3's class, because a subclass may override the names.
_description: Callable[[Any], Any] = sqlite3.Cursor.description.__get__
_connection: Callable[[Any], Any] = sqlite3.Cursor.connection.__get__


@passed_over
class CursorMethods:
    """The methods of cursors that record; ``_nutrace`` is the :class:`OpenStatement`."""

    __slots__ = ()

    _nutrace: Any = Beside()

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _execute, args, kwargs)

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executemany, args, kwargs)

    def executescript(self, *args: Any, **kwargs: Any) -> Any:
        return _run(self, _executescript, args, kwargs)

    def __next__(self) -> Any:
        try:
            statement = self._nutrace
        except AttributeError:  # nothing was executed
            statement = None
        if statement is None or not statement.idle:
            return _next(self)
        row = _fetch(statement, _next, self)
        statement.rows += 1
        return row

    def fetchone(self, *args: Any, **kwargs: Any) -> Any:
        statement = _idle_statement(self)
        if args or kwargs or statement is None:
            return _fetchone.__get__(self, type(self))(*args, **kwargs)
        try:
            # Not sqlite3's fetchone: its None may be the end, or what a row factory made of a row.
            row = _fetch(statement, _next, self)
        except StopIteration:
            if statement.ended:
                return None
            raise  # a row factory's
        statement.rows += 1
        return row

    def fetchmany(self: Any, *args: Any, **kwargs: Any) -> Any:
        statement = _idle_statement(self)
        if statement is None:
            return _fetchmany.__get__(self, type(self))(*args, **kwargs)
        size = args[0] if args else kwargs.get("size", self.arraysize)
        rows = _fetch(statement, _given(_fetchmany, args, kwargs), self)
        statement.rows += len(rows)
        statement.at_once += len(rows)
        if len(rows) != size:
            end(statement)
        return rows

    def fetchall(self, *args: Any, **kwargs: Any) -> Any:
        statement = _idle_statement(self)
        if statement is None:
            return _fetchall.__get__(self, type(self))(*args, **kwargs)
        rows = _fetch(statement, _given(_fetchall, args, kwargs), self)
        statement.rows += len(rows)
        statement.at_once += len(rows)
        end(statement)
        return rows

    def close(self, *args: Any, **kwargs: Any) -> Any:
        statement = _idle_statement(self)
        if statement is None:
            return _close.__get__(self, type(self))(*args, **kwargs)
        result = _fetch(statement, _given(_close, args, kwargs), self)
        end(statement)
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self) is cursors.current and protocol >= 2:
            raise TypeError("cannot pickle 'sqlite3.Cursor' object")
        return super().__reduce_ex__(protocol)


cursors = RecordingClasses(sqlite3.Cursor, CursorMethods)


def _idle_statement(cursor: Any) -> Optional[OpenStatement]:
    """The open statement that a fetch adds to, if we record one."""
    try:
        statement: Optional[OpenStatement] = cursor._nutrace
    except AttributeError:  # nothing was executed
        return None
    return statement if statement is not None and statement.idle else None


@passed_over
def _given(method: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """`method`, to be called with a cursor alone."""
    return (
        (lambda cursor: method.__get__(cursor, type(cursor))(*args, **kwargs)) if args or kwargs else method
    )


@passed_over
def _fetch(statement: OpenStatement, call: Any, cursor: Any) -> Any:
    """Call a method of sqlite3's for an open statement, and add its time."""
    state = _get()
    span = statement.span
    if state is not statement.under or span is None or statement.thread != get_ident():
        span = statement.continue_below(state, now_ns())
    statement.idle = False
    _set_current(span)
    began = now_ns()
    try:
        result = call(cursor)
    except BaseException as error:
        _set_current(state)
        _fail(statement, error, began)
        raise
    _set_current(state)
    statement.last_ns = last = now_ns()
    statement.fetch_ns += last - began
    statement.idle = not statement.ended  # the recording may have ended meanwhile
    return result


@passed_over
def _run(cursor: Any, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """Execute something, which ends what the cursor executed before."""
    since = now_ns(), struck()
    before: Optional[OpenStatement] = getattr(cursor, "_nutrace", None)
    if before is not None:
        if not before.ended:
            if not before.idle:  # from within its own statement, which sqlite3 refuses
                return original(cursor, *args, **kwargs)
            end(before)
            since = now_ns(), struck()
        _set_attribute(cursor, SLOT, None)
    connection = _traced_connection(cursor) if switch else None
    if connection is None or kwargs or not args or not issubclass(type(args[0]), str):
        return original.__get__(cursor, type(cursor))(*args, **kwargs)  # bound, as errors name it
    sets: Optional[ParameterSets] = None
    hashed = ""
    text: Optional[Statement] = None
    try:
        # Of a subclass, the text: it may have a `__str__`, and a hash, of its own.
        text = statement_of(args[0] if type(args[0]) is str else str.__str__(args[0]))
        if original is _executemany and len(args) == 2:
            sets = ParameterSets(text.literals)
            args = (args[0], sets.watch(args[1]))
        else:
            hashed = parameters_hash(text.literals, args[1] if len(args) > 1 else ())
    except Exception:
        process_state.fault("reading a statement")
        text = None
    if text is None:
        return original(cursor, *args)
    site = call_sites.find(semconv.STATEMENT_SPAN, connection.namespace, text)
    state = _get()
    span = span_below(site, state)
    statement = OpenStatement(site, hashed, connection, span, state)
    _set_attribute(cursor, SLOT, statement)
    _set_current(span)
    span.started = began = now_ns()
    try:
        result = original(cursor, *args)
    except BaseException as error:
        _set_current(state)
        _set_attribute(cursor, SLOT, None)
        statement.clocked_ns = worked_ns(since, now_ns() - began)
        _note_sets(statement, sets)
        statement.ended = True
        _fail(statement, error, began)
        raise
    _set_current(state)
    statement.last_ns = last = now_ns()
    statement.execute_ns = last - began
    _note_sets(statement, sets)
    if original is _execute and _description(cursor) is not None:
        statement.stay_open()
        statement.clocked_ns = worked_ns(since, last - began)
    else:
        _set_attribute(cursor, SLOT, None)
        statement.clocked_ns = worked_ns(since, last - began)
        end(statement)
    return result


def _traced_connection(cursor: Any) -> Any:
    """The state of a cursor's connection; None if the connection is not traced, or not initialised."""
    try:
        return _connection(cursor)._nutrace
    except AttributeError:
        return None


def _note_sets(statement: OpenStatement, sets: Optional[ParameterSets]) -> None:
    if sets is not None:
        statement.parameters = sets.hash()
        statement.runs = sets.count


def _fail(statement: OpenStatement, error: BaseException, began: int) -> None:
    """Note an error, or the end of the rows: sqlite3 raises that itself, and no row factory is above it."""
    statement.last_ns = now_ns()
    statement.fetch_ns += statement.last_ns - began
    statement.idle = not statement.ended
    try:
        if type(error) is StopIteration and error.__traceback__.tb_next is None:  # type: ignore[union-attr]
            statement.end()
        else:
            statement.fail(error)
    except Exception:
        process_state.fault("noting a statement's error")
