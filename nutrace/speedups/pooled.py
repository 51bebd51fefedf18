"""A connection out of the pool: whoever has it sees one of sqlite3's, and nothing of who had it before."""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from typing import Any, Callable, Counter, Iterator, List, Protocol

_READS = ("SELECT", "WITH", "VALUES", "EXPLAIN")


class Owner(Protocol):
    """The pool that a connection goes back to."""

    def give_back(self, connection: PooledConnection) -> None:
        """It is no longer used."""

    def keep_inherited(self, fairy: Any) -> None:
        """It is a parent process's."""


class PooledConnection:
    """What :meth:`~nutrace.speedups.pool.ConnectionPool.connect` returns.

    It has the attributes and methods of :class:`sqlite3.Connection`. When it is closed, cursors are
    closed, an open transaction is rolled back and factories are put back; a connection that ran
    something else than a query is really closed, and does not come back.
    """

    def __init__(
        self,
        pool: Owner,
        file: str,
        held: Counter[int],
        fairy: Any,
        reused: bool,
        retired: Callable[[], bool],
    ) -> None:
        set_own = super().__setattr__
        set_own("file", file)
        set_own("held", held)
        set_own("thread", threading.get_ident())
        set_own("reused", reused)
        set_own("_pool", pool)
        set_own("_fairy", fairy)
        set_own("_raw", fairy.dbapi_connection)
        set_own("_pid", os.getpid())
        set_own("_retired", retired)
        set_own("_cursors", [])
        set_own("_spoiled", False)
        set_own("_changes", fairy.dbapi_connection.total_changes)

    file: str
    held: Counter[int]
    thread: int  # that took it out
    reused: bool  # whether it was open already
    _pool: Owner
    _fairy: Any
    _raw: Any
    _pid: int
    _retired: Callable[[], bool]
    _cursors: List[Any]
    _spoiled: bool
    _changes: int

    def cursor(self, *args: Any, **kwargs: Any) -> PooledCursor:
        """A cursor; closed with the connection if not before."""
        made = self._open().cursor(*args, **kwargs)
        self._cursors.append(made)
        return PooledCursor(self, made)

    def execute(self, sql: str, *args: Any) -> PooledCursor:
        """Run a statement on a new cursor."""
        return self.cursor().execute(sql, *args)

    def close(self) -> None:
        """Give it back; closing it again does nothing."""
        fairy, raw = self._fairy, self._raw
        if fairy is None:
            return
        super().__setattr__("_fairy", None)
        super().__setattr__("_raw", None)
        if self._pid != os.getpid():
            self._pool.keep_inherited((fairy, raw, self._cursors))
            return
        try:
            if self._clean(raw) and not self._retired():
                fairy.close()
            else:
                fairy.invalidate()
        finally:
            self._pool.give_back(self)

    def spoil(self) -> None:
        """It does not go back as it came: it is closed for good."""
        super().__setattr__("_spoiled", True)

    def _clean(self, raw: Any) -> bool:
        try:
            for cursor in self._cursors:
                cursor.close()
            if raw.in_transaction:
                raw.rollback()
                return False
            if self._spoiled or raw.total_changes != self._changes:
                return False
            raw.row_factory = None
            raw.text_factory = str
        except (sqlite3.Error, AttributeError):  # it is not fit for another
            return False
        return True

    def _open(self) -> Any:
        if self._raw is None:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        return self._raw

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._open(), name)
        if name not in _HARMLESS:
            self.spoil()
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _RESTORED:
            self.spoil()
        setattr(self._open(), name, value)

    def __del__(self) -> None:
        if self.__dict__.get("_fairy") is not None:
            self.close()


class _Nothing:
    """No more rows; but as long as they are to come, somebody has their cursor."""

    def __init__(self, cursor: PooledCursor) -> None:
        self._cursor = cursor

    def __iter__(self) -> Iterator[Any]:
        return iter(())


_RESTORED = ("row_factory", "text_factory")
_HARMLESS = (*_RESTORED, "in_transaction", "total_changes", "isolation_level", "rollback", "interrupt")


class PooledCursor:
    """A cursor of a pooled connection: sqlite3's own, which sees what it is asked to run first."""

    def __init__(self, connection: PooledConnection, cursor: Any) -> None:
        self.connection = connection
        self._cursor = cursor

    def execute(self, sql: str, *args: Any) -> PooledCursor:
        """Run a statement; one that is no query keeps the connection from going back."""
        if not isinstance(sql, str) or not sql.lstrip().upper().startswith(_READS):
            self.connection.spoil()
        self._cursor.execute(sql, *args)
        return self

    def executemany(self, sql: str, *args: Any) -> PooledCursor:
        """Run a statement for many sets of parameters."""
        self.connection.spoil()
        self._cursor.executemany(sql, *args)
        return self

    def executescript(self, script: str) -> PooledCursor:
        """Run a script."""
        self.connection.spoil()
        self._cursor.executescript(script)
        return self

    # These are here, and not looked up in the cursor: while rows are asked for, so are connection and
    # cursor, even by a program that has no other name for them; else they would be given back.

    def fetchone(self) -> Any:
        """The next row, or ``None``."""
        return self._cursor.fetchone()

    def fetchmany(self, *args: Any, **kwargs: Any) -> List[Any]:
        """The next rows: as many as asked for, or there are."""
        found: List[Any] = self._cursor.fetchmany(*args, **kwargs)
        return found

    def fetchall(self) -> List[Any]:
        """All rows that are left."""
        found: List[Any] = self._cursor.fetchall()
        return found

    def __iter__(self) -> Iterator[Any]:
        # Rows pass through C only.
        return itertools.chain(self._cursor, _Nothing(self))

    def __next__(self) -> Any:
        return next(self._cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("connection", "_cursor"):
            super().__setattr__(name, value)
        else:
            setattr(self._cursor, name, value)
