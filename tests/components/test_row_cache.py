"""The cache as a class: whose rows it gives, when it asks anew, and what it leaves alone."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from asking import Opened, execute_many, execute_one, plain, settle
from hypothesis import given
from hypothesis import strategies as st

from nutrace.components.pool import ConnectionPool
from nutrace.components.row_cache import Options, RowCache
from nutrace.components.statements import verdict
from nutrace.errors import SettingsError

ROWS = 20
ALL = "SELECT number, name FROM numbers"
SOME = "SELECT number, name FROM numbers WHERE number < ?"


def make_log(file: Path, name: str = "a") -> str:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE numbers (number INTEGER, name TEXT)")
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(each, name) for each in range(ROWS)])
    connection.commit()
    connection.close()
    return str(file)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that no test changes."""
    made = make_log(tmp_path_factory.mktemp("log") / "log.db")
    settle(made)
    return made


@pytest.fixture
def own_log(tmp_path: Path) -> str:
    made = make_log(tmp_path / "own.db")
    settle(made)
    return made


class Asked:
    """A cache, and queries by way of it."""

    def __init__(self, **options: Any) -> None:
        self.cache = RowCache(Options(**options))
        self.opened = Opened()

    def connect(self, log: str) -> Any:
        return self.cache.connect(log, lambda: self.opened(log))

    def many(self, log: str, query: str, *parameters: Any) -> Iterator[Any]:
        return execute_many(self.connect, log, query, parameters)

    def one(self, log: str, query: str, *parameters: Any) -> Any:
        return execute_one(self.connect, log, query, parameters)

    @property
    def figures(self) -> Tuple[int, int, int, int]:
        stats = self.cache.stats()
        return stats["hits"], stats["misses"], stats["evictions"], stats["entries"]


@pytest.fixture
def asked() -> Iterator[Asked]:
    made = Asked()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


def stock(log: str, query: str, *parameters: Any) -> List[Any]:
    return plain(execute_many(sqlite3.connect, log, query, parameters))


def test_a_query_is_run_once(asked: Asked, log: str) -> None:
    for _ in range(4):
        assert plain(asked.many(log, SOME, 5)) == stock(log, SOME, 5)
    assert asked.figures == (3, 1, 0, 1)
    assert len(asked.opened.connections) == len(asked.opened.statements) == 1
    stats = asked.cache.stats()
    assert stats["avoided_ns"] == 3 * stats["spent_ns"] > 0
    assert stats["bytes_held"] > 5 * 56


def test_rows_are_sqlite3s_and_each_callers_own(asked: Asked, log: str) -> None:
    first, second, third = (list(asked.many(log, SOME, 3)) for _ in range(3))
    assert first == second == third
    assert [type(row) for row in second] == [sqlite3.Row] * 3
    assert [hash(row) for row in first] == [hash(row) for row in second]
    assert (second[1]["NAME"], second[1][-2], second[1].keys()) == ("a", 1, ["number", "name"])
    assert not any(one is other for one, other in zip(second, third))


def test_one_row_none_and_too_many(asked: Asked, log: str) -> None:
    one, none = f"{ALL} WHERE number = ?", f"{ALL} WHERE number = -1"
    for _ in range(2):
        assert plain([asked.one(log, one, 7)]) == stock(log, one, 7)
        assert asked.one(log, none) is None
        with pytest.raises(RuntimeError, match="more than one row"):
            asked.one(log, SOME, 2)
    assert asked.figures == (2, 4, 0, 2)
    assert list(asked.many(log, none)) == []


def test_tuples_for_who_has_no_row_factory(asked: Asked, log: str) -> None:
    list(asked.many(log, SOME, 2))
    connection = asked.connect(log)
    assert connection.execute(SOME, (2,)).fetchall() == [(0, "a"), (1, "a")]
    connection.close()
    assert len(asked.opened.connections) == 1


ODD = """
    SELECT number AS "a""b", 2 AS "ä [x]", number, number, x'00ff' AS "", NULL AS 'q', 0.1 + 0.2 FROM numbers
"""


def test_odd_columns_and_values(asked: Asked, log: str) -> None:
    for _ in range(2):
        assert plain(asked.many(log, ODD)) == stock(log, ODD)
    assert asked.figures[0] == 1


VALUES = st.one_of(
    st.sampled_from([0, 1, True, False, 1.0, 0.0, -0.0, "1", b"1", bytearray(b"1"), None, float("nan")]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=3),
    st.text(max_size=3).filter(lambda text: "\0" not in text),
)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8))
def test_parameters_are_told_apart_as_sqlite_does(log: str, pairs: List[Any]) -> None:
    asked = Asked()
    query = "SELECT ?, TYPEOF(?1), ?2, TYPEOF(?2)"
    for parameters in [*pairs, *reversed(pairs)]:
        assert plain(asked.many(log, query, *parameters)) == stock(log, query, *parameters)
    assert asked.figures[0] >= len(pairs)


def test_a_byte_array_that_changes_later(asked: Asked, log: str) -> None:
    value = bytearray(b"ab")
    assert asked.one(log, "SELECT ?", value)[0] == b"ab"
    value[0] = 0
    assert asked.one(log, "SELECT ?", value)[0] == b"\0b"
    assert asked.one(log, "SELECT ?", b"ab")[0] == b"ab"
    assert asked.figures[:2] == (1, 2)


@pytest.mark.parametrize("end", [lambda rows: rows.close(), lambda rows: None])
def test_half_a_result_is_not_kept(asked: Asked, log: str, end: Callable[[Any], None]) -> None:
    rows = asked.many(log, ALL)
    next(rows)
    end(rows)
    del rows
    assert (asked.opened.open, asked.cache.size) == (0, 0)
    assert len(list(asked.many(log, ALL))) == ROWS
    kept = asked.many(log, ALL)
    next(kept)
    del kept
    assert len(list(asked.many(log, ALL))) == ROWS
    assert asked.figures == (2, 2, 0, 1)


def test_nothing_is_asked_before_the_first_row_is(asked: Asked, log: str) -> None:
    asked.many(log, ALL)
    assert (asked.figures, asked.opened.connections) == ((0, 0, 0, 0), [])


def test_interleaved_generators(asked: Asked, log: str) -> None:
    first, second = asked.many(log, ALL), asked.many(log, ALL)
    pairs = list(zip(first, second))
    assert [one["number"] for one, _ in pairs] == [other["number"] for _, other in pairs] == list(range(ROWS))
    assert list(first) == list(second) == []
    third, fourth = asked.many(log, ALL), asked.many(log, ALL)
    assert [one == other for one, other in zip(third, fourth)] == [True] * ROWS
    assert asked.figures == (2, 2, 0, 1)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("SELECT * FROM missing", ()),
        (SOME, ()),
        (SOME, (object(),)),
        ("SELECT ABS(-9223372036854775808)", ()),
    ],
)
def test_a_query_that_fails_fails_each_time(asked: Asked, log: str, query: str, parameters: Any) -> None:
    with pytest.raises(sqlite3.Error) as expected:
        stock(log, query, *parameters)
    for _ in range(2):
        with pytest.raises(sqlite3.Error) as raised:
            list(asked.many(log, query, *parameters))
        assert (type(raised.value), str(raised.value)) == (type(expected.value), str(expected.value))
    assert asked.cache.size == 0


def test_a_query_that_fails_on_its_way_gives_the_rows_before(asked: Asked, log: str) -> None:
    query = "SELECT ABS(-9223372036854775805 - number) FROM numbers"  # of 3 it has none

    def until_it_fails(rows: Iterator[Any]) -> Any:
        found: List[Any] = []
        with pytest.raises(sqlite3.OperationalError, match="integer overflow"):
            found.extend(row[0] for row in rows)
        return found

    expected = until_it_fails(execute_many(sqlite3.connect, log, query))
    assert expected
    assert [until_it_fails(asked.many(log, query)) for _ in range(2)] == [expected] * 2
    assert asked.cache.size == 0


def names(asked: Asked, log: str) -> List[str]:
    return [row["name"] for row in asked.many(log, "SELECT DISTINCT name FROM numbers ORDER BY name")]


@pytest.mark.parametrize("how", ["written to", "replaced", "copied over, same size and date"])
def test_a_log_that_changes_is_asked_anew(asked: Asked, own_log: str, tmp_path: Path, how: str) -> None:
    assert names(asked, own_log) == names(asked, own_log) == ["a"]
    other = make_log(tmp_path / "other.db", "b")
    settle(other)
    if how == "written to":
        with sqlite3.connect(own_log) as connection:
            connection.execute("UPDATE numbers SET name = 'b'")
        connection.close()
    elif how == "replaced":
        os.replace(other, own_log)
    else:
        dates = os.stat(own_log)
        shutil.copyfile(other, own_log)
        os.utime(own_log, ns=(dates.st_atime_ns, dates.st_mtime_ns))
        assert os.stat(own_log).st_size == dates.st_size
    settle(own_log)
    assert names(asked, own_log) == names(asked, own_log) == ["b"]
    assert asked.figures[:2] == (2, 2)


def test_a_change_that_waits_in_a_write_ahead_log(asked: Asked, own_log: str) -> None:
    writer = sqlite3.connect(own_log, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    for name in "bc":
        before = os.stat(own_log)
        writer.execute("UPDATE numbers SET name = ?", (name,))
        assert os.stat(own_log).st_mtime_ns == before.st_mtime_ns
        settle(own_log + "-wal")
        assert names(asked, own_log) == names(asked, own_log) == [name]
    assert asked.figures[:2] == (2, 2)
    writer.close()


def test_a_log_that_changes_during_its_query_is_not_kept(asked: Asked, own_log: str) -> None:
    rows = asked.many(own_log, ALL)
    next(rows)
    os.utime(own_log, ns=(0, 0))
    assert len(list(rows)) == ROWS - 1
    assert asked.cache.size == 0


def test_right_after_a_change_nothing_is_kept(asked: Asked, own_log: str) -> None:
    """A second one within a tick of the file system's clock would not be seen."""
    os.utime(own_log)
    assert [names(asked, own_log) for _ in range(2)] == [["a"]] * 2
    assert asked.figures == (0, 2, 0, 0)
    settle(own_log)
    assert [names(asked, own_log) for _ in range(2)] == [["a"]] * 2
    assert asked.figures == (1, 3, 0, 1)


def test_two_logs_and_one_by_two_names(asked: Asked, own_log: str, log: str, monkeypatch: Any) -> None:
    with sqlite3.connect(own_log) as connection:
        connection.execute("UPDATE numbers SET name = 'own'")
    connection.close()
    settle(own_log)
    assert names(asked, own_log) == ["own"]
    assert names(asked, log) == ["a"]
    monkeypatch.chdir(Path(own_log).parent)
    assert names(asked, "own.db") == ["own"]
    assert asked.figures[:2] == (1, 2)


def test_without_a_log_it_is_as_without_a_cache(asked: Asked, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        list(asked.many(str(missing), ALL))
    assert missing.exists()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        list(asked.many(str(tmp_path), ALL))
    corrupt = tmp_path / "corrupt.db"
    corrupt.write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        list(asked.many(str(corrupt), ALL))
    assert asked.cache.size == 0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT RANDOM()",
        'SELECT "random"() FROM numbers',
        "SELECT number FROM numbers ORDER BY random ( )",
        "SELECT DATETIME('now')",
        "SELECT julianday('now') - number FROM numbers",
        "SELECT CURRENT_TIMESTAMP",
        "SELECT CHANGES(), LAST_INSERT_ROWID()",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('numbers')",
        "SELECT * FROM sqlite_temp_master",
        "SELECT HEX(RANDOMBLOB(4)) FROM numbers WHERE number IN (1, 2)",
        "PRAGMA user_version",
        "EXPLAIN QUERY PLAN SELECT * FROM numbers",
    ],
)
def test_what_depends_on_something_else_is_not_kept(asked: Asked, log: str, query: str) -> None:
    for _ in range(2):
        list(asked.many(log, query))
    assert asked.figures == (0, 0, 0, 0)
    assert len(asked.opened.connections) == 2


def _attach(connection: Any) -> None:
    connection.execute("ATTACH ':memory:' AS numbers_of_mine")


def _temporary(connection: Any) -> None:
    connection.execute("CREATE TEMP TABLE numbers (number, name)")


def _function(connection: Any) -> None:
    connection.create_function("ABS", 1, lambda number: 99)


def _texts(connection: Any) -> None:
    connection.text_factory = bytes


def _dictionaries(connection: Any) -> None:
    connection.row_factory = lambda cursor, row: dict(zip([each[0] for each in cursor.description], row))


def _uncommitted(connection: Any) -> None:
    connection.execute("UPDATE numbers SET name = 'mine'")


@pytest.mark.parametrize("change", [_attach, _temporary, _function, _texts, _dictionaries, _uncommitted])
def test_a_connection_with_something_of_its_own_is_asked_itself(
    asked: Asked, own_log: str, change: Callable[[Any], None]
) -> None:
    query = "SELECT ABS(number), name FROM numbers"
    list(asked.many(own_log, query))
    plain_one, changed = sqlite3.connect(own_log), asked.connect(own_log)
    found = []
    for connection in (plain_one, changed):
        change(connection)
        found.append(connection.execute(query).fetchall())
        connection.close()
    assert found[0] == found[1]
    assert asked.figures == (0, 1, 0, 1)
    assert plain(asked.many(own_log, query)) == stock(own_log, query)


def test_who_writes_by_way_of_it_writes(asked: Asked, own_log: str) -> None:
    connection = asked.connect(own_log)
    with connection:
        connection.execute("UPDATE numbers SET name = 'b' WHERE number = 0")
        connection.executemany("INSERT INTO numbers VALUES (?, 'c')", [(100,), (101,)])
    connection.close()
    assert names(asked, own_log) == ["a", "b", "c"]


@pytest.mark.parametrize("times", [1, 2])
def test_cursors_behave_as_sqlite3s(log: str, times: int) -> None:
    asked = Asked()
    for _ in range(times):
        found: List[Any] = []
        for connection in (sqlite3.connect(log), asked.connect(log)):
            cursor = connection.cursor()
            assert cursor.execute(ALL) is cursor
            assert cursor.connection is connection
            said: List[Any] = [cursor.description, cursor.fetchone(), next(cursor), cursor.fetchmany(3)]
            cursor.arraysize = 2
            said += [cursor.fetchmany(), next(iter(cursor))]
            said += [cursor.fetchall(), cursor.fetchone(), cursor.fetchall(), cursor.fetchmany(2)]
            cursor.close()
            cursor.close()
            for failing in (cursor.fetchone, cursor.fetchall, functools.partial(cursor.execute, ALL)):
                with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
                    failing()
            other = connection.cursor()
            connection.close()
            connection.close()
            for failing in (connection.cursor, other.fetchone, functools.partial(connection.execute, ALL)):
                with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
                    failing()
            found.append(said)
        assert found[0] == found[1]


def test_the_one_not_asked_for_the_longest_goes_first(log: str) -> None:
    asked = Asked(entries=2)
    for number in (1, 2, 1, 3):
        list(asked.many(log, SOME, number))
    assert asked.figures == (1, 3, 1, 2)
    list(asked.many(log, SOME, 1))
    assert asked.figures[0] == 2
    list(asked.many(log, SOME, 2))
    assert asked.figures == (2, 4, 2, 2)


def test_memory_is_bounded(log: str) -> None:
    asked = Asked()
    list(asked.many(log, ALL))
    size = asked.cache.stats()["bytes_held"]
    asked = Asked(megabytes=2.5 * size / 1e6)
    for number in range(5):
        list(asked.many(log, f"{ALL} WHERE number > ?", -number - 1))
        assert asked.cache.stats()["bytes_held"] <= 2.5 * size
    assert asked.figures == (0, 5, 3, 2)
    asked.cache.clear()
    assert asked.cache.stats()["bytes_held"] == 0


def test_a_result_larger_than_the_bound_is_handed_on(log: str) -> None:
    asked = Asked(megabytes=0.001)
    for _ in range(2):
        assert plain(asked.many(log, ALL)) == stock(log, ALL)
    assert asked.figures == (0, 2, 0, 0)


def test_only_some_statements(log: str) -> None:
    digest = verdict(SOME).digest
    for only in (digest, digest[:6].upper(), f"0123 + {digest}"):
        asked = Asked(only=only)
        for _ in range(2):
            list(asked.many(log, SOME, 2))
            list(asked.many(log, ALL))
        assert asked.figures == (1, 1, 0, 1)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("entries", 0, "entries is 0, and must be at least 1"),
        ("megabytes", 0, "megabytes is 0, and must be above 0"),
        ("megabytes", -1, "megabytes is -1"),
        ("only", "abcd+xyz1", "'xyz1' is not the hash of a statement"),
        ("only", "abcd+", "'' is not the hash of a statement"),
    ],
)
def test_options_that_cannot_be(option: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        RowCache(Options(**{option: value}))


def test_over_a_pool(log: str) -> None:
    cache, pool = RowCache(), ConnectionPool()
    connect = lambda file: cache.connect(file, lambda: pool.connect(file))  # noqa: E731
    for number in (1, 2, 3, 1, 2, 3):
        assert plain(execute_many(connect, log, SOME, (number,))) == stock(log, SOME, number)
    assert (cache.stats()["hits"], pool.stats()["checkouts"], pool.stats()["connections"]) == (3, 3, 1)
    pool.close()


def test_a_fault_of_ours_is_the_databases_turn(
    asked: Asked, log: str, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("nutrace.components.rows.state", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    monkeypatch.undo()
    monkeypatch.setattr(asked.cache, "put", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    said = capsys.readouterr().err
    assert "answering a query from memory: ZeroDivisionError: ours" in said
    assert "keeping the rows of a query: ZeroDivisionError: ours" in said


def test_eight_threads(tmp_path: Path) -> None:
    """Every thread gets the rows that it asked for, from a cache too small for all."""
    logs = [make_log(tmp_path / f"{name}.db", name) for name in "ab"]
    settle(*logs)
    asked = Asked(entries=12)
    wrong: List[Any] = []
    times = [0] * 8
    end = time.monotonic() + 1

    def ask(thread: int) -> None:
        try:
            number = thread
            while time.monotonic() < end:
                number = (number * 7 + 3) % 31
                log, most = logs[number % 2], number % ROWS
                rows = asked.many(log, SOME, most)
                times[thread] += 1
                if number % 5 == 0:
                    next(rows, None)
                    continue  # abandoned
                found = [tuple(row) for row in rows]
                if found != [(each, "ab"[number % 2]) for each in range(most)]:
                    wrong.append((number, found))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    hits, misses, evictions, entries = asked.figures
    assert min(times) > 0
    assert hits + misses == sum(times)
    assert min(hits, evictions) > 0
    assert entries == 12
    gc.collect()
    assert asked.opened.open == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_goes_on_with_the_entries_and_counts_from_zero(log: str) -> None:
    asked = Asked()
    list(asked.many(log, SOME, 3))
    stop = threading.Event()

    def busy() -> None:  # holds the lock most of the time, and is never inside SQLite
        while not stop.is_set():
            asked.cache.stats()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                good = asked.figures == (0, 0, 0, 1)
                good = good and [tuple(row) for row in asked.many(log, SOME, 3)] == [
                    (n, "a") for n in range(3)
                ]
                good = good and asked.figures == (1, 0, 0, 1)
                good = good and len(list(asked.many(log, SOME, 4))) == 4
                os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
    assert asked.figures == (0, 1, 0, 1)
