"""The chain of answers: generators that end early, queries that fail, and faults of ours."""

from __future__ import annotations

import gc
import inspect
import sqlite3
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from asking import ALL, ROWS, SOME, Asking, CachedAsking, make_numbers, plain, settle, stock

from nutrace.demo.miniature import query_session
from nutrace.speedups.queries import Learner, Rows
from nutrace.speedups.queries.readers import readers
from nutrace.speedups.row_cache import RowCache


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
        numbers: List[Any] = []
        with pytest.raises(sqlite3.OperationalError, match="integer overflow"):
            numbers.extend(row[0] for row in rows)
        return numbers

    expected = until_it_fails(query_session.execute_many(query, (), log))
    assert expected
    assert [until_it_fails(asked.many(log, query)) for _ in range(2)] == [expected] * 2
    assert asked.cache.size == 0


def test_a_fault_of_ours_is_the_databases_turn(
    asked: CachedAsking, log: str, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("nutrace.speedups.row_cache.cache.state", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    monkeypatch.undo()
    monkeypatch.setattr(RowCache, "_keep", broken)
    assert plain(asked.many(log, ALL)) == stock(log, ALL)
    printed = capsys.readouterr().err
    assert "answering a query: ZeroDivisionError: ours" in printed
    assert "keeping the rows of a query: ZeroDivisionError: ours" in printed


def test_the_functions_look_like_the_programs() -> None:
    asked = CachedAsking()
    assert inspect.isgeneratorfunction(asked.execute_many)
    assert not inspect.isgeneratorfunction(asked.execute_one)
    for made, own in (
        (asked.execute_many, asked.opened.execute_many),
        (asked.execute_one, asked.opened.execute_one),
    ):
        assert inspect.signature(made) == inspect.signature(own)
        assert made.__doc__ == own.__doc__
        with pytest.raises(TypeError):
            made("SELECT 1")


def test_arguments_by_name(asked: CachedAsking, log: str) -> None:
    given: Any = {"query_text": SOME, "query_parameters": (1,), "db_file": Path(log)}
    for _ in range(2):
        assert (
            plain(asked.execute_many(**given)) == plain([asked.execute_one(**given)]) == stock(log, SOME, 1)
        )
    assert asked.figures == (3, 1, 0, 1)


def test_what_is_thrown_in_ends_the_query(asked: CachedAsking, log: str) -> None:
    for _ in range(2):
        rows = asked.many(log, ALL)
        next(rows)
        error = KeyError("mine")
        with pytest.raises(KeyError) as raised:
            rows.throw(error)  # type: ignore[attr-defined]
        assert raised.value is error
        assert asked.opened.open == 0
        list(asked.many(log, ALL))
    assert asked.cache.size == 1


@pytest.mark.parametrize("query", [b"SELECT 1", None, 5])
def test_what_is_no_text_is_the_programs_to_refuse(asked: CachedAsking, log: str, query: Any) -> None:
    with pytest.raises(TypeError) as expected:
        stock(log, query)
    with pytest.raises(TypeError) as raised:
        list(asked.many(log, query))
    assert str(raised.value) == str(expected.value)


def test_a_database_in_memory_is_not_asked_of_speedups(asked: CachedAsking) -> None:
    assert [row[0] for row in asked.many(":memory:", "SELECT 1")] == [1]
    assert asked.figures == (0, 0, 0, 0)


def test_who_comes_first_answers_and_the_others_learn(log: str) -> None:
    rows = Rows(("number",), [(7,), (8,)])
    learned: List[Any] = []
    first = Learner(lambda given, took_ns: learned.append((given, took_ns > 0)), 1_000_000)

    def fails(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    asked = Asking(lambda *_: first, fails, lambda *_: None, lambda *_: rows)
    assert [row["number"] for row in asked.many(log, ALL)] == [7, 8]
    assert learned == [(rows, True)]
    with pytest.raises(RuntimeError, match="more than one row"):
        asked.one(log, ALL)  # by the program's own function
    assert len(asked.opened.connections) == 1


def test_a_learner_of_the_time_is_given_no_rows(log: str) -> None:
    learned: List[Any] = []
    asked = Asking(lambda *_: Learner(lambda rows, took_ns: learned.append((rows, took_ns > 0))))
    assert len(list(asked.many(log, ALL))) == ROWS
    assert learned == [(None, True)]


def test_what_the_program_is_reading_is_known(log: str) -> None:
    asked = Asking()
    rows = asked.many(log, ALL)
    assert not readers.any(log)
    next(rows)
    other = asked.many(log, ALL)
    next(other)
    assert readers.any(log)
    assert readers.own(log)
    rows.close()  # type: ignore[attr-defined]
    assert readers.own(log)
    thread = threading.Thread(target=lambda: list(other))
    thread.start()
    thread.join()
    assert not readers.any(log)
