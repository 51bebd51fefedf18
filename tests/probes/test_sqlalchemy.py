"""SQLAlchemy's statements, fetches and pool, in ordinary programs."""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import sqlalchemy
from fakes.tracing import Tracing
from sqlalchemy import Column, Integer, String, create_engine, event, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.pool import NullPool, QueuePool

import nutrace
from nutrace import semconv
from nutrace.probes.catalogue import sqlalchemy as alchemy
from nutrace.probes.catalogue import sqlite
from nutrace.trace import SpanView

STOCK = "opentelemetry.instrumentation.sqlalchemy"
PROBES = (*sqlite.PROBES, *alchemy.PROBES)
Base: Any = declarative_base()


class Car(Base):
    __tablename__ = "car"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def _engine(folder: Path, **options: Any) -> Engine:
    return create_engine(f"sqlite:///{folder / 'cars.db'}", **options)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine made before tracing begins, without a connection; its database has 20 cars."""
    made = _engine(tmp_path, poolclass=QueuePool, pool_size=1, max_overflow=0)
    Base.metadata.create_all(made)
    with Session(made) as session:
        session.add_all([Car(name=f"car {number}") for number in range(20)])
        session.commit()
    made.dispose()
    yield made
    made.dispose()


def _stock(recorded: Tracing) -> List[SpanView]:
    """The spans of statements that the stock instrumentation makes."""
    return [span for span in recorded.trace if "db.system" in span.attributes and span.name != "connect"]


def _sum(recorded: Tracing, name: str, number: str) -> int:
    return sum(span.attributes.get(number, 0) for span in recorded.spans(name))


def _statements(recorded: Tracing) -> Dict[str, int]:
    found: Counter[str] = Counter()
    for span in recorded.spans(semconv.STATEMENT_SPAN):
        found[span.attributes[semconv.DB_TEXT]] += span.calls
    return found


def _work(engine: Engine) -> List[Any]:
    with Session(engine) as session:
        session.add(Car(name="new"))
        session.flush()
        names: List[Any] = [car.name for car in session.execute(select(Car)).scalars()]
        session.rollback()
    with engine.connect() as connection:
        names += connection.execute(text("select name from car where id < :last"), {"last": 4}).fetchall()
    return names


def test_statements_are_those_that_sqlite_ran_and_counted_once(recorded: Tracing, engine: Engine) -> None:
    ran: List[str] = []

    @event.listens_for(engine, "connect")
    def count(connection: Any, record: Any) -> None:
        connection.set_trace_callback(ran.append)

    plain = _work(engine)
    engine.dispose()
    ran.clear()
    with recorded(*PROBES):
        traced = _work(engine)
    assert [str(name) for name in traced] == [str(name) for name in plain]
    wanted = Counter(words.split()[0].upper() for words in ran)
    found: Counter[str] = Counter()
    for statement, calls in _statements(recorded).items():
        found[statement.split()[0].upper()] += calls
    # BEGIN, COMMIT and ROLLBACK are no statements but spans of their own.
    for word in ("SELECT", "INSERT"):
        assert found[word] == wanted[word] > 0
    assert Counter(span.attributes[semconv.DB_OPERATION] for span in _stock(recorded)) == {
        "INSERT": 1,
        "SELECT": 2,
    }
    # Each has the driver's own statement below it, and that is the one which is counted.
    for span in _stock(recorded):
        (inside,) = span.children
        assert inside.name == semconv.STATEMENT_SPAN
        assert inside.attributes[semconv.SQL_STATEMENT] == span.attributes[semconv.SQL_STATEMENT]
    assert recorded.spans(semconv.ALCHEMY_FETCH_SPAN) == []  # the probe on sqlite3 counts its rows
    assert _sum(recorded, semconv.STATEMENT_SPAN, semconv.DB_ROWS) >= 21 + 3
    assert recorded.faults == []
    found_wrong = recorded.trace.diagnostics
    assert (found_wrong.overlapping, found_wrong.outside_parent, found_wrong.orphans) == (0, 0, 0)


def test_statements_say_who_asked_and_tell_no_literals(recorded: Tracing, engine: Engine) -> None:
    def ask() -> None:
        with engine.connect() as connection:
            connection.execute(text("select * from car where name = 'hunter2'"))

    for with_text in (True, False):
        with recorded(*PROBES, sql_text=with_text):
            ask()
        (span,) = _stock(recorded)
        assert span.component == "database"
        assert span.function.endswith(
            ("ask", "test_statements_say_who_asked_and_tell_no_literals.<locals>.ask")
        )
        assert span.file == __file__
        assert "hunter2" not in str(dict(span.attributes))
        assert (semconv.DB_TEXT in span.attributes) is with_text
        assert span.attributes[semconv.DB_SYSTEM] == "sqlite"
        assert recorded.path is not None
        assert "hunter2" not in recorded.path.read_text()
        assert STOCK in recorded.path.read_text()


def test_a_checkout_waits_while_another_thread_has_the_connection(recorded: Tracing, engine: Engine) -> None:
    held, about_to_wait = threading.Event(), threading.Event()
    hold_s = 0.3

    def hold() -> None:
        with engine.connect():
            held.set()
            about_to_wait.wait(30)
            time.sleep(hold_s)

    with recorded(*PROBES):
        holder = threading.Thread(target=hold)
        holder.start()
        held.wait()
        about_to_wait.set()
        began = time.monotonic()
        with engine.connect():
            waited = time.monotonic() - began
        holder.join()
    waits = [span.attributes[semconv.POOL_WAIT_NS] / 1e9 for span in recorded.spans(semconv.CHECKOUT_SPAN)]
    assert len(waits) == 2
    assert 0.7 * waited <= max(waits) <= waited
    assert min(waits) < hold_s / 2
    (connect,) = recorded.spans(semconv.ALCHEMY_CONNECT_SPAN)
    assert connect.children[0].name == semconv.CONNECT_SPAN
    checkout = connect.parent
    assert checkout is not None
    assert checkout.name == semconv.CHECKOUT_SPAN
    # Connecting is not waiting. The wait is a recorded time, as start and end are.
    took_ns, connecting_ns = (span.end_ns - span.start_ns for span in (checkout, connect))
    assert checkout.attributes[semconv.POOL_WAIT_NS] <= took_ns - connecting_ns
    assert checkout.attributes[semconv.POOL_CLASS] == "QueuePool"
    assert _sum(recorded, semconv.CHECKIN_SPAN, semconv.POOL_IN_USE_NS) / 1e9 >= hold_s
    assert recorded.calls(semconv.CHECKIN_SPAN) == 2


def test_a_pool_that_keeps_nothing_connects_each_time(recorded: Tracing, tmp_path: Path) -> None:
    made = _engine(tmp_path, poolclass=NullPool)
    with recorded(*PROBES):
        for _ in range(5):
            with made.connect() as connection:
                connection.execute(text("select 1"))
    for name in (semconv.CHECKOUT_SPAN, semconv.ALCHEMY_CONNECT_SPAN, semconv.CONNECT_SPAN):
        assert recorded.calls(name) == 5
    assert recorded.calls(semconv.CHECKIN_SPAN) == recorded.calls(semconv.CLOSE_SPAN) == 5
    assert {span.attributes[semconv.POOL_CLASS] for span in recorded.spans(semconv.CHECKIN_SPAN)} == {
        "NullPool"
    }


def test_invalidated_connections(recorded: Tracing, engine: Engine) -> None:
    with recorded(*PROBES):
        connection = engine.connect()
        connection.invalidate(ValueError("broken"))
        connection.close()
        with engine.connect():
            pass
    span = recorded.span("sqlalchemy.invalidate")
    assert span.attributes["exception.type"] == "ValueError"
    assert span.attributes[semconv.POOL_SOFT] is False
    assert recorded.calls(semconv.ALCHEMY_CONNECT_SPAN) == 2


def test_errors_are_the_programs_own(recorded: Tracing, engine: Engine, tmp_path: Path) -> None:
    nowhere = create_engine(f"sqlite:///{tmp_path}/no/folder.db")
    tired = _engine(tmp_path, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.01)
    with recorded(*PROBES):
        with engine.connect() as connection, pytest.raises(sqlalchemy.exc.OperationalError):
            connection.execute(text("select * from no_such_table"))
        with pytest.raises(sqlalchemy.exc.OperationalError):
            nowhere.connect()
        with tired.connect(), pytest.raises(sqlalchemy.exc.TimeoutError):
            tired.connect()
        with nutrace.span("after"):
            pass
    tired.dispose()
    (failed,) = _stock(recorded)
    assert "no such table" in failed.status.message
    assert [span.status.code for span in recorded.spans(semconv.CHECKOUT_SPAN)].count(2) == 2
    assert recorded.span("after").parent is None
    assert recorded.faults == []


def test_everything_is_undone(recorded: Tracing, engine: Engine) -> None:
    def state() -> Dict[Any, Any]:
        modules = [module for name, module in sys.modules.items() if name.startswith("sqlalchemy.")]
        classes = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
        return {kind: dict(vars(kind)) for kind in classes if kind.__module__.startswith("sqlalchemy.")}

    _work(engine)
    before = state()
    with recorded(*PROBES):
        _work(engine)
        assert state() != before
    after = state()
    different = {
        (kind, name)
        for kind in before
        for name in {**before[kind], **after[kind]}
        if before[kind].get(name) is not after[kind].get(name) and "__" not in name[:2]
    }
    assert different == set()
    assert not Engine._has_events
    assert not engine._has_events  # no listener was added
    _work(engine)


def test_a_program_that_instruments_itself_has_one_span_for_each(recorded: Tracing, tmp_path: Path) -> None:
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    with recorded(*PROBES):
        SQLAlchemyInstrumentor().instrument()
        try:
            made = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'own.db'}")
            with made.connect() as connection:
                connection.execute(text("select 1"))
                connection.execute(text("select 2"))
            made.dispose()
        finally:
            SQLAlchemyInstrumentor().uninstrument()
    assert len(_stock(recorded)) == 2
    for span in _stock(recorded):
        assert [child.name for child in span.children] == [semconv.STATEMENT_SPAN]


def test_options_and_open_connections_of_before(recorded: Tracing, engine: Engine) -> None:
    with engine.connect() as connection, recorded(*PROBES):
        connection.execute(text("select 1"))
        connection.close()
        with engine.execution_options(stream_results=True).connect() as other:
            assert len(other.execute(select(Car.id)).fetchall()) == 20
    assert len(_stock(recorded)) == 2


class OtherCursor:
    """A cursor of a driver that nutrace does not know."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.inner = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def fetchall(self) -> Any:
        time.sleep(0.05)
        return self.inner.fetchall()


class OtherConnection:
    made_by = (sqlite3.Connection,)  # a name in a module would be bound to the class that records

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.inner = self.made_by[0](":memory:")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def cursor(self, *args: Any) -> OtherCursor:
        return OtherCursor(self.inner.cursor(*args))


def test_fetches_of_other_drivers_are_timed_and_their_rows_counted(recorded: Tracing) -> None:
    made = create_engine("sqlite://", creator=OtherConnection)
    with recorded(*PROBES), made.connect() as connection:
        connection.execute(text("create table t (a)"))
        connection.execute(text("insert into t values (:a)"), [{"a": number} for number in range(7)])
        result = connection.execute(text("select a from t where a < 100"))
        assert (result.fetchone(), len(result.fetchmany(2)), len(result.fetchall())) == ((0,), 2, 4)
    made.dispose()
    fetches = recorded.spans(semconv.ALCHEMY_FETCH_SPAN)
    (asked,) = (span for span in _stock(recorded) if span.attributes[semconv.DB_OPERATION] == "SELECT")
    digest = asked.attributes[semconv.SQL_STATEMENT]
    assert {span.attributes[semconv.SQL_STATEMENT] for span in fetches} == {digest}
    assert sum(span.attributes[semconv.DB_ROWS] for span in fetches) == 7
    assert 0.05 <= sum(span.attributes[semconv.SQL_FETCH_NS] for span in fetches) / 1e9 < 1
    assert recorded.spans(semconv.STATEMENT_SPAN) == []
    assert [child.name for child in asked.children] == []


def test_building_objects_is_the_orms(recorded: Tracing, engine: Engine) -> None:
    with recorded(*PROBES), Session(engine) as session:
        session.add(Car(name="x"))
        session.commit()
        session.execute(select(Car)).scalars().all()
    commit = recorded.span("sqlalchemy.session_commit")
    assert "sqlalchemy.session_flush" in [child.name for child in commit.children]
    (insert,) = (span for span in _stock(recorded) if span.attributes[semconv.DB_OPERATION] == "INSERT")
    above = [insert.name]
    node = insert.parent
    while node is not None:
        above.append(node.name)
        node = node.parent
    # The ORM of 1.4 executes without calling Connection.execute.
    inner = [name for name in above[1:] if name != "sqlalchemy.execute"]
    assert inner == ["sqlalchemy.session_flush", "sqlalchemy.session_commit"]
