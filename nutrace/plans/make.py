"""Make indexes in a database, and drop those that nutrace made."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from nutrace.errors import InputError, OutputError
from nutrace.log_file import connect
from nutrace.plans.ddl import PREFIX
from nutrace.plans.log import existing, open_log, quoted

_WAIT_S = 5.0  # for a program that is writing
# How long the commit of an index waits for readers. New readers wait meanwhile, and the devkit's give up
# after five seconds.
_READERS_S = 2.0


@dataclass(frozen=True)
class Change:
    """A statement that changed a database's schema, and the seconds that it took."""

    sql: str
    seconds: float


def make(path: str, ddl: Sequence[str]) -> Iterator[Change]:
    """Make indexes one after the other; if this is interrupted, each is there completely or not at all.

    Raises
    ------
    InputError
        If the file is missing, or not an SQLite database.
    OutputError
        If it cannot be written, is locked, or the disk is full.
    """
    with _open(path) as connection:
        for sql in ddl:
            yield _change(connection, path, sql)


def drop(path: str) -> Iterator[Change]:
    """Drop the indexes that nutrace made, recognised by their names; raise as :func:`make` does.

    A file without any is not opened for writing.
    """
    with open_log(path, alone=True) as log:
        if not made(log.connection):
            return
    with _open(path) as connection:
        for name in made(connection):
            yield _change(connection, path, f"DROP INDEX {quoted(name)}")


def ensure(path: str, index: str, ddl: str, *, wait_s: float) -> Optional[Change]:
    """Make one index, unless another process makes it at the same time.

    Other programs can read until it is complete, as it is kept in memory until then.

    Parameters
    ----------
    index, ddl:
        Its name, and the statement that makes it.
    wait_s:
        How long to wait for another process that is writing, in seconds.

    Returns
    -------
    Change or None
        ``None`` if the index is there already. Raises as :func:`make` does.
    """
    with _open(path, wait_s) as connection:
        began = time.perf_counter()
        try:
            connection.execute("BEGIN IMMEDIATE")
            if index in made(connection):
                connection.execute("ROLLBACK")
                return None
            connection.execute(ddl)
            connection.execute(f"PRAGMA busy_timeout = {int(_READERS_S * 1000)}")
            connection.execute("COMMIT")
        except sqlite3.Error as error:  # closing rolls back
            raise OutputError(f"{path}: {error}; {ddl.partition(' ON ')[0]} was not done") from None
        return Change(ddl, time.perf_counter() - began)


def can_write(path: str) -> bool:
    """Whether a database can be written, and its folder too, as SQLite puts its journal there."""
    return os.access(path, os.W_OK) and os.access(Path(path).absolute().parent, os.W_OK)


def made(connection: sqlite3.Connection) -> List[str]:
    """The names of the indexes in a database that nutrace made."""
    query = "SELECT name FROM sqlite_master WHERE type = 'index' AND substr(name, 1, ?) = ? ORDER BY name"
    return [name for (name,) in connection.execute(query, (len(PREFIX), PREFIX))]


def _change(connection: sqlite3.Connection, path: str, sql: str) -> Change:
    began = time.perf_counter()
    try:
        connection.execute(sql)
    except sqlite3.Error as error:
        raise OutputError(f"{path}: {error}; {sql.partition(' ON ')[0]} was not done") from None
    return Change(sql, time.perf_counter() - began)


@contextlib.contextmanager
def _open(path: str, wait_s: float = _WAIT_S) -> Iterator[sqlite3.Connection]:
    uri = existing(path, "mode=rw")
    if not can_write(path):
        raise OutputError(f"{path}: it or its folder cannot be written; nutrace index --copy makes a copy")
    # Without open transactions: each statement is one.
    connection = connect(uri, timeout=wait_s, isolation_level=None)
    try:
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cache_spill = OFF")  # or else readers would be locked out
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            raise OutputError(f"{path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path}: {error}") from None
        yield connection
    finally:
        connection.close()
