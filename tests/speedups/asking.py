"""Queries as the devkit runs them, through a chain of speedups and without."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any, Iterator, List, Tuple
from unittest.mock import patch

from nutrace import log_file
from nutrace.demo.miniature import query_session
from nutrace.speedups.queries import Answer, Chain
from nutrace.speedups.row_cache import Options, RowCache


def plain(rows: Any) -> List[Any]:
    """All that there is to a row: class, names, values with their types; floats bit for bit."""
    contents = []
    for row in rows:
        names = row.keys() if isinstance(row, sqlite3.Row) else None
        values = [(type(value), value.hex() if type(value) is float else value) for value in row]
        contents.append((type(row), names, values))
    return contents


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> Any:
        self.connection.noted.append(sql)  # type: ignore[attr-defined]
        return super().execute(sql, *args)


class _Connection(sqlite3.Connection):
    noted: List[str]

    def cursor(self, *args: Any) -> Any:
        return super().cursor(_Cursor)


class Opened:
    """The program's own query functions, whose connections and statements are counted."""

    def __init__(self) -> None:
        self.connections: List[sqlite3.Connection] = []
        self.statements: List[str] = []

    def connect(self, log: str, **options: Any) -> sqlite3.Connection:
        """A connection that notes what is run on its cursors."""
        connection = sqlite3.connect(log, check_same_thread=False, factory=_Connection, **options)
        connection.noted = self.statements
        self.connections.append(connection)
        return connection

    def execute_many(self, query_text: str, query_parameters: Any, db_file: str) -> Iterator[Any]:
        """All rows, one by one."""
        connection = self.connect(db_file)
        connection.row_factory = sqlite3.Row
        cursor = connection.cursor()
        try:
            cursor.execute(query_text, query_parameters)
            yield from cursor
        finally:
            cursor.close()
            connection.close()

    def execute_one(self, query_text: str, query_parameters: Any, db_file: str) -> Any:
        """The only row."""
        rows = list(self.execute_many(query_text, query_parameters, db_file))
        if len(rows) > 1:
            raise RuntimeError("more than one row")
        return rows[0] if rows else None

    @property
    def open(self) -> int:
        """How many connections were not closed."""
        count = 0
        for connection in self.connections:
            try:
                connection.total_changes  # noqa: B018  # raises if it is closed
                count += 1
            except sqlite3.ProgrammingError:
                pass
        return count


class Asking:
    """The two query functions with a chain of speedups around them."""

    def __init__(self, *answers: Answer) -> None:
        self.opened = Opened()
        chain = Chain(answers)
        self.execute_many = chain.execute_many(self.opened.execute_many)
        self.execute_one = chain.execute_one(self.opened.execute_one)

    def many(self, log: str, query: str, *parameters: Any) -> Iterator[Any]:
        return self.execute_many(query, parameters, log)  # type: ignore[no-any-return]

    def one(self, log: str, query: str, *parameters: Any) -> Any:
        return self.execute_one(query, parameters, log)


@contextlib.contextmanager
def just_changed() -> Iterator[None]:
    """Within it a change is a moment ago, however long the machine takes for the next line."""
    with patch.object(log_file, "_TICK_NS", 60_000_000_000):
        yield


def settle(*files: Any) -> None:
    """Wait until a change of the files would show in their dates: before that, nothing is kept."""
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


class CachedAsking(Asking):
    """Queries through a row cache."""

    def __init__(self, **options: Any) -> None:
        self.cache = RowCache(Options(**options))
        super().__init__(self.cache.answer)

    @property
    def figures(self) -> Tuple[int, int, int, int]:
        stats = self.cache.stats()
        return stats["hits"], stats["misses"], stats["evictions"], stats["entries"]


def stock(log: str, query: str, *parameters: Any) -> List[Any]:
    return plain(query_session.execute_many(query, parameters, log))
