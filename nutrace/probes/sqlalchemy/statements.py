"""Statements of SQLAlchemy's engines, as spans of OpenTelemetry's stock instrumentation.

The stock instrumentation wraps ``create_engine`` and listens to each engine that it makes. It misses
engines that were made before, or through a name that was bound before. Here the same spans are made in
the dialect's class, where every engine executes, and no engine is changed. The statement's span is
current while the driver executes, so the spans of a probe on the driver are below it.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Callable, Optional, Type, cast

from opentelemetry import trace as otel

from nutrace import semconv
from nutrace.probes.callers import calling_frame, place_of
from nutrace.probes.notes import Args, Kwargs, Wrapped, Wrapper
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.context import current
from nutrace.recording.database_errors import remember
from nutrace.recording.span import Span, process_state
from nutrace.sql.text import statement_of

_PACKAGE = "opentelemetry.instrumentation.sqlalchemy"
_SPAN = "_otel_span"  # the attribute in which the stock instrumentation keeps a statement's span
_TEXTS = (semconv.OLD_DB_TEXT, semconv.DB_TEXT)


class _Tracers:
    """A stock tracer for each engine, made when the engine first executes."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._make: Optional[Callable[[Any], Any]] = None

    def renew(self) -> None:
        """Begin anew: an installation may have another provider."""
        with self._lock:
            self._of.clear()
            self._make = None

    def of(self, engine: Any) -> Any:
        """The tracer of an engine."""
        engine = getattr(engine, "_proxied", engine)  # an engine with execution options has the same pool
        tracer = self._of.get(engine)
        if tracer is None:
            with self._lock:
                if self._make is None:
                    self._make = _maker()
                tracer = self._of[engine] = self._make(engine)
        return tracer


def _maker() -> Callable[[Any], Any]:
    # Imported when the first statement runs: many programs import SQLAlchemy and never make an engine.
    from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
    from opentelemetry.instrumentation.sqlalchemy.version import __version__

    class Tracer(cast("Type[Any]", EngineTracer)):  # type: ignore[misc]
        """The stock tracer, which we call instead of letting it listen to the engine."""

        @classmethod
        def _register_event_listener(cls, *args: Any, **kwargs: Any) -> None:
            pass

    tracer = otel.get_tracer(_PACKAGE, __version__)
    return lambda engine: Tracer(tracer, engine, None)


_tracers = _Tracers()


def executing(at: int) -> Callable[[Any, Switch], Any]:
    """Make the replacement of a dialect's ``do_execute``, whose `at`-th argument is its execution context."""

    def execute(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        context = args[at] if len(args) > at else kwargs.get("context")
        is_ours = False
        span = getattr(context, _SPAN, None)
        if span is None and context is not None:
            span = _begin(context, args)
            is_ours = span is not None
        if span is None:
            return wrapped(*args, **kwargs)
        state = current.get()
        current.set(span if type(span) is Span else otel.set_span_in_context(span))
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            current.set(state)
            if is_ours:
                _fail(span, error)
                _end(span, context)
            raise
        current.set(state)
        if is_ours:
            _end(span, context)
        return result

    def replacement(original: Any, switch: Switch) -> Any:
        _tracers.renew()
        return put_around(original, cast(Wrapper, execute), switch)

    return replacement


def _begin(context: Any, args: Args) -> Any:
    """Make a stock span for a statement, unless instrumentation is suppressed."""
    try:
        connection = context.root_connection
        cursor, statement = args[1], args[2]
        tracer = _tracers.of(connection.engine)
        tracer._before_cur_exec(connection, cursor, statement, None, context, False)
        span = getattr(context, _SPAN, None)
        if type(span) is Span:
            _describe(span, connection.engine, statement)
    except Exception:  # the program's statement must not fail because of us
        process_state.fault("beginning a statement of SQLAlchemy")
        return None
    return span


def _describe(span: Span, engine: Any, text: str) -> None:
    """Add what the stock instrumentation leaves out, and remove the statement's text with its literals."""
    attributes = span.ensure_details().attributes
    statement = statement_of(text)
    for name in _TEXTS:
        attributes.pop(name, None)
    verb, blank, rest = span.site.name.partition(" ")
    if not verb.isalpha():
        # The stock instrumentation takes what comes before the first space: VALUES('a') has a value there.
        span.update_name(f"{statement.operation}{blank}{rest}")
        attributes[semconv.OLD_DB_OPERATION] = statement.operation
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
    try:
        if type(span) is Span:
            span.fail(error)
        elif isinstance(error, Exception):
            remember(error)  # the span comes back to us with texts only
            span.record_exception(error)
            span.set_status(otel.StatusCode.ERROR, str(error))
    except Exception:  # a span of the program's provider must not replace the statement's error
        process_state.fault("noting an error of SQLAlchemy")


def _end(span: Any, context: Any) -> None:
    try:
        span.end()
        delattr(context, _SPAN)  # the same context executes again for the next batch of rows
    except Exception:
        process_state.fault("ending a statement of SQLAlchemy")


def system_of(engine_or_dialect: Any) -> str:
    """The database's name in OpenTelemetry's conventions."""
    name = str(engine_or_dialect.name)
    return {"mssql": "microsoft.sql_server", "oracle": "oracle.db"}.get(name, name)
