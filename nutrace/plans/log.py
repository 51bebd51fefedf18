"""A database file, opened read-only: its schema and the sizes of its tables."""

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
    """What planning needs to know of a database; each figure is queried once.

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
        #: The statements of the schema, in an order in which they can be executed.
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
        """The table's name as declared, whatever the case of `name`; "" if there is none."""
        return next((table for table in self.tables if table.lower() == name.lower()), "")

    def columns(self, table: str) -> Tuple[str, ...]:
        """The columns of a table or view, as declared."""
        if table not in self._columns:
            rows = self.connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            self._columns[table] = tuple(row[1] for row in rows)
        return self._columns[table]

    def rows(self, table: str) -> int:
        """The number of rows of a table."""
        if table not in self._rows:
            (count,) = self.connection.execute(f"SELECT COUNT(*) FROM {quoted(table)}").fetchone()
            self._rows[table] = int(count)
        return self._rows[table]

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        """The number of different values of the columns together."""
        key = (table, tuple(columns))
        if key not in self._distinct:
            names = ", ".join(map(quoted, columns))
            query = f"SELECT COUNT(*) FROM (SELECT DISTINCT {names} FROM {quoted(table)})"
            self._distinct[key] = int(self.connection.execute(query).fetchone()[0])
        return self._distinct[key]

    def statistics(self) -> List[Statistic]:
        """The file's own statistics; an empty list if it was never analysed."""
        with contextlib.suppress(sqlite3.DatabaseError):
            rows = self.connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
            return [Statistic(str(table), str(index or ""), str(numbers)) for table, index, numbers in rows]
        return []


def uri_of(path: str, mode: str) -> str:
    """A file as a URI for SQLite; with the `mode` ``ro`` or ``rw``, SQLite never creates it.

    Raises
    ------
    InputError
        If it is missing.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file")
    return f"{Path(path).absolute().as_uri()}?mode={mode}"


def connect(uri: str, **options: Any) -> sqlite3.Connection:
    """A connection of sqlite3's own class, which is the last but one whatever its name is bound to.

    Nutrace's own queries must not be among the statements of a traced program.
    """
    own: sqlite3.Connection = sqlite3.Connection.__mro__[-2](uri, uri=True, **options)
    return own


@contextlib.contextmanager
def open_log(path: str) -> Iterator[Log]:
    """Open a database read-only.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, is locked, or is not an SQLite database.
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
    """A name in quotes for SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
