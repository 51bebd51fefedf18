"""Libraries on top of sqlite3 work as before: pandas and SQLAlchemy."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fakes.tracing import Tracing

from nutrace import semconv
from nutrace.probes.catalogue.sqlite import PROBES

STATEMENT = semconv.STATEMENT_SPAN


def rows(recorded: Tracing, operation: str) -> int:
    spans = [s for s in recorded.spans(STATEMENT) if s.attributes[semconv.DB_OPERATION] == operation]
    return sum(span.attributes[semconv.DB_ROWS] for span in spans)


def test_pandas(recorded: Tracing) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(20), "b": [f"x{n}" for n in range(20)]})
    with recorded(*PROBES):
        connection = sqlite3.connect(":memory:")
        frame.to_sql("t", connection, index=False)
        read = pandas.read_sql("SELECT a, b FROM t WHERE a >= ?", connection, params=(5,))
        pieces = list(pandas.read_sql("SELECT a FROM t", connection, chunksize=6))
        connection.close()
    assert read.equals(frame[5:].reset_index(drop=True))
    assert [len(piece) for piece in pieces][:4] == [6, 6, 6, 2]
    texts = [s.attributes[semconv.DB_TEXT] for s in recorded.spans(STATEMENT)]
    assert "SELECT a, b FROM t WHERE a >= ?" in texts
    selected = [s for s in recorded.spans(STATEMENT) if s.attributes[semconv.DB_TEXT].startswith("SELECT a")]
    assert sum(s.attributes[semconv.DB_ROWS] for s in selected) == 15 + 20
    assert not recorded.faults


@pytest.mark.parametrize("pool", ["QueuePool", "NullPool"])
def test_sqlalchemy(recorded: Tracing, tmp_path: Path, pool: str) -> None:
    sqlalchemy: Any = pytest.importorskip("sqlalchemy")
    with recorded(*PROBES):
        kind = getattr(sqlalchemy.pool, pool)
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/a.db", poolclass=kind)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE t (a INTEGER)"))
            connection.execute(sqlalchemy.text("INSERT INTO t VALUES (:a)"), [{"a": n} for n in range(7)])
        for _ in range(2):
            with engine.connect() as connection:
                read = connection.execute(
                    sqlalchemy.text("SELECT a FROM t WHERE a > :a"), {"a": 1}
                ).fetchall()
                assert [row[0] for row in read] == [2, 3, 4, 5, 6]
        engine.dispose()
    assert rows(recorded, "SELECT") == 10
    (insert,) = [s for s in recorded.spans(STATEMENT) if s.attributes[semconv.DB_OPERATION] == "INSERT"]
    assert insert.attributes[semconv.SQL_RUNS] == 7
    assert insert.function == f"{__name__}.test_sqlalchemy"
    assert recorded.calls(semconv.COMMIT_SPAN) == 1
    made = recorded.calls(semconv.CONNECT_SPAN)
    assert (made, recorded.calls(semconv.CLOSE_SPAN)) == ((1, 1) if pool == "QueuePool" else (3, 3))
    assert not recorded.faults
