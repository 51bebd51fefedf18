"""What is written of errors: of a database's what cannot contain data, of the program's everything."""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, Callable, Iterator

import opentelemetry.trace as otel
import pytest
from fakes.tracing import Tracing

import nutrace
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.recording import database_errors
from nutrace.recording.faults import Faults, one_line
from nutrace.trace.trace import SpanView

VALUE = "Zq7vXjQw9"
BAD_PATH = "JSON path error (SQLITE_ERROR)" if sys.version_info >= (3, 11) else "JSON path error"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    database_errors._texts.clear()
    yield
    database_errors._texts.clear()


class Point:
    pass


def _adapt(point: Point) -> str:
    raise ValueError(f"cannot adapt {VALUE}")


sqlite3.register_adapter(Point, _adapt)


def _query(parameter: Any = VALUE) -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("SELECT json_extract('{}', ?)", (parameter,))
    finally:
        connection.close()


def _left(recorded: Tracing, function: Callable[[], Any], *, probes: Any = PROBES) -> SpanView:
    """The span that an error of `function` leaves."""
    with recorded(*probes), pytest.raises(BaseException), nutrace.span("outer", component="planner"):  # noqa: B017
        function()
    span = recorded.span("outer")
    assert span.status.code == 2
    assert recorded.path is not None
    assert VALUE not in recorded.path.read_text(encoding="utf-8")
    assert recorded.faults == []
    return span


def test_a_databases_error_is_its_type_and_its_words(recorded: Tracing) -> None:
    span = _left(recorded, _query)
    (event,) = span.events
    assert event.attributes == {
        "exception.type": "sqlite3.OperationalError",
        "exception.message": BAD_PATH,
    }
    assert span.status.message == f"sqlite3.OperationalError: {BAD_PATH}"
    (inner,) = recorded.spans("sqlite3.statement")
    stack = inner.events[0].attributes["exception.stacktrace"]
    assert ", in _run\n" in stack
    assert all(line.startswith('  File "') for line in stack.splitlines())  # no source: it has literals


def test_a_programs_error_stays_as_it_is(recorded: Tracing) -> None:
    def fail() -> None:
        try:
            raise KeyError("no such token")
        except KeyError as error:
            raise RuntimeError(f"could not load: {error}") from error

    span = _left(recorded, fail)
    assert span.events[0].attributes["exception.message"] == "could not load: 'no such token'"
    assert (
        'raise RuntimeError(f"could not load: {error}")' in span.events[0].attributes["exception.stacktrace"]
    )


def _raised_from() -> None:
    try:
        _query()
    except sqlite3.Error as error:
        raise RuntimeError(f"the query failed: {error}") from error


def _cut_and_hidden() -> None:
    try:
        _query()
    except sqlite3.Error as error:
        raise RuntimeError(f"the query failed: {str(error)[:-1]} with {VALUE}") from None


def _only_a_literal() -> None:
    try:
        _query()
    except sqlite3.Error:
        raise RuntimeError("could not open the cache")  # noqa: B904


def _only_values() -> None:
    try:
        _query()
    except sqlite3.Error as error:
        raise LookupError(VALUE) from error


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (_raised_from, "RuntimeError: the query failed: … "),
        (_cut_and_hidden, "RuntimeError: the query failed: … "),
        (_only_a_literal, "RuntimeError: could not open the cache "),
        (_only_values, "LookupError: "),
    ],
)
def test_an_error_that_is_raised_from_one_keeps_the_words_of_its_source(
    recorded: Tracing, fail: Callable[[], None], message: str
) -> None:
    span = _left(recorded, fail)
    assert span.status.message == f"{message}[sqlite3.OperationalError: {BAD_PATH}]"


def test_a_programs_error_stays_after_one_that_was_raised_from_a_databases(recorded: Tracing) -> None:
    def fail(text: str, query: bool) -> None:
        try:
            if query:
                _query()
        except sqlite3.Error as error:
            raise RuntimeError(text) from error
        raise RuntimeError(text)

    assert _left(recorded, lambda: fail("failed", True)).status.message.startswith("RuntimeError: [sqlite3.")
    assert _left(recorded, lambda: fail("failed", False)).status.message == "RuntimeError: failed"


@pytest.mark.parametrize("probes", [PROBES, ()], ids=["traced", "not traced"])
def test_what_an_adapter_raises_is_an_error_of_the_call(recorded: Tracing, probes: Any) -> None:
    span = _left(recorded, lambda: _query(Point()), probes=probes)
    assert span.status.message == "ValueError: cannot adapt …"


def test_an_error_in_another_thread_and_later(recorded: Tracing) -> None:
    def fail() -> None:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(_query, Point())
            error = asked.exception()
        assert error is not None
        raise error.with_traceback(None)

    assert _left(recorded, fail).status.message == "ValueError"


def _in_a_worker(wrapped: bool) -> None:
    if wrapped:
        _raised_from()
    _query(Point())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork, since Python 3.12
@pytest.mark.parametrize("wrapped", [True, False])
def test_an_error_of_a_process_pools_worker(recorded: Tracing, wrapped: bool) -> None:
    def fail() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            pool.submit(_in_a_worker, wrapped).result()

    assert _left(recorded, fail).status.message.startswith("RuntimeError" if wrapped else "ValueError")


def test_what_a_probed_function_raises_within_a_statement(recorded: Tracing) -> None:
    @nutrace.probe(component="map")
    def called(value: str) -> int:
        return int(value)

    def fail() -> None:
        connection = sqlite3.connect(":memory:")
        connection.create_function("called", 1, called)
        try:
            connection.execute("SELECT called(?)", (VALUE,)).fetchall()
        finally:
            connection.close()

    _left(recorded, fail)
    (span,) = [span for span in recorded.trace if span.component == "map"]
    assert span.status.message == "ValueError"


@pytest.mark.parametrize("probes", [PROBES, ()], ids=["traced", "not traced"])
def test_a_message_that_is_repeated_later(recorded: Tracing, probes: Any) -> None:
    def fail() -> None:
        try:
            _query()
        except sqlite3.Error as error:
            said = str(error)
        raise RuntimeError(f"failed before: {said}")

    assert _left(recorded, fail, probes=probes).status.message == "RuntimeError: failed before: …"


@pytest.mark.parametrize(
    "text",
    [
        f"worker said:\nTraceback ...\nsqlite3.OperationalError: bad JSON path: '{VALUE}'",
        f"(psycopg2.errors.UniqueViolation) [SQL: INSERT] [parameters: {{'a': '{VALUE}'}}]",
        f"Error sending result: 'IntegrityError(\"{VALUE}\")'",
    ],
)
def test_a_traceback_of_another_process(recorded: Tracing, text: str) -> None:
    def fail() -> None:
        raise RuntimeError(text)

    assert _left(recorded, fail).status.message == "RuntimeError"


def test_drivers_that_nobody_knows(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = types.ModuleType("mydriver")
    vars(driver).update(apilevel="2.0", paramstyle="qmark")
    monkeypatch.setitem(sys.modules, "mydriver", driver)
    error = type("Error", (Exception,), {"__module__": "mydriver.errors"})
    pandas_error = type("DatabaseError", (OSError,), {"__module__": "frames.errors"})
    for kind in (error, pandas_error):

        def fail(kind: Any = kind) -> None:
            raise kind(f"not {VALUE}")

        assert _left(recorded, fail).status.message == f"{kind.__module__}.{kind.__name__}"


def test_codes_are_kept_only_if_they_look_like_codes(recorded: Tracing) -> None:
    class Coded(sqlite3.Error):
        pass

    def fail(code: str) -> None:
        error = Coded(f"database is locked: {VALUE}")
        error.sqlite_errorname = code  # type: ignore[misc, attr-defined, unused-ignore]
        raise error

    name = f"{__name__}.{Coded.__qualname__}"
    assert _left(recorded, lambda: fail("SQLITE_BUSY")).status.message == (
        f"{name}: database is locked (SQLITE_BUSY)"
    )
    assert _left(recorded, lambda: fail(VALUE)).status.message == f"{name}: database is locked"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in 3.11")
def test_groups_and_notes(recorded: Tracing) -> None:
    def fail() -> None:
        try:
            _query()
        except sqlite3.Error as error:
            error.add_note(VALUE)  # type: ignore[attr-defined, unused-ignore]
            kept = error
        raise ExceptionGroup(f"several: {VALUE}", [KeyError("a"), kept])  # type: ignore[name-defined, unused-ignore] # noqa: F821

    span = _left(recorded, fail)
    assert span.status.message == f"ExceptionGroup: several: … [sqlite3.OperationalError: {BAD_PATH}]"


def test_what_the_program_writes_on_spans_by_hand(recorded: Tracing) -> None:
    with recorded(*PROBES):
        with pytest.raises(sqlite3.Error), otel.get_tracer("own").start_as_current_span("outer") as span:  # noqa: PT012
            try:
                _query()
            except sqlite3.Error as error:
                span.record_exception(error, {"exception.message": str(error), "attempt": 2})
                span.add_event("exception", {"exception.message": str(error), "attempt": 2})
                span.set_status(otel.StatusCode.ERROR, str(error))
                raise
        with otel.get_tracer("own").start_as_current_span("own") as span:
            span.add_event("exception", {"exception.message": "as it is"})
            span.set_status(otel.StatusCode.ERROR, "as it is")
    assert recorded.path is not None
    assert VALUE not in recorded.path.read_text(encoding="utf-8")
    by_hand, added, _ = recorded.span("outer").events
    assert (by_hand.attributes["exception.message"], by_hand.attributes["attempt"]) == (BAD_PATH, 2)
    assert added.attributes == {"attempt": 2}
    own = recorded.span("own")
    assert own.events[0].attributes == {"exception.message": "as it is"}
    assert own.status.message == "as it is"


def test_few_messages_are_remembered(recorded: Tracing) -> None:
    def fail() -> None:
        for number in range(1000):
            with pytest.raises(ValueError, match="cannot adapt"):
                _query(Numbered(number))
        _query()

    class Numbered:
        def __init__(self, number: int) -> None:
            self.number = number

        def __conform__(self, protocol: Any) -> Any:
            raise ValueError(f"cannot adapt {self.number}")

    _left(recorded, fail)
    assert len(database_errors._texts) <= 200


def test_faults_and_verdicts_name_an_error_without_its_values() -> None:
    with pytest.raises(sqlite3.Error) as caught:
        _query()
    assert one_line(caught.value) == f"OperationalError: {BAD_PATH}"
    assert one_line(ValueError("as\nit is")) == "ValueError: as it is"
    faults = Faults()
    try:
        _query()
    except sqlite3.Error:
        faults.note("answering a query")
    assert faults.notes == [f"answering a query: OperationalError: {BAD_PATH}"]
