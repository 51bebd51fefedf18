"""Statements of SQLAlchemy's engines, as spans of OpenTelemetry's stock instrumentation.

The stock instrumentation reaches engines by wrapping ``create_engine`` and listening to each of them;
an engine made before, or by a name bound before, escapes it. Here its spans are made where every
dialect executes, on the class, so that every engine is reached and nothing is left behind on any.
While the driver executes its span is current: what the driver's own probe records lies inside.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Callable, Optional, Type, cast

from opentelemetry import trace as otel

from nutrace import semconv
from nutrace.probes.callers import calling_frame, place_of
from nutrace.probes.notes import Args, Kwargs, Wrapped, Wrapper
from nutrace.probes.sqlite.text import statement_of
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.context import current
from nutrace.recording.span import Span, process_state

_PACKAGE = "opentelemetry.instrumentation.sqlalchemy"
_SPAN = "_otel_span"  # where the stock instrumentation keeps a statement's span
_TEXTS = ("db.statement", semconv.DB_TEXT)  # by the conventions before and since 2025


class _Tracers:
    """A stock tracer for each engine, made when the engine first executes."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._make: Optional[Callable[[Any], Any]] = None

    def renew(self) -> None:
        """A new installation: whose provider may be another."""
        with self._lock:
            self._of.clear()
            self._make = None

    def of(self, engine: Any) -> Any:
        """The tracer of an engine."""
        engine = getattr(engine, "_proxied", engine)  # one with options of its own shares its pool
        tracer = self._of.get(engine)
        if tracer is None:
            with self._lock:
                if self._make is None:
                    self._make = _maker()
                tracer = self._of[engine] = self._make(engine)
        return tracer


def _maker() -> Callable[[Any], Any]:
    # Not before a statement runs: many programs import SQLAlchemy, and few of them make an engine.
    from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
    from opentelemetry.instrumentation.sqlalchemy.version import __version__

    class Tracer(cast("Type[Any]", EngineTracer)):  # type: ignore[misc]
        """The stock tracer, called by us instead of listening to the engine."""

        @classmethod
        def _register_event_listener(cls, *args: Any, **kwargs: Any) -> None:
            pass

    tracer = otel.get_tracer(_PACKAGE, __version__)
    return lambda engine: Tracer(tracer, engine, None)


_tracers = _Tracers()


def executing(at: int) -> Callable[[Any, Switch], Any]:
    """What stands in for a dialect's ``do_execute``, whose `at`-th argument is the execution context."""

    def execute(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        context = args[at] if len(args) > at else kwargs.get("context")
        ours = False
        span = getattr(context, _SPAN, None)
        if span is None and context is not None:
            span = _begin(context, args)
            ours = span is not None
        if span is None:
            return wrapped(*args, **kwargs)
        state = current.get()
        current.set(span if type(span) is Span else otel.set_span_in_context(span))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            current.set(state)
            if ours:
                _fail(span, error)
                _end(span, context)
            raise
        current.set(state)
        if ours:
            _end(span, context)
        return result

    def stand_in(original: Any, switch: Switch) -> Any:
        _tracers.renew()
        return put_around(original, cast(Wrapper, execute), switch)

    return stand_in


def _begin(context: Any, args: Args) -> Any:
    """A stock span for a statement, if instrumentations are not suppressed."""
    try:
        connection = context.root_connection
        cursor, statement = args[1], args[2]
        tracer = _tracers.of(connection.engine)
        tracer._before_cur_exec(connection, cursor, statement, None, context, False)
        span = getattr(context, _SPAN, None)
        if type(span) is Span:
            _describe(span, connection.engine, statement)
    except Exception:  # law 1: a statement of the program's must not fail because of us
        process_state.fault("beginning a statement of SQLAlchemy's")
        return None
    return span


def _describe(span: Span, engine: Any, text: str) -> None:
    """Add what the stock instrumentation leaves out, and take out what may be nobody's business."""
    attributes = span.ensure_details().attributes
    statement = statement_of(text)
    for name in _TEXTS:
        attributes.pop(name, None)
    attributes[semconv.DB_SYSTEM] = system_of(engine)
    if process_state.sql_text:
        attributes[semconv.DB_TEXT] = statement.text
    attributes[semconv.DB_OPERATION] = statement.operation
    attributes[semconv.SQL_STATEMENT] = statement.digest
    frame = calling_frame()
    if frame is not None:
        function, file, line = place_of(frame)
        attributes[semconv.CODE_FUNCTION] = function
        attributes[semconv.CODE_FILE] = file
        attributes[semconv.CODE_LINE] = line


def _fail(span: Any, error: BaseException) -> None:
    if type(span) is Span:
        span.fail(error)
    elif isinstance(error, Exception):
        span.record_exception(error)
        span.set_status(otel.StatusCode.ERROR, str(error))


def _end(span: Any, context: Any) -> None:
    try:
        span.end()
        delattr(context, _SPAN)  # the same context may execute again: a batch of rows
    except Exception:  # law 1
        process_state.fault("ending a statement of SQLAlchemy's")


def system_of(engine_or_dialect: Any) -> str:
    """The database's name as OpenTelemetry's conventions have it."""
    name = str(engine_or_dialect.name)
    return {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}.get(name, name)
