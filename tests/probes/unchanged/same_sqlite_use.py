"""What a program does with connections and cursors."""

from __future__ import annotations

import contextlib
import datetime
import gc
import sqlite3
import sys
import tempfile
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

from common import tell


class Own(sqlite3.Connection):
    pass


def program_row_factories() -> None:
    def stops(cursor: Any, row: Any) -> Any:
        if row[0] == 2:
            raise StopIteration("mine")
        return row

    for fetch in ("fetchone", "fetchall", "fetchmany", "__next__"):
        con = sqlite3.connect(":memory:")
        con.row_factory = stops
        cur = con.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
        for _ in range(4):
            tell(getattr(cur, fetch))
    con = sqlite3.connect(":memory:")
    con.row_factory = lambda cursor, row: None
    cur = con.execute("SELECT 1 UNION SELECT 2")
    print(cur.fetchone(), cur.fetchone(), cur.fetchone(), list(con.execute("SELECT 1")))
    con.row_factory = sqlite3.Row
    row = con.execute("SELECT 1 AS a").fetchone()
    print(row.keys(), row["a"], tuple(row))
    con.row_factory = stops
    print(list(con.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")))


def program_refused() -> None:
    con = sqlite3.connect(":memory:")
    cur = con.cursor()
    other = sqlite3.Cursor(con)
    tell(sqlite3.connect)
    tell(lambda: sqlite3.Connection())  # type: ignore[call-arg]
    for _ in range(2):
        for each in (cur, other):
            tell(lambda: next(each))  # noqa: B023
            tell(lambda: each.execute("SELEC"))  # noqa: B023
            tell(lambda: each.execute("SELECT ?", 1))  # type: ignore[arg-type]  # noqa: B023
            tell(lambda: each.executemany("SELECT ?", 1))  # type: ignore[arg-type]  # noqa: B023
            tell(lambda: each.execute("CREATE TABLE t (a)") and next(each))  # noqa: B023
        con.close()
    plain = sqlite3.Cursor.__new__(sqlite3.Cursor)
    tell(lambda: plain.execute("SELECT 1"))
    tell(lambda: next(plain))


def program_callbacks() -> None:
    con = sqlite3.connect(":memory:")
    seen: list[Any] = []
    con.set_trace_callback(seen.append)
    con.set_progress_handler(lambda: 0, 5)
    con.set_authorizer(lambda *args: seen.append(args[0]) or sqlite3.SQLITE_OK)  # type: ignore[func-returns-value]
    con.create_function("twice", 1, lambda x: 2 * x)
    con.create_collation("reverse", lambda a, b: (a < b) - (a > b))

    class Sum:
        def __init__(self) -> None:
            self.total = 0

        def step(self, value: int) -> None:
            self.total += value

        def finalize(self) -> int:
            return self.total

    con.create_aggregate("total2", 1, Sum)
    print(con.execute("SELECT twice(4)").fetchone(), con.execute("SELECT total2(3)").fetchone())
    print(list(con.execute("SELECT 'a' AS x UNION SELECT 'b' ORDER BY x COLLATE reverse")))
    print(seen)
    con.set_authorizer(lambda *args: sqlite3.SQLITE_OK)  # None since Python 3.11
    con.set_progress_handler(lambda: 1, 1)
    tell(lambda: con.execute("SELECT twice(4)").fetchone())
    con.set_progress_handler(None, 1)
    con.create_function("fails", 0, lambda: 1 / 0)
    tell(lambda: con.execute("SELECT fails()").fetchone())
    other = sqlite3.connect(":memory:")
    con.execute("CREATE TABLE t (a BLOB)")
    con.execute("INSERT INTO t VALUES (x'0102')")
    con.commit()
    con.backup(other)
    print(list(other.execute("SELECT * FROM t")), list(con.iterdump()))
    if sys.version_info >= (3, 11):
        with con.blobopen("t", "a", 1) as blob:
            print(blob.read())
        print(len(con.serialize()) > 100, con.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH) > 0)
    if sys.version_info >= (3, 12):
        auto = sqlite3.connect(":memory:", autocommit=False)
        print(auto.in_transaction, auto.autocommit)
        auto.rollback()
        auto.close()
    con.close()


def program_threads() -> None:
    con = sqlite3.connect(":memory:")
    said: list[str] = []

    def elsewhere() -> None:
        try:
            con.execute("SELECT 1")
        except sqlite3.ProgrammingError as error:
            said.append(str(error).split(" The object")[0])

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    print(said)
    shared = sqlite3.connect(":memory:", check_same_thread=False)
    thread = threading.Thread(target=lambda: print(shared.execute("SELECT 1").fetchall()))
    thread.start()
    thread.join()
    shared.set_progress_handler(lambda: shared.interrupt(), 1000)
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
    tell(lambda: shared.execute(endless).fetchone())
    for thing in (con, shared):
        thing.close()


def program_freed() -> None:
    class Held:
        def __call__(self, *args: Any) -> int:
            return 0

    class Mine(sqlite3.Connection):
        pass

    file = tempfile.mktemp()
    gc.disable()
    held = Held()
    gone = weakref.ref(held)
    con = sqlite3.connect(file)
    con.create_function("held", 0, held)
    print(con.execute("SELECT held()").fetchone())
    con.close()
    del held, con
    print("function", gone() is None or (gc.collect() and gone() is None))
    mine = Mine(":memory:")
    gone = weakref.ref(mine)  # type: ignore[assignment]
    cur = mine.execute("SELECT 1 UNION SELECT 2")
    cur.fetchone()
    mine.close()
    del mine, cur
    print("connection", gone() is None or (gc.collect() and gone() is None))
    kind = weakref.ref(Mine)
    del Mine
    gc.collect()
    print("class", kind() is None)
    own = Own(file)
    own.execute("CREATE TABLE t (a)")
    own.execute("INSERT INTO t VALUES (1)")
    own.close()
    del own
    with contextlib.closing(sqlite3.connect(file, timeout=0)) as other:
        other.execute("INSERT INTO t VALUES (2)")  # locked if the connection were alive
        print(other.execute("SELECT count(*) FROM t").fetchone())
    gc.enable()


def program_warnings() -> None:
    def unclosed() -> None:
        sqlite3.connect(":memory:").execute("SELECT 1")

    def made_by_class() -> None:
        Own(":memory:")

    def adapts() -> None:
        con = sqlite3.connect(":memory:")
        con.execute("SELECT ?", (datetime.date(2020, 1, 2),))
        con.close()

    def converts() -> None:
        con = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_COLNAMES)
        con.execute("SELECT '2020-01-02' AS 'a [date]'").fetchall()
        print(next(con.execute("SELECT '2020-01-02' AS 'a [date]'")))
        con.close()

    for act in (unclosed, made_by_class, adapts, converts):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            tell(act)
            gc.collect()
        for warning in said:
            print(warning.category.__name__, warning.message, Path(warning.filename).name, warning.lineno)


def program_uncommon_calls() -> None:
    con = sqlite3.connect(":memory:")
    cur = con.cursor()
    for act in (
        lambda: con.execute(),  # type: ignore[call-arg]
        lambda: con.execute(1),  # type: ignore[arg-type]
        lambda: con.execute("SELECT ?", (1, 2)),
        lambda: con.execute("SELECT :a", {"b": 1}),
        lambda: con.execute("SELECT ?", (object(),)),
        lambda: con.execute("nonsense"),
        lambda: con.execute("SELECT 1; SELECT 2"),
        lambda: con.execute("SELECT 1\0"),
        lambda: con.executemany("SELECT 1", [()]),
        lambda: con.executescript(b"SELECT 1"),  # type: ignore[arg-type]
        lambda: con.cursor(5),  # type: ignore[call-overload]
        lambda: con.cursor(lambda con: None),  # type: ignore[arg-type, return-value]
        lambda: con.commit(1),  # type: ignore[call-arg]
        lambda: cur.fetchone(1),  # type: ignore[call-arg]
        lambda: cur.fetchmany("x"),  # type: ignore[arg-type]
        lambda: cur.fetchmany(nonsense=1),  # type: ignore[call-arg]
        lambda: cur.close(1),  # type: ignore[call-arg]
        lambda: sqlite3.Connection.execute(con, "SELECT 1").fetchall(),
        lambda: sqlite3.Cursor.fetchall(cur),
        lambda: con("SELECT 1") and None,
        lambda: con(1),
        lambda: next(con),  # type: ignore[call-overload]
    ):
        tell(act)
