"""Connections that record when they are made, closed, committed and rolled back; and ``connect``."""

from __future__ import annotations

import copyreg
import functools
import itertools
import os
import sys
from typing import Any, Dict, Mapping, Optional, Set, Tuple
from urllib.parse import unquote

from nutrace import semconv
from nutrace.patching.frames import passed_over
from nutrace.probes.blocks import timed
from nutrace.probes.sqlite.call_sites import call_sites
from nutrace.probes.sqlite.classes import SLOT, Beside, RecordingClasses, sqlite3
from nutrace.probes.sqlite.cursors import cursors
from nutrace.probes.sqlite.open_statement import end_all_of
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import tally
from nutrace.recording.span import process_state
from nutrace.recording.stopwatch import struck

_Args = Tuple[Any, ...]
_Kwargs = Dict[str, Any]

# Places among the arguments of connect.
_FACTORY, _URI = 5, 7

_init: Any = sqlite3.Connection.__init__
_cursor: Any = sqlite3.Connection.cursor
_close: Any = sqlite3.Connection.close
_commit: Any = sqlite3.Connection.commit
_rollback: Any = sqlite3.Connection.rollback
_exit: Any = sqlite3.Connection.__exit__

_numbers = itertools.count(1)
_open_connections: Set[int] = set()  # their numbers


class ConnectionState:
    """What nutrace knows of a connection: its database file, and whether it is open."""

    __slots__ = ("_number", "namespace")

    def __init__(self, args: _Args, kwargs: _Kwargs) -> None:
        self._number = 0
        self.namespace = namespace_of(args, kwargs)
        self._number = next(_numbers)
        _open_connections.add(self._number)

    @property
    def is_open(self) -> bool:
        """Whether the program has not closed it."""
        return self._number in _open_connections

    def note_closed(self) -> None:
        """It is open no longer."""
        _open_connections.discard(self._number)

    def __del__(self) -> None:
        self.note_closed()  # the connection was collected


def namespace_of(args: _Args, kwargs: Mapping[str, Any]) -> str:
    """The database file of a connect call, absolute; ``:memory:`` and the empty name stay.

    Raises KeyError if the call names no database.
    """
    file = args[0] if args else kwargs["database"]
    if not isinstance(file, str):
        file = os.fsdecode(file) if isinstance(file, (bytes, os.PathLike)) else str(type(file))
    if file.startswith("file:"):
        # SQLite may be built to read URIs without being asked to; a query may have a key.
        file = file.partition("#")[0].partition("?")[0]
    if (args[_URI] if len(args) > _URI else kwargs.get("uri")) and file.startswith("file:"):
        file = unquote(file[5:])
        if file.startswith("//"):
            file = "/" + file[2:].partition("/")[2]
    if file in ("", ":memory:"):
        return file
    return _normal(file) if file.startswith(os.sep) else os.path.abspath(file)


# Cached, because programs that connect for each query name the same file again and again.
_normal = functools.lru_cache(1000)(os.path.normpath)


@passed_over
class ConnectionMethods:
    """The methods of connections that record; ``_nutrace`` is a :class:`ConnectionState`."""

    __slots__ = ()

    _nutrace: Any = Beside()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        since = now_ns(), struck()
        state = _new_state(args, kwargs)
        if state is None or not switch:
            _init(self, *args, **kwargs)
            if state is not None:
                _keep(self, state)
            return
        site = call_sites.find(semconv.CONNECT_SPAN, state.namespace)
        _, span = timed(site, _init, (self, *args), kwargs)
        _keep(self, state)
        tally(span, series={semconv.SQL_OPEN: len(_open_connections)}, since=since)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        if switch:
            if args:
                args = (cursors.of(args[0]), *args[1:])
            elif kwargs:
                if "factory" in kwargs:
                    kwargs["factory"] = cursors.of(kwargs["factory"])
            else:
                return _recording_cursor(self)
        return _cursor.__get__(self, type(self))(*args, **kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        state = _state_of(self)
        if state is not None:
            end_all_of(state)
            if state.is_open:
                return _traced(self, semconv.CLOSE_SPAN, _close, args, kwargs)
        return _close.__get__(self, type(self))(*args, **kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        return _traced(self, semconv.COMMIT_SPAN, _commit, args, kwargs)

    def rollback(self, *args: Any, **kwargs: Any) -> Any:
        return _traced(self, semconv.ROLLBACK_SPAN, _rollback, args, kwargs)

    def __exit__(self, *args: Any) -> Any:
        # sqlite3 commits or rolls back in C, without calling these methods.
        whole = all(arg is None for arg in args)
        return _traced(self, semconv.COMMIT_SPAN if whole else semconv.ROLLBACK_SPAN, _exit, args, {})

    if sys.version_info >= (3, 11):
        # sqlite3's make plain cursors there, whatever `cursor` does; before, they call it.
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            return _with_cursor(self, "execute", args, kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> Any:
            return _with_cursor(self, "executemany", args, kwargs)

        def executescript(self, *args: Any, **kwargs: Any) -> Any:
            return _with_cursor(self, "executescript", args, kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self) is connections.current and protocol >= 2:
            reduce = copyreg.dispatch_table.get(connections.base)  # registered before tracing was switched on
            if reduce is not None:
                return reduce(self)
            raise TypeError("cannot pickle 'sqlite3.Connection' object")
        return super().__reduce_ex__(protocol)


def _new_state(args: _Args, kwargs: _Kwargs) -> Optional[ConnectionState]:
    try:
        return ConnectionState(args, kwargs)
    except KeyError:  # no database, as sqlite3 will say
        return None
    except Exception:
        process_state.fault("naming a database")
        return None


connections = RecordingClasses(sqlite3.Connection, ConnectionMethods)


@passed_over
def _recording_cursor(connection: Any) -> Any:
    made = _cursor(connection, cursors.current)
    made._nutrace = None
    return made


@passed_over
def _with_cursor(connection: Any, method: str, args: _Args, kwargs: _Kwargs) -> Any:
    """Call a method of a new cursor, as sqlite3's connections do."""
    if not switch or kwargs:
        return getattr(connections.base, method).__get__(connection, type(connection))(*args, **kwargs)
    return getattr(_recording_cursor(connection), method)(*args)


def _keep(connection: Any, state: ConnectionState) -> None:
    try:
        object.__setattr__(connection, SLOT, state)  # its class may have a __setattr__ of its own
    except Exception:  # its class was made before tracing was switched on, and has no weak references
        process_state.fault(f"tracing {type(connection).__qualname__}")


def _state_of(connection: Any) -> Optional[ConnectionState]:
    try:
        state: ConnectionState = connection._nutrace
        return state
    except AttributeError:  # not initialised, or made while nothing was recorded
        return None


@passed_over
def _traced(connection: Any, name: str, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """Call a method of sqlite3's connection, with a span around it."""
    since = now_ns(), struck()
    state = _state_of(connection)
    bound = original.__get__(connection, type(connection))
    if state is None or not switch:
        result = bound(*args, **kwargs)
        if state is not None and original is _close:
            state.note_closed()
        return result
    result, span = timed(call_sites.find(name, state.namespace), bound, args, kwargs)
    if original is _close:
        state.note_closed()
        tally(span, series={semconv.SQL_OPEN: len(_open_connections)}, since=since)
    else:
        tally(span, since=since)
    return result


@passed_over
def connect(wrapped: Any, instance: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """Call ``sqlite3.connect`` so that the connection is one that records."""
    if len(args) > _FACTORY:
        args = (*args[:_FACTORY], _recording(args[_FACTORY]), *args[_FACTORY + 1 :])
    else:
        kwargs = {**kwargs, "factory": _recording(kwargs.get("factory", connections.base))}
    return wrapped(*args, **kwargs)


def _recording(factory: Any) -> Any:
    if type(factory) is functools.partial:
        return functools.partial(_recording(factory.func), *factory.args, **factory.keywords)
    return connections.of(factory)
