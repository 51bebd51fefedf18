"""Indexes are advised where SQLite uses them, and nothing is written to the file."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import List

import pytest

from nutrace.errors import InputError, MissingDependencyError
from nutrace.plans import Explained, explain, open_log
from nutrace.plans.clone import clone
from nutrace.plans.query_plan import plan_of

LIGHTS = "SELECT tl.status FROM lidar_pc AS lp INNER JOIN lights AS tl ON lp.token = tl.pc WHERE lp.token = ?"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "a log's #1?.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lidar_pc (token BLOB PRIMARY KEY, time INTEGER)")
        connection.execute(
            "CREATE TABLE lights (token BLOB PRIMARY KEY, pc BLOB, status TEXT, 'odd name' INT)"
        )
        connection.execute("CREATE VIEW green AS SELECT * FROM lights WHERE status = 'green'")
        frames = [(bytes([frame]), frame) for frame in range(100)]
        connection.executemany("INSERT INTO lidar_pc VALUES (?, ?)", frames)
        rows = [(bytes([n // 10, n % 10]), bytes([n // 10]), "green", n % 3) for n in range(1000)]
        connection.executemany("INSERT INTO lights VALUES (?, ?, ?, ?)", rows)
    return path


def _explain(file: str, text: str) -> Explained:
    with open_log(file) as log:
        return explain(text, log)


def _ddl(file: str, text: str) -> List[str]:
    return [advice.ddl for advice in _explain(file, text).advice]


def test_a_join_without_an_index(file: str) -> None:
    before = Path(file).read_bytes()
    explained = _explain(file, LIGHTS)
    (scan,) = explained.scans
    assert (scan.table, scan.alias, scan.rows, scan.automatic) == ("lights", "tl", 1000, ())
    (advice,) = explained.advice
    assert advice.ddl == "CREATE INDEX nutrace_lights_pc ON lights (pc)"
    assert (advice.rows, advice.rows_after) == (1000, 10)
    assert any("nutrace_lights_pc" in line for line in explained.plan_after)
    assert not any("nutrace_lights_pc" in line for line in explained.plan)
    assert Path(file).read_bytes() == before
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(advice.ddl)
    assert _explain(file, LIGHTS).scans == ()


@pytest.mark.parametrize(
    ("text", "ddl"),
    [
        ("SELECT * FROM lights WHERE status = ?", "nutrace_lights_status ON lights (status)"),
        ("SELECT * FROM lights WHERE ? = pc AND token != ?", "nutrace_lights_pc ON lights (pc)"),
        ("SELECT * FROM lidar_pc WHERE time > ? ORDER BY time", "nutrace_lidar_pc_time ON lidar_pc (time)"),
        ("SELECT * FROM lidar_pc WHERE time BETWEEN ? AND ?", "nutrace_lidar_pc_time ON lidar_pc (time)"),
        ("SELECT * FROM lights WHERE pc IN (?)", "nutrace_lights_pc ON lights (pc)"),
        ('SELECT * FROM lights WHERE "odd name" = ?', '"nutrace_lights_odd name" ON lights ("odd name")'),
        ("WITH l AS (SELECT * FROM lights WHERE pc = ?) SELECT * FROM l", "nutrace_lights_pc ON lights (pc)"),
    ],
)
def test_the_predicate_gives_the_index(file: str, text: str, ddl: str) -> None:
    assert _ddl(file, text) == [f"CREATE INDEX {ddl}"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM lights",
        "SELECT * FROM lights WHERE status || ? = ?",
        "SELECT * FROM lights WHERE pc = token",
        "SELECT * FROM lights WHERE NOT pc = ?",
        "SELECT COUNT(*) FROM lidar_pc",
        "SELECT * FROM lidar_pc WHERE token = ?",
        "INSERT INTO lights VALUES (?, ?, ?, ?)",
    ],
)
def test_no_index_where_none_would_be_taken(file: str, text: str) -> None:
    assert _ddl(file, text) == []


def test_two_columns_where_the_second_narrows(file: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE cells (x INTEGER, y INTEGER)")
        connection.executemany("INSERT INTO cells VALUES (?, ?)", [(n % 10, n // 10) for n in range(1000)])
    text = "SELECT * FROM cells WHERE x = ? AND y = ?"
    assert _ddl(file, text) == ["CREATE INDEX nutrace_cells_x_y ON cells (x, y)"]
    # A second column that is no more selective is left out.
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE cells SET x = y")
    assert _ddl(file, text) == ["CREATE INDEX nutrace_cells_x ON cells (x)"]


def test_an_index_that_is_made_for_each_execution(file: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE boxes (pc BLOB, size INTEGER)")
        connection.executemany("INSERT INTO boxes VALUES (?, 1)", [(bytes([n % 100]),) for n in range(5000)])
    text = "SELECT * FROM lights AS l JOIN boxes AS b ON b.pc = l.pc"
    explained = _explain(file, text)
    assert [scan.automatic for scan in explained.scans if scan.automatic] != []
    assert [advice.columns for advice in explained.advice] == [("pc",)]


def test_statistics_of_the_file_decide(file: str) -> None:
    # Without statistics, SQLite assumes that an index is selective. If they say that the table has a
    # few rows for each of a few values, it scans the table and would not use an index.
    text = "SELECT * FROM lights AS a JOIN lidar_pc AS p ON p.time < a.token WHERE a.status = ?"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE INDEX by_time ON lidar_pc (time)")
        connection.execute("ANALYZE")
        connection.execute("UPDATE sqlite_stat1 SET stat = '7 7' WHERE idx = 'by_time'")
    with open_log(file) as log, clone(log, []) as empty:
        copied = empty.execute("SELECT stat FROM sqlite_stat1 WHERE idx = 'by_time'").fetchall()
        assert copied == [("7 7",)]
        assert plan_of(empty, text) == plan_of(log.connection, text)


def test_what_cannot_be_planned_is_a_note(file: str) -> None:
    assert _explain(file, "SELECT * FROM gone").note.startswith("no plan: no such table")
    assert _explain(file, "SELECT …").note.startswith("no plan: ")
    assert _explain(file, "").plan == ()


def test_a_name_that_is_taken(file: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE INDEX nutrace_lights_pc ON lights (status)")
    assert _ddl(file, LIGHTS) == ["CREATE INDEX nutrace_lights_pc_2 ON lights (pc)"]


@pytest.mark.parametrize(
    "content", [None, b"", b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 500]
)
def test_files_that_are_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.db"
    if content is not None:
        path.write_bytes(content)
    if content == b"":  # SQLite takes an empty file for an empty database
        assert _explain(str(path), "SELECT 1").note == ""
        return
    with pytest.raises(InputError, match=r"broken\.db"), open_log(str(path)):
        pass


def test_a_writer_at_work_is_waited_for_and_named(file: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="locked"), open_log(file):
            pass


def test_the_parser_is_an_extra(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "nutrace.plans.predicates", raising=False)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with open_log(file) as log:
        with pytest.raises(MissingDependencyError, match="pip install 'sqlglot>=25'"):
            explain(LIGHTS, log)
        (scan,) = explain(LIGHTS, log, advise=False).scans
        assert (scan.table, scan.rows) == ("lights", 1000)
    monkeypatch.delitem(sys.modules, "nutrace.plans.predicates", raising=False)
