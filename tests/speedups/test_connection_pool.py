"""The pool as a class: whose hands a connection is in, what comes back, and what does not."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from nutrace.errors import SettingsError
from nutrace.speedups.pool import ConnectionPool, PoolExhaustedError
from nutrace.speedups.pool_options import Options

ROWS = 50
NUMBERS = "SELECT number FROM numbers"


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
    gc.collect()
    made.close()
    assert made.stats()["open"] == 0, "a connection leaked"


def rows(pool: ConnectionPool, log: str, query: str = "SELECT number, name FROM numbers") -> Iterator[Any]:
    """Queries as the devkit does: a generator holds its connection until it ends."""
    connection = pool.connect(log)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    try:
        cursor.execute(query)
        yield from cursor
    finally:
        cursor.close()
        connection.close()


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


def test_interleaved_generators_never_share_one(pool: ConnectionPool, log: str) -> None:
    first, second = rows(pool, log), rows(pool, log)
    pairs = list(zip(first, second))
    assert len(pairs) == ROWS
    assert pool.stats()["connections"] == 2


@pytest.mark.parametrize("end", ["exhausted", "closed", "collected"])
def test_a_generator_holds_its_connection_to_its_end(pool: ConnectionPool, log: str, end: str) -> None:
    generator = rows(pool, log)
    next(generator)
    list(rows(pool, log))
    assert pool.stats()["connections"] == 2
    if end == "exhausted":
        list(generator)
    elif end == "closed":
        generator.close()
    else:
        del generator
    first, second = rows(pool, log), rows(pool, log)
    next(first), next(second)
    assert pool.stats()["connections"] == 2
    first.close(), second.close()


def test_a_failing_query_gives_its_connection_back(pool: ConnectionPool, log: str) -> None:
    for _ in range(20):
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            next(rows(pool, log, "SELECT * FROM missing"))
    assert pool.stats()["connections"] == 1


def test_without_a_pool_size_each_query_has_its_own(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=0))
    for _ in range(3):
        assert names(pool, log) == ["a"]
        assert pool.stats()["open"] == 0
    assert pool.stats()["connections"] == 3
    generators = [rows(pool, log) for _ in range(40)]
    assert [next(each)["number"] for each in generators] == [0] * 40
    for each in generators:
        each.close()
    assert pool.stats()["open"] == 0


def test_connections_beyond_the_size_close_when_they_come_back(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=2))
    generators = [rows(pool, log) for _ in range(3)]
    for each in generators:
        next(each)
    assert pool.stats()["open"] == 3
    for each in generators:
        each.close()
    assert pool.stats()["open"] == 1
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
    with pytest.raises(sqlite3.OperationalError, match="no such table: numbers"):  # as of a new connection
        names(pool, log)


def test_a_file_that_cannot_be_opened(pool: ConnectionPool, tmp_path: Path) -> None:
    for _ in range(20):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            pool.connect(tmp_path)
    assert pool.stats()["checkouts"] == 0


def test_files_have_pools_of_their_own_and_the_oldest_goes(tmp_path: Path) -> None:
    pool = ConnectionPool(Options(files=2))
    logs = [make_log(tmp_path / f"{name}.db", name) for name in "abc"]
    held = rows(pool, logs[0])
    next(held)
    for log in logs:
        assert names(pool, log) == [Path(log).stem]
    assert pool.stats()["open"] == 3  # two, and the one that is out
    held.close()
    assert pool.stats()["open"] == 2
    pool.close()
    assert pool.stats()["open"] == 0


def content(log: str) -> List[Any]:
    connection = sqlite3.connect(log)
    try:
        return connection.execute("SELECT * FROM numbers").fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA query_only = 1",
        "CREATE TEMP TABLE mine (x)",
        "ATTACH ':memory:' AS other",
        "INSERT INTO numbers VALUES (99, 'z')",
        "  update numbers SET name = 'z'",
        "WITH more(n) AS (SELECT 99) INSERT INTO numbers SELECT n, 'z' FROM more",
    ],
)
def test_who_does_more_than_ask_does_not_give_it_back(pool: ConnectionPool, log: str, statement: str) -> None:
    before = Path(log).read_bytes()
    plain = sqlite3.connect(log)
    plain.execute(statement)
    plain.close()
    stock = content(log)
    Path(log).write_bytes(before)
    connection = pool.connect(log)
    connection.execute(statement)
    connection.close()
    assert pool.stats()["open"] == 0
    assert content(log) == stock


def test_functions_of_one_are_not_the_next_ones(pool: ConnectionPool, log: str) -> None:
    connection = pool.connect(log)
    connection.create_function("twice", 1, lambda number: 2 * number)
    assert connection.execute("SELECT twice(4)").fetchone() == (8,)
    connection.close()
    with pytest.raises(sqlite3.OperationalError, match="no such function"):
        next(rows(pool, log, "SELECT twice(4)"))


def test_factories_are_put_back(pool: ConnectionPool, log: str) -> None:
    connection = pool.connect(log)
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes
    assert connection.execute("SELECT name FROM numbers").fetchone()["name"] == b"a"
    connection.close()
    connection = pool.connect(log)
    assert connection.reused
    assert connection.execute("SELECT name FROM numbers").fetchone() == ("a",)
    connection.close()


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool, log: sum(1 for _ in pool.connect(log).execute(NUMBERS)),
        lambda pool, log: len(pool.connect(log).execute(NUMBERS).fetchall()),
        lambda pool, log: len(pool.connect(log).execute(NUMBERS).fetchmany(ROWS)),
        lambda pool, log: pool.connect(log).execute(NUMBERS).fetchone()[0] + ROWS,
    ],
)
def test_whoever_asks_for_rows_has_their_connection(pool: ConnectionPool, log: str, ask: Any) -> None:
    """As with sqlite3's own, which a program may have no name for."""
    assert ask(pool, log) == ROWS
    assert pool.stats()["in_use"] == 0


@pytest.mark.parametrize("statement", [b"SELECT 1", None, 5])
def test_what_is_no_text_fails_as_without_a_pool(pool: ConnectionPool, log: str, statement: Any) -> None:
    messages = []
    for connect in (pool.connect, sqlite3.connect):
        connection = connect(log)
        with pytest.raises(TypeError) as raised:
            connection.execute(statement)
        messages.append(str(raised.value))
        connection.close()
    assert messages[0] == messages[1]


def test_a_closed_connection_is_closed(pool: ConnectionPool, log: str) -> None:
    connection = pool.connect(log)
    cursor = connection.cursor()
    connection.close()
    connection.close()
    with pytest.raises(sqlite3.ProgrammingError):
        connection.execute("SELECT 1")
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.execute("SELECT 1")


def test_waiting_is_bounded_and_says_what_is_wrong(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=1, timeout_s=0.2))
    held = [pool.connect(log), pool.connect(log)]
    failed: List[BaseException] = []

    def ask() -> None:
        try:
            pool.connect(log)
        except PoolExhaustedError as error:
            failed.append(error)

    began = time.monotonic()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert time.monotonic() - began >= 0.2
    assert str(failed[0]).startswith(f"no connection to {log} came back within 0.2 s: all 2 are in use")
    # A thread that holds them all itself would wait in vain.
    with pytest.raises(PoolExhaustedError, match="held by the thread that asks"):
        pool.connect(log)
    for connection in held:
        connection.close()
    pool.connect(log).close()
    stats = pool.stats()
    assert (stats["exhausted"], stats["waits"]) == (2, 1)
    assert stats["wait_ns"] >= 0.2e9
    pool.close()


def test_nobody_waits_again_for_one_who_hoards(log: str) -> None:
    """Each thread has less than there are: one wait in vain, not one for each query."""
    pool = ConnectionPool(Options(pool_size=2, max_overflow=2, timeout_s=1.0))
    held = [pool.connect(log) for _ in range(2)]
    refused: List[float] = []

    def hoard() -> None:
        for _ in range(5):
            mine = pool.connect(log)  # the last, which comes back each time
            began = time.monotonic()
            with pytest.raises(PoolExhaustedError, match=r"came back within 1 s"):
                pool.connect(log)
            refused.append(time.monotonic() - began)
            mine.close()

    held.append(pool.connect(log))
    thread = threading.Thread(target=hoard)
    thread.start()
    thread.join()
    stats = pool.stats()
    assert (stats["exhausted"], stats["waits"], stats["in_use"], stats["pending"]) == (5, 1, 3, 0)
    assert refused[0] >= 1
    assert max(refused[1:]) < 1
    # Half of them came back: the next who finds them all out waits as the first did.
    held.pop().close()
    held += [pool.connect(log) for _ in range(2)]
    timer = threading.Timer(0.1, held.pop().close)
    thread = threading.Thread(target=lambda: held.append(pool.connect(log)))
    timer.start()
    thread.start()
    thread.join()
    timer.join()
    assert (pool.stats()["waits"], pool.stats()["exhausted"]) == (2, 5)
    for each in held:
        each.close()
    pool.close()


def test_a_wait_that_ends_well_is_counted(log: str) -> None:
    pool = ConnectionPool(Options(pool_size=1, max_overflow=0))
    held = pool.connect(log)
    timer = threading.Timer(0.1, held.close)
    got: List[str] = []
    thread = threading.Thread(target=lambda: got.extend(names(pool, log)))
    timer.start()
    thread.start()
    thread.join()
    timer.join()
    stats = pool.stats()
    assert got == ["a"]
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
    """Generators of many threads, some abandoned: right rows, no connection lost, none too many."""
    pool = ConnectionPool(Options(pool_size=2, max_overflow=2, timeout_s=20))
    logs = {name: make_log(tmp_path / f"{name}.db", name) for name in "abc"}
    wrong: List[Any] = []
    queries = [0] * 8
    end = time.monotonic() + 2

    def ask(thread: int) -> None:
        try:
            while time.monotonic() < end:
                queries[thread] += 1
                name = "abc"[queries[thread] % 3]
                generator = rows(pool, logs[name])
                if queries[thread] % 5 == 0:
                    next(generator)
                    continue  # abandoned
                found = [(row["number"], row["name"]) for row in generator]
                if found != [(number, name) for number in range(ROWS)]:
                    wrong.append(found)
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
    held = rows(pool, log)
    next(held)
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
                    held.close()  # the parent's: it must not go into our pool
                    good = good and names(pool, log) == ["a"] and pool.stats()["connections"] == 1
                    os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
    assert wrong == []
    assert len(list(held)) == ROWS - 1


def test_a_killed_child_leaves_nothing_locked(pool: ConnectionPool, log: str) -> None:
    names(pool, log)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        generator = rows(pool, log)
        next(generator)
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


def test_a_corrupt_log_fails_as_without_a_pool(pool: ConnectionPool, tmp_path: Path) -> None:
    file = tmp_path / "corrupt.db"
    file.write_bytes(b"no database" * 1000)
    plain = sqlite3.connect(file)
    with pytest.raises(sqlite3.DatabaseError) as expected:
        plain.execute("SELECT * FROM numbers")
    plain.close()
    for _ in range(20):
        with pytest.raises(sqlite3.DatabaseError) as raised:
            names(pool, str(file))
        assert (type(raised.value), str(raised.value)) == (type(expected.value), str(expected.value))
    assert pool.stats()["open"] <= 1


def test_a_log_that_another_writes_to_is_read_when_it_is_free(pool: ConnectionPool, log: str) -> None:
    """A connection in the pool holds no lock, and one that meets a lock is good for the next query."""
    assert names(pool, log) == ["a"]
    writer = sqlite3.connect(log, isolation_level=None, timeout=0)
    writer.execute("BEGIN EXCLUSIVE")  # at once: nobody else has a lock
    connection = pool.connect(log)
    connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("SELECT * FROM numbers").fetchall()
    connection.close()
    writer.execute("COMMIT")
    writer.close()
    assert names(pool, log) == ["a"]
