"""A database file, opened read-only: its schema and the sizes of its tables."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
import stat
from typing import Callable, ContextManager, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from nutrace.errors import InputError
from nutrace.log_file import connect, header, uri_of, waiting_changes
from nutrace.plans.permissions import only_queries

_HEADER = b"SQLite format 3\0"  # what a database begins with
_VIRTUAL = re.compile(r"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)


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

    Attributes
    ----------
    reading:
        Makes a context in which rows are counted, which takes long in a large table.
    """

    reading: Callable[[], ContextManager[None]]

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.reading = contextlib.nullcontext
        master = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            "AND typeof(name) = 'text' AND typeof(sql) IN ('text', 'null')"
        ).fetchall()
        #: Without virtual tables: to count the rows of one runs the code of its module.
        self.tables = tuple(
            name for kind, name, sql in master if kind == "table" and not _VIRTUAL.match(sql or "")
        )
        #: The statements of the schema, in an order in which they can be executed.
        self.schema: Tuple[str, ...] = tuple(
            sql
            for kind in ("table", "index", "view")
            for made, _, sql in master
            if made == kind and sql is not None
        )
        self.indexes = tuple(name for kind, name, _ in master if kind == "index")
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
            self._rows[table] = self._count(quoted(table))
        return self._rows[table]

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        """The number of different values of the columns together."""
        key = (table, tuple(columns))
        if key not in self._distinct:
            names = ", ".join(map(quoted, columns))
            self._distinct[key] = self._count(f"(SELECT DISTINCT {names} FROM {quoted(table)})")
        return self._distinct[key]

    def _count(self, rows: str) -> int:
        with self.reading():
            return int(self.connection.execute(f"SELECT COUNT(*) FROM {rows}").fetchone()[0])

    def statistics(self) -> List[Statistic]:
        """The file's own statistics; an empty list if it was never analysed."""
        with contextlib.suppress(sqlite3.DatabaseError):
            rows = self.connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
            return [Statistic(str(table), str(index or ""), str(numbers)) for table, index, numbers in rows]
        return []


def existing(path: str, parameters: str) -> str:
    """A file as a URI for SQLite; with ``mode=ro`` or ``mode=rw`` in its parameters, SQLite never creates it.

    Raises
    ------
    InputError
        If it is missing, or no plain file: opening a FIFO would wait, and a device is no log.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        reason = "there is no such file" if error.errno == errno.ENOENT else error.strerror
        raise InputError(f"{path}: {reason}") from None
    except ValueError as error:  # a NUL in it
        raise InputError(f"{path}: {error}") from None
    # What Linux shows as files below these are its own; to read some of them waits, or changes something.
    if not stat.S_ISREG(status.st_mode) or os.path.realpath(path).startswith(("/proc/", "/sys/")):
        raise InputError(f"{path}: this is no file with a database")
    return uri_of(path, parameters)


def check_database(path: str) -> None:
    """Check that a file is a database of SQLite's.

    Raises
    ------
    InputError
        If it is missing, may not be read, or is something else.
    """
    existing(path, "")
    try:
        with open(path, "rb") as file:
            head = file.read(len(_HEADER))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; check its owner and mode") from None
    if head != _HEADER:
        what = "is not an SQLite database" if head else "is empty"
        raise InputError(f"{path} {what}: name the log of a scenario, such as LOG.db")


@contextlib.contextmanager
def open_log(path: str, *, alone: bool = False) -> Iterator[Log]:
    """Open a database such that nothing is written, neither in it nor beside it.

    The connection refuses everything but queries.

    Parameters
    ----------
    alone:
        Read also what waits in a write-ahead log. To be given only if this process has no other connection
        to the file: one that is opened meanwhile could not write.

    Raises
    ------
    InputError
        If the file is missing, cannot be read, is locked, or is not an SQLite database.
    """
    uri = existing(path, _parameters(path, alone))
    connection = None
    try:
        connection = connect(uri, timeout=2.0)
        connection.execute("PRAGMA trusted_schema = OFF")  # the schema may be anybody's
        only_queries(connection)
        log = Log(path, connection)
    except (sqlite3.Error, sqlite3.Warning, MemoryError, UnicodeError) as error:
        if connection is not None:
            connection.close()
        raise InputError(f"{path}: {error or type(error).__name__}") from None
    try:
        yield log
    finally:
        connection.close()


def _parameters(path: str, alone: bool) -> str:
    """How to open a file without writing.

    To read a database in write-ahead mode, SQLite makes files beside it.
    """
    read = header(path)
    if read is None or not read.has_wal:
        return "mode=ro"
    if waiting_changes(path) is None:
        return "mode=ro&immutable=1"
    if alone:
        return "mode=ro&readonly_shm=1"
    raise InputError(f"{path}: changes of it are still in its write-ahead log")


def quoted(name: str) -> str:
    """A name in quotes for SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
