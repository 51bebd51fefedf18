"""A database file, opened read-only: its schema and how large its tables are."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from nutrace.errors import InputError


class Statistic(NamedTuple):
    """A row of ``sqlite_stat1``: https://sqlite.org/fileformat2.html#the_sqlite_stat1_table."""

    tbl: str
    idx: str
    stat: str


class Log:
    """What planning needs to know of a database; every figure is asked for once.

    Parameters
    ----------
    path, connection:
        The file, and a read-only connection to it.
    """

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        master = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ).fetchall()
        self.tables = tuple(name for kind, name, _, _ in master if kind == "table")
        #: What makes the schema, in an order in which it can be made.
        self.schema: Tuple[str, ...] = tuple(
            sql
            for kind in ("table", "index", "view")
            for made, _, _, sql in master
            if made == kind and sql is not None
        )
        self.indexes = tuple(name for kind, name, _, _ in master if kind == "index")
        self._columns: Dict[str, Tuple[str, ...]] = {}
        self._rows: Dict[str, int] = {}
        self._distinct: Dict[Tuple[str, Tuple[str, ...]], int] = {}

    def table(self, name: str) -> str:
        """The table's name as it was declared; "" if there is none."""
        return next((table for table in self.tables if table.lower() == name.lower()), "")

    def columns(self, table: str) -> Tuple[str, ...]:
        """The columns of a table or view, as they were declared."""
        if table not in self._columns:
            found = self.connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            self._columns[table] = tuple(row[1] for row in found)
        return self._columns[table]

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        if table not in self._rows:
            (count,) = self.connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()
            self._rows[table] = int(count)
        return self._rows[table]

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        """How many different values the columns have together."""
        key = (table, tuple(columns))
        if key not in self._distinct:
            names = ", ".join(map(quoted, columns))
            query = f"SELECT COUNT(*) FROM (SELECT DISTINCT {names} FROM {quoted(table)})"
            self._distinct[key] = int(self.connection.execute(query).fetchone()[0])
        return self._distinct[key]

    def statistics(self) -> List[Statistic]:
        """The file's own statistics; none if it was never analysed."""
        with contextlib.suppress(sqlite3.DatabaseError):
            found = self.connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
            return [Statistic(str(table), str(index or ""), str(numbers)) for table, index, numbers in found]
        return []


def uri_of(path: str, mode: str) -> str:
    """A file as SQLite's URI; `mode` is ``ro`` or ``rw``: a file that is not there is never made.

    Raises
    ------
    InputError
        If it is missing.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file")
    return f"{Path(path).absolute().as_uri()}?mode={mode}"


def connect(uri: str, **options: Any) -> sqlite3.Connection:
    """A connection, past what stands around ``sqlite3.connect`` in a traced program.

    What nutrace asks a database there is none of the program's statements.
    """
    return sqlite3.Connection(uri, uri=True, **options)


@contextlib.contextmanager
def open_log(path: str) -> Iterator[Log]:
    """Open a database read-only.

    Raises
    ------
    InputError
        If the file is missing, may not be read, is locked or is no SQLite database.
    """
    uri = uri_of(path, "ro")
    connection = None
    try:
        connection = connect(uri, timeout=2.0)
        log = Log(path, connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise InputError(f"{path}: {error}") from None
    try:
        yield log
    finally:
        connection.close()


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
