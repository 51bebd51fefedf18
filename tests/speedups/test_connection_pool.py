"""The pool as a class: what it answers, which connections it keeps, and what it leaves alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from nutrace.errors import SettingsError
from nutrace.speedups import forks
from nutrace.speedups.connection_pool import ConnectionPool, Options
from nutrace.speedups.queries.running import MOST_ROWS

ROWS = 50


def make_log(file: Path, name: str = "a") -> str:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE numbers (number INTEGER, name TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(each, name) for each in range(ROWS)])
    connection.close()
    return str(file)


@pytest.fixture
def log(tmp_path: Path) -> str:
    return make_log(tmp_path / "log.db")


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    made = ConnectionPool(Options(timeout_s=0.2))
    yield made
    made.close()
    assert made.stats()["open"] == 0, "a connection leaked"


def rows(pool: ConnectionPool, log: str, query: str = "SELECT number, name FROM numbers") -> List[Any]:
    answer = pool.answer(query, (), log)
    assert answer is not None
    return list(answer.fresh())


def names(pool: ConnectionPool, log: str) -> List[str]:
    return sorted({row["name"] for row in rows(pool, log)})


def test_one_connection_serves_one_query_after_the_other(pool: ConnectionPool, log: str) -> None:
    for _ in range(20):
        assert [row["number"] for row in rows(pool, log)] == list(range(ROWS))
    stats = pool.stats()
    assert (stats["checkouts"], stats["connections"], stats["reused"]) == (20, 1, 19)
    assert stats["spent_ns"] > 0
    assert stats["avoided_ns"] > 0
    assert (stats["waits"], stats["exhausted"]) == (0, 0)


def test_a_failing_query_gives_its_connection_back(pool: ConnectionPool, log: str) -> None:
    for _ in range(20):
        assert pool.answer("SELECT * FROM missing", (), log) is None
        assert pool.answer("SELECT ABS(-9223372036854775805 - number) FROM numbers", (), log) is None
        assert pool.answer("SELECT ?", (object(),), log) is None
    assert pool.stats()["connections"] == 1
    assert pool.stats()["in_use"] == 0


def test_without_a_pool_size_each_query_has_its_own(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=0))
    for _ in range(3):
        assert names(pool, log) == ["a"]
        assert pool.stats()["open"] == 0
    assert pool.stats()["connections"] == 3


class Slow:
    """A parameter that keeps its query waiting."""

    def __init__(self) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()

    def __conform__(self, protocol: Any) -> int:
        self.inside.set()
        assert self.go_on.wait(20)
        return 5


class InUse:
    """Queries that each hold a connection until they are released."""

    def __init__(self, pool: ConnectionPool, log: str, count: int) -> None:
        self.slow = [Slow() for _ in range(count)]
        self.threads = [
            threading.Thread(target=pool.answer, args=("SELECT ?", (each,), log)) for each in self.slow
        ]

    def __enter__(self) -> InUse:
        for thread, slow in zip(self.threads, self.slow):
            thread.start()
            assert slow.inside.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        for slow in self.slow:
            slow.go_on.set()
        for thread in self.threads:
            thread.join()


def test_connections_beyond_the_size_close_when_they_come_back(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=2))
    with InUse(pool, log, 3):
        stats = pool.stats()
        assert (stats["open"], stats["in_use"], stats["pending"], stats["most"]) == (3, 3, 0, 3)
    assert (pool.stats()["open"], pool.stats()["in_use"]) == (1, 0)
    pool.close()


@pytest.mark.parametrize("how", ["replaced", "copied over", "copied over, same size and date", "written to"])
def test_a_changed_file_is_noticed(pool: ConnectionPool, log: str, tmp_path: Path, how: str) -> None:
    assert names(pool, log) == ["a"]
    other = make_log(tmp_path / "other.db", "b")
    if how == "replaced":
        os.replace(other, log)
    elif how.startswith("copied over"):
        dates = os.stat(log)
        shutil.copyfile(other, log)
        if how.endswith("date"):
            os.utime(log, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    else:
        with sqlite3.connect(log) as connection:
            connection.execute("UPDATE numbers SET name = 'b'")
        connection.close()
    assert names(pool, log) == ["b"]
    assert pool.stats()["replaced"] == 1
    assert pool.stats()["open"] == 1


def test_a_deleted_file_is_missed(pool: ConnectionPool, log: str) -> None:
    names(pool, log)
    os.unlink(log)
    assert pool.answer("SELECT name FROM numbers", (), log) is None  # as a new connection would not


def test_a_file_that_cannot_be_opened(pool: ConnectionPool, tmp_path: Path) -> None:
    for _ in range(20):
        assert pool.answer("SELECT 1", (), tmp_path) is None
    stats = pool.stats()
    assert (stats["checkouts"], stats["pending"], stats["in_use"]) == (0, 0, 0)


def test_files_have_pools_of_their_own_and_the_oldest_goes(tmp_path: Path) -> None:
    pool = ConnectionPool(Options(files=2))
    logs = [make_log(tmp_path / f"{name}.db", name) for name in "abc"]
    with InUse(pool, logs[0], 1):
        for log in logs:
            assert names(pool, log) == [Path(log).stem]
        assert pool.stats()["open"] == 3  # two, and the one in use
    assert pool.stats()["open"] == 2
    pool.close()
    assert pool.stats()["open"] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA query_only = 1",
        "CREATE TEMP TABLE mine (x)",
        "ATTACH ':memory:' AS other",
        "INSERT INTO numbers VALUES (99, 'z')",
        "  update numbers SET name = 'z'",
        "WITH more(n) AS (SELECT 99) INSERT INTO numbers SELECT n, 'z' FROM more",
        "EXPLAIN PRAGMA user_version = 5",
        "SELECT 1; DELETE FROM numbers",
        "",
    ],
)
def test_what_is_no_query_is_not_run(pool: ConnectionPool, log: str, statement: str) -> None:
    before = Path(log).read_bytes()
    assert pool.answer(statement, (), log) is None
    assert Path(log).read_bytes() == before
    assert names(pool, log) == ["a"]


def test_a_query_with_too_many_rows_is_left_alone(pool: ConnectionPool, log: str) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i FROM n"
    most = f"SELECT 1 FROM ({numbers.format(MOST_ROWS)})"
    more = f"SELECT 1 FROM ({numbers.format(MOST_ROWS + 1)})"
    assert len(rows(pool, log, most)) == MOST_ROWS
    for _ in range(3):
        assert pool.answer(more, (), log) is None
    assert pool.stats()["checkouts"] == 2  # it is not tried again


def test_waiting_is_bounded_and_said_once(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=1, timeout_s=0.2))
    with InUse(pool, log, 2):
        began = time.monotonic()
        assert pool.answer("SELECT 1", (), log) is None
        assert time.monotonic() - began >= 0.2
        assert pool.answer("SELECT 1", (), log) is None
    assert names(pool, log) == ["a"]
    stats = pool.stats()
    assert (stats["exhausted"], stats["waits"], stats["in_use"], stats["pending"]) == (2, 2, 0, 0)
    assert stats["wait_ns"] >= 0.4e9
    assert capsys.readouterr().err == (
        f"nutrace: connection_pool: no connection to {log} came back within 0.2 s: all 2 are in use; "
        "such queries open connections of their own\n"
    )
    pool.close()


def test_a_wait_that_ends_well_is_counted(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=0))
    with InUse(pool, log, 1) as held:
        timer = threading.Timer(0.1, held.slow[0].go_on.set)
        timer.start()
        assert names(pool, log) == ["a"]
        timer.join()
    stats = pool.stats()
    assert (stats["waits"], stats["exhausted"], stats["connections"]) == (1, 0, 1)
    assert stats["wait_ns"] > 0.05e9
    pool.close()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("pool_size", -1),
        ("max_overflow", -1),
        ("timeout_s", 0),
        ("timeout_s", float("inf")),
        ("recycle_s", 0),
        ("pre_ping", -1),
        ("pre_ping", 2),
        ("files", 0),
    ],
)
def test_bounds(option: str, value: float) -> None:
    with pytest.raises(SettingsError, match=option):
        Options(**{option: value})


def test_old_connections_are_opened_anew(log: str) -> None:
    pool = ConnectionPool(Options(recycle_s=0.05))
    names(pool, log)
    time.sleep(0.1)
    assert names(pool, log) == ["a"]
    assert pool.stats()["connections"] == 2
    pool.close()


def test_eight_threads(tmp_path: Path) -> None:
    """Right rows, no connection lost, none too many."""
    pool = ConnectionPool(Options(pool_size=2, max_overflow=2, timeout_s=20))
    logs = {name: make_log(tmp_path / f"{name}.db", name) for name in "abc"}
    wrong: List[Any] = []
    queries = [0] * 8
    end = time.monotonic() + 2

    def ask(thread: int) -> None:
        try:
            while time.monotonic() < end or not queries[thread]:
                queries[thread] += 1
                name = "abc"[queries[thread] % 3]
                pairs = [(row["number"], row["name"]) for row in rows(pool, logs[name])]
                if pairs != [(number, name) for number in range(ROWS)]:
                    wrong.append(pairs)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    stats = pool.stats()
    assert min(queries) > 0
    assert stats["checkouts"] == sum(queries)
    assert stats["checkouts"] == stats["reused"] + stats["connections"]
    assert stats["open"] <= 3 * 2
    pool.close()
    assert pool.stats()["open"] == 0


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(pool: ConnectionPool, log: str) -> None:
    names(pool, log)
    stop = threading.Event()
    wrong: List[Any] = []
    # A child that is forked while another thread is inside SQLite hangs with or without a pool: the
    # library's own mutexes stay locked. The pool's lock may be held, and is, most of the time.
    inside_sqlite = threading.Lock()

    def busy() -> None:
        while not stop.is_set():
            with inside_sqlite:
                if names(pool, log) != ["a"]:
                    wrong.append("rows")
            for _ in range(100):
                pool.stats()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(10):
            with inside_sqlite:
                child = os.fork()
                if not child:
                    good = pool.stats()["open"] == 0 and names(pool, log) == ["a"]
                    good = good and pool.stats()["connections"] == 1
                    os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
    assert wrong == []


def test_a_killed_child_leaves_nothing_locked(pool: ConnectionPool, log: str) -> None:
    names(pool, log)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        slow = Slow()
        threading.Thread(target=pool.answer, args=("SELECT ? FROM numbers", (slow,), log)).start()
        slow.inside.wait(20)
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(1)
    os.read(reader, 1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    with sqlite3.connect(log, timeout=1) as connection:
        connection.execute("UPDATE numbers SET name = 'b'")
    connection.close()
    assert names(pool, log) == ["b"]


def test_a_corrupt_log_is_left_to_the_program(pool: ConnectionPool, tmp_path: Path) -> None:
    file = tmp_path / "corrupt.db"
    file.write_bytes(b"no database" * 1000)
    for _ in range(20):
        assert pool.answer("SELECT * FROM numbers", (), file) is None
    assert pool.stats()["open"] <= 1


def test_a_connection_in_the_pool_holds_no_lock(pool: ConnectionPool, log: str) -> None:
    assert names(pool, log) == ["a"]
    writer = sqlite3.connect(log, isolation_level=None, timeout=0)
    writer.execute("BEGIN EXCLUSIVE")  # at once: nobody else has a lock
    writer.execute("COMMIT")
    writer.close()
    assert names(pool, log) == ["a"]


def test_figures_are_read_while_the_lock_is_held(pool: ConnectionPool) -> None:
    """By the recorder's thread, for which a fork waits that holds the lock."""
    read = threading.Event()

    def read_them() -> None:
        pool.stats()
        read.set()

    with forks.lock:
        threading.Thread(target=read_them).start()
        assert read.wait(5)
