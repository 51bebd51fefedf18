"""Connections that record when they are made, closed, committed and rolled back; and ``connect``."""

from __future__ import annotations

import functools
import itertools
import os
import sqlite3
import sys
from typing import Any, Dict, Mapping, Optional, Set, Tuple
from urllib.parse import unquote

from nutrace import semconv
from nutrace.probes.blocks import around
from nutrace.probes.sqlite.account import accounts, call_back, end_of
from nutrace.probes.sqlite.cursors import cursors
from nutrace.probes.sqlite.sites import current_sites
from nutrace.probes.sqlite.subclasses import Subclasses
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, span_below
from nutrace.recording.span import CallSite, Span, process_state
from nutrace.recording.tally import count_leaf, settle

_Args = Tuple[Any, ...]
_Kwargs = Dict[str, Any]

# Places among the arguments of connect.
_DETECT_TYPES, _ONE_THREAD, _FACTORY, _URI = 2, 4, 5, 7

_GIVING = (
    "create_aggregate",
    "create_collation",
    "create_function",
    "create_window_function",
    "set_authorizer",
    "set_progress_handler",
    "set_trace_callback",
)

_init: Any = sqlite3.Connection.__init__
_cursor: Any = sqlite3.Connection.cursor
_close: Any = sqlite3.Connection.close
_commit: Any = sqlite3.Connection.commit
_rollback: Any = sqlite3.Connection.rollback
_exit: Any = sqlite3.Connection.__exit__

numbers = itertools.count(1)
opened: Set[int] = set()  # numbers of connections that are open
_absolute: Dict[str, str] = {}  # files by the names that they were opened by
_MOST = 1000


class Link:
    """What we know of a connection."""

    __slots__ = ("calls_back", "namespace", "number", "shared")

    def __init__(self, args: _Args, kwargs: _Kwargs) -> None:
        self.number = 0
        # Whether SQLite may call Python: a function, a converter, a factory of texts.
        self.calls_back = False
        # Whether several threads may use it.
        self.shared = False
        if _is_bare(args, kwargs):
            name = args[0]
            known = _absolute.get(name) if type(name) is str else None
            self.namespace = known or namespace_of(args, kwargs)
        else:
            self.namespace = namespace_of(args, kwargs)
            self.calls_back = bool(_argument(_DETECT_TYPES, "detect_types", args, kwargs, 0))
            self.shared = not _argument(_ONE_THREAD, "check_same_thread", args, kwargs, True)
        self.number = next(numbers)
        opened.add(self.number)

    def closed(self) -> bool:
        """Note that it is; false if it was already."""
        if self.number in opened:
            opened.discard(self.number)
            return True
        return False

    def __del__(self) -> None:
        opened.discard(self.number)  # its connection was collected


def _argument(place: int, name: str, args: _Args, kwargs: _Kwargs, default: Any) -> Any:
    return args[place] if len(args) > place else kwargs.get(name, default)


def _is_bare(args: _Args, kwargs: _Kwargs) -> bool:
    """Whether there is no option, but a factory perhaps: so most connections are made."""
    return len(args) == 1 and (not kwargs or (len(kwargs) == 1 and "factory" in kwargs))


def namespace_of(args: _Args, kwargs: _Kwargs) -> str:
    """The database file of a connect call, absolute; ``:memory:`` and the empty name stay."""
    name = args[0] if args else kwargs["database"]
    if type(name) is str and name in _absolute and _is_bare(args, kwargs):
        return _absolute[name]
    file = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else str(type(name))
    if _argument(_URI, "uri", args, kwargs, False) and file.startswith("file:"):
        file = unquote(file[5:].partition("#")[0].partition("?")[0])
        if file.startswith("//"):
            file = "/" + file[2:].partition("/")[2]
    if file in ("", ":memory:"):
        return file
    if not os.path.isabs(file):
        return os.path.abspath(file)
    absolute = _absolute.get(file)
    if absolute is None:
        if len(_absolute) >= _MOST:
            _absolute.clear()
        absolute = _absolute[file] = os.path.normpath(file)
    return absolute


def _giving(name: str) -> Any:
    """The method of that name, by which a connection is given something of Python's to call."""
    original: Any = getattr(sqlite3.Connection, name)

    @functools.wraps(original)
    def give(self: Any, *args: Any, **kwargs: Any) -> Any:
        link = _link(self)
        if link is not None:
            call_back(link)
        return original.__get__(self, type(self))(*args, **kwargs)

    return give


class RecordingConnection(sqlite3.Connection):
    """What is put below the program's connection class; its ``_nutrace`` is a :class:`Link`."""

    __slots__ = ()

    _nutrace: Link

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            self._nutrace = Link(args, kwargs)
        except KeyError:  # no database, as sqlite3 will say
            pass
        except Exception:  # law 1
            process_state.fault("naming a database")
        _init(self, *args, **kwargs)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        if switch:
            if args:
                args = (cursors.of(args[0]), *args[1:])
            elif kwargs:
                if "factory" in kwargs:
                    kwargs["factory"] = cursors.of(kwargs["factory"])
            else:
                made = _cursor(self, cursors.default)
                made._nutrace = None  # sparing its first execute an error
                return made
        return _cursor.__get__(self, type(self))(*args, **kwargs)

    def close(self, *args: Any, **kwargs: Any) -> Any:
        try:
            link = self._nutrace
        except AttributeError:  # not initialised, or not by way of us
            return _close.__get__(self, type(self))(*args, **kwargs)
        if accounts:
            end_of(link)
        if link.number not in opened or not switch:
            closed = _close(self, *args, **kwargs)
            link.closed()
            return closed
        if link.calls_back or type(self) is not connections.default:
            return _timed(self, semconv.CLOSE_SPAN, _close, args, kwargs)
        site = current_sites.sites.plain(semconv.CLOSE_SPAN, link.namespace)
        return _leaf(site, _close, (self, *args), kwargs, link)

    def commit(self, *args: Any, **kwargs: Any) -> Any:
        return _timed(self, semconv.COMMIT_SPAN, _commit, args, kwargs)

    def rollback(self, *args: Any, **kwargs: Any) -> Any:
        return _timed(self, semconv.ROLLBACK_SPAN, _rollback, args, kwargs)

    def __exit__(self, *args: Any) -> Any:
        # sqlite3 commits or rolls back by itself, past these methods.
        whole = all(arg is None for arg in args)
        return _timed(self, semconv.COMMIT_SPAN if whole else semconv.ROLLBACK_SPAN, _exit, args, {})

    if sys.version_info >= (3, 11):
        # These make plain cursors there, whatever `cursor` does; before, they call it.
        def execute(self, *args: Any, **kwargs: Any) -> Any:
            return self._with_cursor("execute", args, kwargs)

        def executemany(self, *args: Any, **kwargs: Any) -> Any:
            return self._with_cursor("executemany", args, kwargs)

        def executescript(self, *args: Any, **kwargs: Any) -> Any:
            return self._with_cursor("executescript", args, kwargs)

        def _with_cursor(self, method: str, args: _Args, kwargs: _Kwargs) -> Any:
            if not switch or kwargs:
                return getattr(super(), method)(*args, **kwargs)
            made = _cursor(self, cursors.default)
            made._nutrace = None
            return getattr(made, method)(*args)

    for _name in _GIVING:
        if hasattr(sqlite3.Connection, _name):
            locals()[_name] = _giving(_name)
    del _name

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self) is connections.default and protocol >= 2:
            raise TypeError("cannot pickle 'sqlite3.Connection' object")
        return super().__reduce_ex__(protocol)


connections = Subclasses(sqlite3.Connection, RecordingConnection)
_FACTORY_ONLY: _Kwargs = {"factory": connections.default}


def _link(connection: Any) -> Any:
    try:
        return connection._nutrace
    except AttributeError:  # not initialised, or not by way of us
        return None


def _timed(connection: Any, name: str, original: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """One call on a connection, as a span."""
    link = _link(connection)
    if link is None or not switch:
        return original.__get__(connection, type(connection))(*args, **kwargs)
    site = current_sites.sites.plain(name, link.namespace)
    result, span = around(site, original.__get__(connection, type(connection)), args, kwargs)
    series: Dict[str, Any] = {}
    if original is _close:
        link.closed()
        series = {semconv.SQL_OPEN: len(opened)}
    _settle(span, series)
    return result


def _leaf(site: CallSite, original: Any, args: _Args, kwargs: _Kwargs, link: Optional[Link] = None) -> Any:
    """A connect, or the close of `link`: nothing of the program's runs inside, so it need not be current."""
    state = current.get()
    began = now_ns()
    try:
        result = original(*args, **kwargs)
    except BaseException as error:
        span = span_below(site, state)
        span.started = began
        span.ended = now_ns()
        span.fail(error)
        process_state.emit(span)
        raise
    ended = now_ns()
    if link is not None:
        opened.discard(link.number)
    try:
        if state is None or type(state) is Span:
            count_leaf(site, state, began, ended, semconv.SQL_OPEN, len(opened))
        else:
            span = span_below(site, state)
            span.started, span.ended = began, ended
            settle(span, series={semconv.SQL_OPEN: len(opened)})
    except Exception:  # law 1
        process_state.fault("ending a span")
    return result


def _settle(span: Span, series: Mapping[str, Any]) -> None:
    try:
        settle(span, series=series)
    except Exception:  # law 1
        process_state.fault("ending a span")


def connect(wrapped: Any, instance: Any, args: _Args, kwargs: _Kwargs) -> Any:
    """What stands around ``sqlite3.connect``."""
    if not kwargs and len(args) == 1 and type(args[0]) is str and args[0] in _absolute:
        site = current_sites.sites.plain(semconv.CONNECT_SPAN, _absolute[args[0]])
        return _leaf(site, wrapped, args, _FACTORY_ONLY)
    try:
        args, kwargs = _with_factory(args, kwargs)
        namespace = namespace_of(args, kwargs)
    except Exception:  # law 1: sqlite3 will object to these arguments itself
        return wrapped(*args, **kwargs)
    site = current_sites.sites.plain(semconv.CONNECT_SPAN, namespace)
    if kwargs.get("factory") is connections.default:
        return _leaf(site, wrapped, args, kwargs)
    connection, span = around(site, wrapped, args, kwargs)
    if _link(connection) is None and isinstance(connection, RecordingConnection):
        connection._nutrace = Link(args, kwargs)  # its class called sqlite3's __init__ by name
    _settle(span, {semconv.SQL_OPEN: len(opened)})
    return connection


def _with_factory(args: _Args, kwargs: _Kwargs) -> Tuple[_Args, _Kwargs]:
    """The arguments of a connect call, with a factory that records."""
    if len(args) > _FACTORY:
        return (*args[:_FACTORY], _recording(args[_FACTORY]), *args[_FACTORY + 1 :]), kwargs
    if "factory" in kwargs:
        return args, {**kwargs, "factory": _recording(kwargs["factory"])}
    return args, {**kwargs, "factory": connections.default}


def _recording(factory: Any) -> Any:
    if type(factory) is functools.partial:
        return functools.partial(_recording(factory.func), *factory.args, **factory.keywords)
    return connections.of(factory)
