"""Statements that somebody else wrote: they set nothing, write nothing, and end in time."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from fakes.programs import environment
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.errors import InputError
from nutrace.log_file import connect
from nutrace.plans import explain, make, open_log
from nutrace.plans.clone import clone
from nutrace.plans.planner import Planner
from nutrace.plans.query_plan import plan_of

FOUND = "SELECT * FROM lights WHERE pc = ?"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "log.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lights (pc INTEGER, status TEXT)")
        connection.executemany("INSERT INTO lights VALUES (?, 'red')", ((n % 50,) for n in range(1_000)))
    return path


def state_of(folder: Path) -> Dict[str, Tuple[int, bytes]]:
    """Every file with its date and contents."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir() if path.is_file()
    }


def doubling(levels: int) -> str:
    """A statement that SQLite expands to 2 ** levels tables."""
    tables = ["t0 AS (SELECT 1 AS x)"]
    tables += [f"t{n} AS (SELECT 1 AS x FROM t{n - 1} AS a, t{n - 1} AS b)" for n in range(1, levels)]
    return f"WITH {', '.join(tables)} SELECT * FROM t{levels - 1}"


HOSTILE = [
    "PRAGMA hard_heap_limit = 1000",
    "PRAGMA temp_store_directory = '/'",
    "/* SELECT */ PRAGMA user_version = 5",
    "-- SELECT\nPRAGMA journal_mode = WAL",
    ";PRAGMA soft_heap_limit = 1000",
    "ATTACH 'made.db' AS made",
    "VACUUM INTO 'made.db'",
    "EXPLAIN PRAGMA hard_heap_limit = 1000",
    "QUERY PLAN PRAGMA hard_heap_limit = 1000",
    "SELECT load_extension('made.so')",
    "SELECT writefile('made', 'x')",
    "WITH x AS (SELECT 1) DELETE FROM lights",
    "WITH x AS (SELECT 1) INSERT INTO lights SELECT 1, 2",
    "REPLACE INTO lights VALUES (1, 2)",
    "CREATE TABLE made (x)",
    "BEGIN IMMEDIATE",
    "SELECT 1; PRAGMA hard_heap_limit = 1000",
    "SELECT '\0'",
    "SELECT '\ud800'",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_statement_changes_nothing(log: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here in this process, where a limit that is set would stay."""
    monkeypatch.chdir(log.parent)
    before = state_of(log.parent)
    with open_log(str(log)) as opened:
        explained = explain(text, opened)
        with clone(opened, []) as tried, pytest.raises(sqlite3.Error):
            plan_of(tried, text)
    assert explained.note.startswith("no plan: ")
    assert state_of(log.parent) == before
    with closing(sqlite3.connect(":memory:")) as connection:
        for limit in ("hard_heap_limit", "soft_heap_limit"):
            assert connection.execute(f"PRAGMA {limit}").fetchone() == (0,)


def test_a_connection_refuses_what_is_not_recognised(log: Path) -> None:
    with open_log(str(log)) as opened:
        for text in HOSTILE[:3] + HOSTILE[5:12]:
            with pytest.raises((sqlite3.DatabaseError, sqlite3.Warning)):
                opened.connection.execute(text).fetchall()


def test_a_statement_that_takes_all_memory_or_no_end(log: Path) -> None:
    with Planner() as planner:
        (advice,) = planner.explain(FOUND, str(log)).advice
        assert advice.columns == ("pc",)
        assert planner.explain(doubling(10), str(log)).plan != ()
        assert planner.explain(doubling(64), str(log)).note.startswith("no plan: it takes ")
        assert planner.explain(FOUND, str(log)).advice == (advice,)


def test_a_process_that_fails_costs_its_statement(log: Path) -> None:
    with Planner() as planner:
        for _ in range(2):
            assert planner.explain(FOUND, str(log)).advice != ()
            assert planner._process is not None
            planner._process.kill()
            assert "fails on it" in planner.explain(FOUND, str(log)).note
        assert planner.explain(FOUND, str(log)).note.startswith("no plan: not tried")


def test_a_python_that_prints_when_it_starts(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with Planner(advise=False) as planner:
        assert planner.explain("SELECT 1", str(log)).note == ""


def test_more_databases_than_a_process_may_open(log: Path) -> None:
    with Planner() as planner:
        assert planner.explain(FOUND, str(log)).plan != ()
        assert planner._process is not None
        for number in range(40):
            other = log.with_name(f"{number}.db")
            other.write_bytes(log.read_bytes())
            assert planner.explain(FOUND, str(other)).plan != ()
        if sys.platform == "linux":
            assert len(os.listdir(f"/proc/{planner._process.pid}/fd")) < 25


def schema(log: Path, *statements: str) -> None:
    """Write statements into the schema as they are."""
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        for number, sql in enumerate(statements):
            connection.execute(
                "INSERT INTO sqlite_master VALUES ('view', ?, ?, 0, ?)", (f"v{number}", f"v{number}", sql)
            )


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE made AS SELECT 1",
        "ATTACH 'made.db' AS made",
        "VACUUM INTO 'made.db'",
        "PRAGMA hard_heap_limit = 1000",
        "CREATE VIRTUAL TABLE made USING fts3(x)",
        "CREATE TABLE a (x); CREATE TABLE b (x)",
        "CREATE TRIGGER t AFTER INSERT ON lights BEGIN DELETE FROM lights; END",
    ],
)
def test_the_schema_of_a_log_is_no_program(log: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log.parent)

    class Written:
        """A log whose schema says this; SQLite itself refuses to open most of such files."""

        schema = ("CREATE TABLE lights (pc INTEGER, status TEXT)", sql)

        def statistics(self) -> List[Any]:
            return []

    before = state_of(log.parent)
    with clone(Written(), []) as tried:  # type: ignore[arg-type]
        assert plan_of(tried, FOUND) != ()
        names = tried.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("lights",)]
    assert state_of(log.parent) == before
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute("PRAGMA hard_heap_limit").fetchone() == (0,)


def test_functions_and_tables_of_other_programs(log: Path) -> None:
    """Functions that are not there, virtual tables, triggers: notes, and plans of the rest."""
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.create_function("own", 1, lambda value: value, deterministic=True)
        connection.execute("CREATE TABLE odd (a, b AS (own(a)))")
        connection.execute("CREATE INDEX by_own ON odd (own(a))")
        connection.execute("CREATE VIEW v AS SELECT own(a) FROM odd, lights")
        connection.execute("CREATE VIRTUAL TABLE words USING fts3(x)")
        connection.execute("CREATE TRIGGER t AFTER INSERT ON lights BEGIN SELECT own(1); END")
    before = state_of(log.parent)
    with open_log(str(log)) as opened:
        assert "words" not in opened.tables
        assert explain("SELECT own(a) FROM odd", opened).note == "no plan: no such function: own"
        assert "own" in explain("SELECT * FROM v", opened).note
        assert explain("SELECT * FROM words WHERE words MATCH ?", opened).plan != ()
        (advice,) = explain(FOUND, opened).advice
    assert state_of(log.parent) == before
    list(make(str(log), [advice.ddl]))


def test_names_that_are_meant_for_somebody_elses_sql(log: Path) -> None:
    table = '"x""; DROP TABLE lights; --"'
    columns = ['"c); DROP TABLE lights; --"', "'CURRENT_DATE'", '"a=? AND b"', '"rowid; --"']
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", ((n, n, n, n) for n in range(500)))
    advised = []
    with open_log(str(log)) as opened:
        for column in columns:
            name = column.replace("'", '"')
            advised += explain(f"SELECT * FROM {table} WHERE {name} = ?", opened).advice
            explain(f"SELECT * FROM {table} JOIN {table} AS y ON y.{name} = x.{name}", opened)
    assert len(advised) == len(columns)
    for advice in advised:
        list(make(str(log), [advice.ddl]))
    with closing(sqlite3.connect(log)) as connection:
        made = connection.execute(
            "SELECT i.name FROM sqlite_master AS m JOIN pragma_index_info(m.name) AS i WHERE m.type = 'index'"
        ).fetchall()
        assert connection.execute("SELECT COUNT(*) FROM lights").fetchone() == (1_000,)
    assert sorted(made) == sorted((column[1:-1],) for column in columns)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_log_in_write_ahead_mode(log: Path, waiting: bool) -> None:
    """SQLite would make files beside it."""
    writes = f"""
import os, sqlite3
connection = sqlite3.connect({str(log)!r}, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE late (x)")
if {waiting}:
    os._exit(0)
connection.close()
"""
    subprocess.run([sys.executable, "-c", writes], env=environment(), check=True)
    before = state_of(log.parent)
    assert ("log.db-wal" in before) is waiting
    with Planner() as planner:
        assert planner.explain("SELECT * FROM late", str(log)).plan != ()
        assert planner.explain(FOUND, str(log)).advice != ()
    assert state_of(log.parent) == before
    if waiting:  # a program of which this one is a part may have it open
        with pytest.raises(InputError, match="still in its write-ahead log"), open_log(str(log)):
            pass
        assert state_of(log.parent) == before


def odd_paths(folder: Path) -> List[str]:
    fifo = folder / "fifo.db"
    os.mkfifo(fifo)
    (folder / "to-fifo.db").symlink_to(fifo)
    return [
        str(fifo),
        str(folder / "to-fifo.db"),
        str(folder),
        "/dev/zero",
        "/dev/stdin",
        "/proc/self/mem",
        f"file:{folder}/made.db?mode=rwc",
        f"file://host{folder}/made.db",
        f"{folder}/log.db?mode=rwc&vfs=unix-none",
        f"{folder}/made.db%00?x",
        f"{folder}/made.db",
        "a\0b",
        f"{folder}/{'x' * 5_000}",
        "//host/share/made.db",
        "",
    ]


def test_paths_that_a_run_file_may_name(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(log.parent)
    paths = odd_paths(log.parent)
    before = sorted(log.parent.iterdir())
    with Planner() as planner:
        for path in paths:
            with pytest.raises(InputError):
                planner.explain(FOUND, path)
    assert sorted(log.parent.iterdir()) == before


def test_a_name_is_no_uri(log: Path) -> None:
    """The file itself may have such a name."""
    odd = log.rename(log.with_name("a?mode=rwc&x=%41#.db"))
    before = state_of(odd.parent)
    with Planner() as planner:
        assert planner.explain(FOUND, str(odd)).plan != ()
    assert state_of(odd.parent) == before


WORDS = (
    *("SELECT", "FROM", "WHERE", "lights", "pc", "status", "=", "?", "(", ")", ",", "*", "AND", "OR", "IN"),
    *("PRAGMA", "hard_heap_limit", "WITH", "AS", "x", ";", "--", "/*", "*/", "'", '"', "\n", "\0", "UNION"),
    *("JOIN", "ON", "LIMIT", "1e999", ":name", "?7", "@a", "CASE", "WHEN", "END", "NOT", "NULL", "BETWEEN"),
    *("VALUES", "DELETE", "ATTACH", "[", "]", "`", "EXISTS", "CAST", "OVER", "RECURSIVE", "é", "\ud800"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_texts_of_all_kinds(words: List[str], chance: random.Random) -> None:
    """Each is a plan, or a note of one line."""
    with closing(connect(":memory:")) as connection:
        connection.execute("CREATE TABLE lights (pc INTEGER, status TEXT)")
        from nutrace.plans.log import Log

        log = Log("", connection)
        for text in (" ".join(words), FOUND + " " + " ".join(words), _mutated(FOUND, chance)):
            explained = explain(text, log)
            assert explained.plan or explained.note
            assert "\n" not in explained.note


def _mutated(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice(WORDS) + text[at + chance.randrange(3) :]
