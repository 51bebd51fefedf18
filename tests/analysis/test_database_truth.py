"""The figures of real programs equal those of SQLite's trace hook, and of the clock."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List

import pytest
import sqlalchemy as sa
from fakes.tracing import Tracing
from sqlalchemy import orm

import nutrace
from nutrace import semconv
from nutrace.analysis.database import Database, database
from nutrace.probes.catalogue.sqlalchemy import PROBES as ALCHEMY
from nutrace.probes.catalogue.sqlite import PROBES

_BURN_S = 0.2


@pytest.fixture
def tracing(tmp_path: Path) -> Tracing:
    return Tracing(tmp_path)


class Truth:
    """Statements that SQLite's trace hook reports, with their values, without transactions."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        self.connections: List[sqlite3.Connection] = []

    def connect(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path)
        connection.set_trace_callback(self._count)
        self.connections.append(connection)
        return connection

    def _count(self, text: str) -> None:
        if text.split()[0] not in ("BEGIN", "COMMIT", "ROLLBACK"):
            self.texts[text] += 1


Base: Any = orm.declarative_base()


class Scene(Base):
    __tablename__ = "scene"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String)
    boxes = orm.relationship("Box")


class Box(Base):
    __tablename__ = "box"
    id = sa.Column(sa.Integer, primary_key=True)
    size = sa.Column(sa.Float)
    scene_id = sa.Column(sa.Integer, sa.ForeignKey("scene.id"))


def _orm_program(truth: Truth, path: str) -> int:
    """Makes ten scenes with three boxes each, then loads the boxes scene by scene, twice."""
    engine = sa.create_engine("sqlite://", creator=lambda: truth.connect(path), future=True)
    Base.metadata.create_all(engine)
    with orm.Session(engine, future=True) as session:
        for scene in range(10):
            boxes = [Box(size=float(box)) for box in range(3)]
            session.add(Scene(name=f"scene {scene}", boxes=boxes))
        session.commit()
    loaded = 0
    for _ in range(2):
        with (
            nutrace.span("simulation.step", component="simulation"),
            orm.Session(engine, future=True) as session,
        ):
            for scene in session.execute(sa.select(Scene).order_by(Scene.id)).scalars():
                loaded += len(scene.boxes)
            session.execute(sa.text("SELECT COUNT(*) FROM box WHERE size > :size"), {"size": 1.5}).scalar()
    engine.dispose()
    return loaded


def test_a_program_on_sqlalchemys_orm(tracing: Tracing, tmp_path: Path) -> None:
    truth = Truth()
    with tracing(*PROBES, *ALCHEMY, compress_us=200):
        assert _orm_program(truth, str(tmp_path / "orm.db")) == 60
    for connection in truth.connections:
        connection.close()
    result = database(tracing.trace)
    by_verb = Counter(text.split()[0] for text in truth.texts.elements())
    counted: Counter[str] = Counter()
    for statement in result.statements:
        counted[statement.operation] += statement.all.count
    assert counted == by_verb
    selects = {text: count for text, count in truth.texts.items() if text.startswith("SELECT")}
    kinds = [statement for statement in result.statements if statement.operation == "SELECT"]
    assert sum(statement.distinct for statement in kinds) == len(selects)
    assert sum(statement.repeated for statement in kinds) == sum(selects.values()) - len(selects) > 10
    assert (result.connections.opened, result.connections.closed) == (len(truth.connections), 1)
    assert (result.steps, result.in_steps.count, result.in_steps.rows) == (2, 24, 2 * (10 + 30 + 1))
    (loop,) = result.loops
    assert "FROM box" in loop.text
    assert (loop.steps, loop.executions) == (2, 20)
    assert result.transactions.commits >= 1
    assert tracing.faults == []


def _slow(burnt: Dict[str, float], value: int) -> int:
    began = time.perf_counter()
    while time.perf_counter() - began < _BURN_S:
        pass
    burnt["s"] = burnt.get("s", 0.0) + time.perf_counter() - began
    return value


def _statement(result: Database, part: str) -> Any:
    (statement,) = (statement for statement in result.statements if part in statement.text)
    return statement


@pytest.mark.parametrize(
    ("slow", "where"),
    [
        # The first row is computed by execute; later ones when they are fetched.
        ("SELECT a, slow(a) FROM t WHERE a = 0", "execute_ns"),
        ("SELECT a, CASE WHEN a = 7 THEN slow(a) ELSE a END FROM t", "fetch_ns"),
    ],
)
@pytest.mark.parametrize("how", ["iterate", "fetchall", "fetchmany"])
def test_time_is_charged_where_it_is_spent(tracing: Tracing, slow: str, where: str, how: str) -> None:
    burnt: Dict[str, float] = {}
    with tracing(*PROBES), closing(sqlite3.connect(":memory:")) as connection:
        connection.create_function("slow", 1, lambda value: _slow(burnt, value))
        connection.execute("CREATE TABLE t (a INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(10)])
        cursor = connection.execute(slow)
        rows = {
            "iterate": lambda: list(cursor),
            "fetchall": cursor.fetchall,
            "fetchmany": lambda: cursor.fetchmany(100),
        }[how]()
        connection.execute("SELECT COUNT(*) FROM t").fetchone()
    result = database(tracing.trace)
    charged = _statement(result, "slow")
    assert charged.all.rows == len(rows)
    assert getattr(charged, where) / 1e9 == pytest.approx(burnt["s"], rel=0.05)
    other = charged.fetch_ns if where == "execute_ns" else charged.execute_ns
    assert other / 1e9 < 0.05 * _BURN_S
    assert _statement(result, "COUNT").all.total_ns / 1e9 < 0.05 * _BURN_S
    assert semconv.STATEMENT_SPAN in tracing.trace.name
