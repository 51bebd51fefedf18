"""Connections that are answered from memory: they behave as sqlite3's, whatever is done with them."""

from __future__ import annotations

import functools
import gc
import sqlite3
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from asking import ALL, ROWS, SOME, CachedAsking, execute_many, make_numbers, plain, settle, stock


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that no test changes."""
    made = make_numbers(tmp_path_factory.mktemp("log") / "log.db")
    settle(made)
    return made


@pytest.fixture
def own_log(tmp_path: Path) -> str:
    made = make_numbers(tmp_path / "own.db")
    settle(made)
    return made


@pytest.fixture
def asked() -> Iterator[CachedAsking]:
    made = CachedAsking()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


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
    asked: CachedAsking, own_log: str, change: Callable[[Any], None]
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


class Text(str):
    """A text that is not quite one."""


def test_calls_that_are_odd(asked: CachedAsking, own_log: str, capsys: pytest.CaptureFixture[str]) -> None:
    list(asked.many(own_log, ALL))
    connection = asked.connect(own_log)
    for wrong in ((ALL, (), ()), (None,), ()):
        with pytest.raises(TypeError):
            connection.cursor().execute(*wrong)
    connection.close()
    connection = asked.connect(own_log)
    connection.row_factory = lambda cursor, row: list(row)
    connection.execute(Text("CREATE TEMP TABLE numbers AS SELECT 5 AS number, 'mine' AS name"))
    connection.row_factory = None
    assert connection.execute(ALL).fetchall() == [(5, "mine")]
    connection.close()
    assert capsys.readouterr().err == ""


def test_who_writes_by_way_of_it_writes(asked: CachedAsking, own_log: str) -> None:
    connection = asked.connect(own_log)
    with connection:
        connection.execute("UPDATE numbers SET name = 'b' WHERE number = 0")
        connection.executemany("INSERT INTO numbers VALUES (?, 'c')", [(100,), (101,)])
    connection.close()
    assert sorted({row["name"] for row in asked.many(own_log, ALL)}) == ["a", "b", "c"]


@pytest.mark.parametrize("times", [1, 2])
def test_cursors_behave_as_sqlite3s(log: str, times: int) -> None:
    asked = CachedAsking()
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


@pytest.mark.parametrize("end", [lambda rows: rows.close(), lambda rows: None])
def test_half_a_result_is_not_kept(asked: CachedAsking, log: str, end: Callable[[Any], None]) -> None:
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


def test_nothing_is_asked_before_the_first_row_is(asked: CachedAsking, log: str) -> None:
    asked.many(log, ALL)
    assert (asked.figures, asked.opened.connections) == ((0, 0, 0, 0), [])


def test_interleaved_generators(asked: CachedAsking, log: str) -> None:
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
def test_a_query_that_fails_fails_each_time(
    asked: CachedAsking, log: str, query: str, parameters: Any
) -> None:
    with pytest.raises(sqlite3.Error) as expected:
        stock(log, query, *parameters)
    for _ in range(2):
        with pytest.raises(sqlite3.Error) as raised:
            list(asked.many(log, query, *parameters))
        assert (type(raised.value), str(raised.value)) == (type(expected.value), str(expected.value))
    assert asked.cache.size == 0


def test_a_query_that_fails_on_its_way_gives_the_rows_before(asked: CachedAsking, log: str) -> None:
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


def test_a_fault_of_ours_is_the_databases_turn(
    asked: CachedAsking, log: str, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("nutrace.speedups.rows.state", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    monkeypatch.undo()
    monkeypatch.setattr(asked.cache, "put", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    said = capsys.readouterr().err
    assert "answering a query from memory: ZeroDivisionError: ours" in said
    assert "keeping the rows of a query: ZeroDivisionError: ours" in said


def _list(cursor: Any, row: Any) -> List[Any]:
    return [cursor.description[0][0], *row]


@pytest.mark.parametrize("first", [None, sqlite3.Row])
@pytest.mark.parametrize("then", [None, sqlite3.Row, _list])
def test_a_row_factory_that_is_changed_on_the_way(log: str, first: Any, then: Any) -> None:
    asked = CachedAsking()
    found = []
    for connect in (sqlite3.connect, asked.connect, asked.connect):
        if len(found) == 2:
            assert asked.figures == (0, 1, 0, 0)  # what another factory makes is not kept
            list(asked.many(log, SOME, 5))  # but this is: the third has its rows from memory
        connection = connect(log)
        cursor = connection.cursor()
        cursor.row_factory = first
        cursor.execute(SOME, (5,))
        rows = [cursor.fetchone(), cursor.fetchone()]
        cursor.row_factory = then
        rows += [cursor.fetchone(), *cursor.fetchmany(1), *cursor]
        connection.close()
        found.append([row if type(row) is list else plain([row]) for row in rows])
    assert found[1] == found[2] == found[0]
    assert asked.figures == (1, 2, 0, 1)
