"""The chain of answers: generators that end early, queries that fail, and faults of ours."""

from __future__ import annotations

import inspect
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from asking import ALL, ROWS, SOME, Asking, CachedAsking, plain, settle, stock
from asking_frames import BOXES, FrameAsking, make_frames_log

from nutrace.demo.miniature import query_session
from nutrace.speedups.connection_pool import ConnectionPool
from nutrace.speedups.queries import Learner, Rows
from nutrace.speedups.queries.readers import readers
from nutrace.speedups.queries.running import Runner
from nutrace.speedups.row_cache import RowCache


@pytest.mark.parametrize("end", [lambda rows: rows.close(), lambda rows: None])
def test_half_a_result_is_not_kept(asked: CachedAsking, numbers: str, end: Callable[[Any], None]) -> None:
    rows = asked.many(numbers, ALL)
    next(rows)
    end(rows)
    del rows
    assert (asked.opened.open, asked.cache.size) == (0, 0)
    assert len(list(asked.many(numbers, ALL))) == ROWS
    kept = asked.many(numbers, ALL)
    next(kept)
    del kept
    assert len(list(asked.many(numbers, ALL))) == ROWS
    assert asked.figures == (2, 2, 0, 1)


def test_nothing_is_asked_before_the_first_row_is(asked: CachedAsking, numbers: str) -> None:
    asked.many(numbers, ALL)
    assert (asked.figures, asked.opened.connections) == ((0, 0, 0, 0), [])


def test_interleaved_generators(asked: CachedAsking, numbers: str) -> None:
    first, second = asked.many(numbers, ALL), asked.many(numbers, ALL)
    pairs = list(zip(first, second))
    assert [one["number"] for one, _ in pairs] == [other["number"] for _, other in pairs] == list(range(ROWS))
    assert list(first) == list(second) == []
    third, fourth = asked.many(numbers, ALL), asked.many(numbers, ALL)
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
    asked: CachedAsking, numbers: str, query: str, parameters: Any
) -> None:
    with pytest.raises(sqlite3.Error) as expected:
        stock(numbers, query, *parameters)
    for _ in range(2):
        with pytest.raises(sqlite3.Error) as raised:
            list(asked.many(numbers, query, *parameters))
        assert (type(raised.value), str(raised.value)) == (type(expected.value), str(expected.value))
    assert asked.cache.size == 0


def test_a_query_that_fails_on_its_way_gives_the_rows_before(asked: CachedAsking, numbers: str) -> None:
    query = "SELECT ABS(-9223372036854775805 - number) FROM numbers"  # of 3 it has none

    def until_it_fails(rows: Iterator[Any]) -> Any:
        numbers: List[Any] = []
        with pytest.raises(sqlite3.OperationalError, match="integer overflow"):
            numbers.extend(row[0] for row in rows)
        return numbers

    expected = until_it_fails(query_session.execute_many(query, (), numbers))
    assert expected
    assert [until_it_fails(asked.many(numbers, query)) for _ in range(2)] == [expected] * 2
    assert asked.cache.size == 0


def test_a_fault_of_ours_is_the_databases_turn(
    asked: CachedAsking, numbers: str, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("nutrace.speedups.row_cache.cache.state", broken)
    assert plain(asked.many(numbers, ALL)) == stock(numbers, ALL)
    monkeypatch.undo()
    monkeypatch.setattr(RowCache, "_keep", broken)
    assert plain(asked.many(numbers, ALL)) == stock(numbers, ALL)
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


def test_arguments_by_name(asked: CachedAsking, numbers: str) -> None:
    given: Any = {"query_text": SOME, "query_parameters": (1,), "db_file": Path(numbers)}
    for _ in range(2):
        assert (
            plain(asked.execute_many(**given))
            == plain([asked.execute_one(**given)])
            == stock(numbers, SOME, 1)
        )
    assert asked.figures == (3, 1, 0, 1)


def test_what_is_thrown_in_ends_the_query(asked: CachedAsking, numbers: str) -> None:
    for _ in range(2):
        rows = asked.many(numbers, ALL)
        next(rows)
        error = KeyError("mine")
        with pytest.raises(KeyError) as raised:
            rows.throw(error)  # type: ignore[attr-defined]
        assert raised.value is error
        assert asked.opened.open == 0
        list(asked.many(numbers, ALL))
    assert asked.cache.size == 1


@pytest.mark.parametrize("query", [b"SELECT 1", None, 5])
def test_what_is_no_text_is_the_programs_to_refuse(asked: CachedAsking, numbers: str, query: Any) -> None:
    with pytest.raises(TypeError) as expected:
        stock(numbers, query)
    with pytest.raises(TypeError) as raised:
        list(asked.many(numbers, query))
    assert str(raised.value) == str(expected.value)


def test_a_database_in_memory_is_not_asked_of_speedups(asked: CachedAsking) -> None:
    assert [row[0] for row in asked.many(":memory:", "SELECT 1")] == [1]
    assert asked.figures == (0, 0, 0, 0)


def test_who_comes_first_answers_and_the_others_learn(numbers: str) -> None:
    rows = Rows(("number",), [(7,), (8,)])
    learned: List[Any] = []
    first = Learner(lambda given, took_ns: learned.append((given, took_ns > 0)), 1_000_000)

    def fails(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    asked = Asking(lambda *_: first, fails, lambda *_: None, lambda *_: rows)
    assert [row["number"] for row in asked.many(numbers, ALL)] == [7, 8]
    assert learned == [(rows, True)]
    with pytest.raises(RuntimeError, match="more than one row"):
        asked.one(numbers, ALL)  # by the program's own function
    assert len(asked.opened.connections) == 1


def test_a_learner_of_the_time_is_given_no_rows(numbers: str) -> None:
    learned: List[Any] = []
    asked = Asking(lambda *_: Learner(lambda rows, took_ns: learned.append((rows, took_ns > 0))))
    assert len(list(asked.many(numbers, ALL))) == ROWS
    assert learned == [(None, True)]


def test_what_the_program_is_reading_is_known(numbers: str) -> None:
    asked = Asking()
    rows = asked.many(numbers, ALL)
    assert not readers.any(numbers)
    next(rows)
    other = asked.many(numbers, ALL)
    next(other)
    assert readers.any(numbers)
    assert readers.own(numbers)
    rows.close()  # type: ignore[attr-defined]
    assert readers.own(numbers)
    thread = threading.Thread(target=lambda: list(other))
    thread.start()
    thread.join()
    assert not readers.any(numbers)


def test_a_locked_log_is_waited_for_once(own_numbers: str, tmp_path: Path) -> None:
    """By the program's own function, as without speedups, and not by each speedup before it."""
    frames = FrameAsking(make_frames_log(tmp_path / "frames.db", False))
    frames.begin()
    pool = ConnectionPool()
    runner = Runner()
    asked: List[Any] = [(ALL, (), own_numbers, pool.answer)]
    asked += [(ALL, (), own_numbers, lambda query, parameters, log: runner.run_alone(log, query, parameters))]
    asked += [(BOXES, (frame,), frames.log, frames.prefetch.answer) for frame in frames.frames[:2]]
    for log in (own_numbers, frames.log):
        with closing(sqlite3.connect(log, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            settle(log)
            began = time.monotonic()
            for query, parameters, file, answer in asked:
                if file == log:
                    assert not isinstance(answer(query, parameters, file), Rows)
            assert time.monotonic() - began < 3  # sqlite3 waits 5 s if nothing else is said
    pool.close()
    # What was locked once is not given up.
    assert frames.agree(BOXES, frames.frames[:4])
    assert frames.figure("refused", "reads") == (0, 1)
