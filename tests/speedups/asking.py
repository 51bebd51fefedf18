"""Queries as the devkit runs them, on connections that a speedup makes; and as it runs them without."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Sequence, Tuple

from nutrace.speedups.row_cache import Options, RowCache

Connect = Callable[[str], Any]


def execute_many(connect: Connect, log: str, query: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
    """All rows, one by one."""
    connection = connect(log)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    try:
        cursor.execute(query, parameters)
        yield from cursor
    finally:
        cursor.close()
        connection.close()


def execute_one(connect: Connect, log: str, query: str, parameters: Sequence[Any] = ()) -> Any:
    """The only row."""
    connection = connect(log)
    connection.row_factory = sqlite3.Row
    cursor = connection.cursor()
    try:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
        if row is not None and cursor.fetchone() is not None:
            raise RuntimeError("more than one row")
        return row
    finally:
        cursor.close()
        connection.close()


def plain(rows: Any) -> List[Any]:
    """All that there is to a row: class, names, values with their types; floats bit for bit."""
    found = []
    for row in rows:
        names = row.keys() if isinstance(row, sqlite3.Row) else None
        values = [(type(value), value.hex() if type(value) is float else value) for value in row]
        found.append((type(row), names, values))
    return found


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> Any:
        self.connection.noted.append(sql)  # type: ignore[attr-defined]
        return super().execute(sql, *args)


class _Connection(sqlite3.Connection):
    noted: List[str]

    def cursor(self, *args: Any) -> Any:
        return super().cursor(_Cursor)


class Opened:
    """Opens connections to a log, and counts them and what is run on their cursors."""

    def __init__(self) -> None:
        self.connections: List[sqlite3.Connection] = []
        self.statements: List[str] = []

    def __call__(self, log: str) -> sqlite3.Connection:
        connection = sqlite3.connect(log, check_same_thread=False, factory=_Connection)
        connection.noted = self.statements
        self.connections.append(connection)
        return connection

    @property
    def open(self) -> int:
        """How many were not closed."""
        found = 0
        for connection in self.connections:
            try:
                connection.total_changes  # noqa: B018  # raises if it is closed
                found += 1
            except sqlite3.ProgrammingError:
                pass
        return found


def settle(*files: Any) -> None:
    """Wait till the clock has moved on since the files were changed: right after, nothing is kept."""
    newest = max(Path(file).stat().st_ctime for file in files)
    time.sleep(max(0.0, newest + 0.12 - time.time()))


ROWS = 20
ALL = "SELECT number, name FROM numbers"
SOME = "SELECT number, name FROM numbers WHERE number < ?"


def make_numbers(file: Path, name: str = "a") -> str:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE numbers (number INTEGER, name TEXT)")
    connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(each, name) for each in range(ROWS)])
    connection.commit()
    connection.close()
    return str(file)


class CachedAsking:
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


def stock(log: str, query: str, *parameters: Any) -> List[Any]:
    return plain(execute_many(sqlite3.connect, log, query, parameters))
