"""The cache as a class: whose rows it gives, when it asks anew, and what it leaves alone."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from asking import ALL, ROWS, SOME, Asking, CachedAsking, make_numbers, plain, settle, stock
from hypothesis import given
from hypothesis import strategies as st

from nutrace.errors import SettingsError
from nutrace.speedups.connection_pool import ConnectionPool
from nutrace.speedups.queries.statements import traits
from nutrace.speedups.row_cache import Options, RowCache


def test_a_query_is_run_once(asked: CachedAsking, numbers: str) -> None:
    for _ in range(4):
        assert plain(asked.many(numbers, SOME, 5)) == stock(numbers, SOME, 5)
    assert asked.figures == (3, 1, 0, 1)
    assert len(asked.opened.connections) == len(asked.opened.statements) == 1
    stats = asked.cache.stats()
    assert stats["avoided_ns"] == 3 * stats["spent_ns"] > 0
    assert stats["bytes_held"] > 5 * 56


def test_rows_are_sqlite3s_and_each_callers_own(asked: CachedAsking, numbers: str) -> None:
    first, second, third = (list(asked.many(numbers, SOME, 3)) for _ in range(3))
    assert first == second == third
    assert [type(row) for row in second] == [sqlite3.Row] * 3
    assert [hash(row) for row in first] == [hash(row) for row in second]
    assert (second[1]["NAME"], second[1][-2], second[1].keys()) == ("a", 1, ["number", "name"])
    assert not any(one is other for one, other in zip(second, third))


def test_one_row_none_and_too_many(asked: CachedAsking, numbers: str) -> None:
    one, none = f"{ALL} WHERE number = ?", f"{ALL} WHERE number = -1"
    for _ in range(2):
        assert plain([asked.one(numbers, one, 7)]) == stock(numbers, one, 7)
        assert asked.one(numbers, none) is None
        with pytest.raises(RuntimeError, match="more than one row"):
            asked.one(numbers, SOME, 2)
    assert asked.figures == (2, 4, 0, 2)
    assert list(asked.many(numbers, none)) == []


ODD = """
    SELECT number AS "a""b", 2 AS "ä [x]", number, number, x'00ff' AS "", NULL AS 'q', 0.1 + 0.2 FROM numbers
"""


def test_odd_columns_and_values(asked: CachedAsking, numbers: str) -> None:
    for _ in range(2):
        assert plain(asked.many(numbers, ODD)) == stock(numbers, ODD)
    assert asked.figures[0] == 1


VALUES = st.one_of(
    st.sampled_from([0, 1, True, False, 1.0, 0.0, -0.0, "1", b"1", bytearray(b"1"), None, float("nan")]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.binary(max_size=3),
    st.text(max_size=3).filter(lambda text: "\0" not in text),
)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=8))
def test_parameters_are_told_apart_as_sqlite_does(numbers: str, pairs: List[Any]) -> None:
    asked = CachedAsking()
    query = "SELECT a, TYPEOF(a), b, TYPEOF(b) FROM (SELECT ? AS a, ? AS b)"
    for parameters in [*pairs, *reversed(pairs)]:
        assert plain(asked.many(numbers, query, *parameters)) == stock(numbers, query, *parameters)
    assert asked.figures[0] >= len(pairs)


def test_a_byte_array_that_changes_later(asked: CachedAsking, numbers: str) -> None:
    value = bytearray(b"ab")
    assert asked.one(numbers, "SELECT ?", value)[0] == b"ab"
    value[0] = 0
    assert asked.one(numbers, "SELECT ?", value)[0] == b"\0b"
    assert asked.one(numbers, "SELECT ?", b"ab")[0] == b"ab"
    assert asked.figures[:2] == (1, 2)


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
def test_what_depends_on_something_else_is_not_kept(asked: CachedAsking, numbers: str, query: str) -> None:
    for _ in range(2):
        list(asked.many(numbers, query))
    assert asked.figures == (0, 0, 0, 0)
    assert len(asked.opened.connections) == 2


def test_the_one_not_asked_for_the_longest_goes_first(numbers: str) -> None:
    asked = CachedAsking(entries=2)
    for number in (1, 2, 1, 3):
        list(asked.many(numbers, SOME, number))
    assert asked.figures == (1, 3, 1, 2)
    list(asked.many(numbers, SOME, 1))
    assert asked.figures[0] == 2
    list(asked.many(numbers, SOME, 2))
    assert asked.figures == (2, 4, 2, 2)


def test_memory_is_bounded(numbers: str) -> None:
    asked = CachedAsking()
    list(asked.many(numbers, ALL))
    size = asked.cache.stats()["bytes_held"]
    asked = CachedAsking(megabytes=2.5 * size / 1e6)
    for number in range(5):
        list(asked.many(numbers, f"{ALL} WHERE number > ?", -number - 1))
        assert asked.cache.stats()["bytes_held"] <= 2.5 * size
    assert asked.figures == (0, 5, 3, 2)
    asked.cache.clear()
    assert asked.cache.stats()["bytes_held"] == 0


def test_a_result_larger_than_the_bound_is_handed_on(numbers: str) -> None:
    asked = CachedAsking(megabytes=0.001)
    for _ in range(2):
        assert plain(asked.many(numbers, ALL)) == stock(numbers, ALL)
    assert asked.figures == (0, 2, 0, 0)


def test_only_some_statements(numbers: str) -> None:
    digest = traits(SOME).digest
    for only in (digest, digest[:6].upper(), f"0123 + {digest}"):
        asked = CachedAsking(only=only)
        for _ in range(2):
            list(asked.many(numbers, SOME, 2))
            list(asked.many(numbers, ALL))
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


def test_over_a_pool(numbers: str) -> None:
    cache, pool = RowCache(), ConnectionPool()
    asked = Asking(cache.answer, pool.answer)
    for number in (1, 2, 3, 1, 2, 3):
        assert plain(asked.many(numbers, SOME, number)) == stock(numbers, SOME, number)
    assert (cache.stats()["hits"], pool.stats()["checkouts"], pool.stats()["connections"]) == (3, 3, 1)
    assert asked.opened.connections == []
    assert cache.stats()["spent_ns"] > 0
    pool.close()


def test_eight_threads(tmp_path: Path) -> None:
    """Every thread gets the rows that it asked for, from a cache too small for all."""
    logs = [make_numbers(tmp_path / f"{name}.db", name) for name in "ab"]
    settle(*logs)
    asked = CachedAsking(entries=12)
    wrong: List[Any] = []
    times = [0] * 8
    end = time.monotonic() + 1

    def ask(thread: int) -> None:
        try:
            number = thread
            while time.monotonic() < end or not times[thread]:
                number = (number * 7 + 3) % 31
                numbers, most = logs[number % 2], number % ROWS
                rows = asked.many(numbers, SOME, most)
                times[thread] += 1
                if number % 5 == 0:
                    next(rows, None)
                    continue  # abandoned
                pairs = [tuple(row) for row in rows]
                if pairs != [(each, "ab"[number % 2]) for each in range(most)]:
                    wrong.append((number, pairs))
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
def test_a_forked_child_goes_on_with_the_entries_and_counts_from_zero(numbers: str) -> None:
    asked = CachedAsking()
    list(asked.many(numbers, SOME, 3))
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
                good = good and [tuple(row) for row in asked.many(numbers, SOME, 3)] == [
                    (n, "a") for n in range(3)
                ]
                good = good and asked.figures == (1, 0, 0, 1)
                good = good and len(list(asked.many(numbers, SOME, 4))) == 4
                os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
    assert asked.figures == (0, 1, 0, 1)
