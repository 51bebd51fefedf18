"""Cursors whose rows come out of somebody's memory, or are learnt by it as they come."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any, Iterator, List, Optional, Protocol, Sequence, Tuple, Union

from nutrace.recording.clock import now_ns
from nutrace.speedups.kept_rows import KeptRows, Row
from nutrace.speedups.own_faults import fault

_TOGETHER = 256  # rows


class Question(Protocol):
    """Who does not have the answer, and wants to know it."""

    def answered(self, found: KeptRows, took_ns: int) -> None:
        """All rows have come; it took so long inside SQLite."""

    def wants(self, rows: Sequence[Row]) -> bool:
        """Whether the next rows are to be kept for :meth:`answered`; if not, none is."""


#: Rows; or a question; or ``None``: none of its business.
Answer = Union[KeptRows, Question, None]


class Asked(Protocol):
    """The connection of such a cursor."""

    row_factory: Any

    def check(self) -> None:
        """Raise what sqlite3 does if it is closed."""

    def ask(self, row_factory: Any, sql: str, args: Tuple[Any, ...]) -> Answer:
        """What memory says to a statement."""

    def real(self) -> Any:
        """The real connection."""

    def plainly(self) -> Any:
        """The real connection, for something that is no query."""


class AskedCursor:
    """A cursor of such a connection: rows come from memory, or from a real one that is made then."""

    def __init__(self, connection: Asked) -> None:
        set_own = super().__setattr__
        set_own("connection", connection)
        set_own("row_factory", connection.row_factory)
        set_own("_real", None)
        set_own("_real_of", None)
        set_own("_rows", None)
        set_own("_kept", None)
        set_own("_plain", iter(()))
        set_own("_closed", False)

    connection: Asked
    row_factory: Any  # as the connection's was when it was made, unless it was given another
    _real: Any
    _real_of: Any  # the connection that it is of
    _rows: Optional[Iterator[Any]]  # from memory, or watched; None while the real cursor gives them
    _kept: Optional[KeptRows]  # what the rows are from, if from memory
    _plain: Iterator[Row]  # those of them that are still to come
    _closed: bool

    def execute(self, sql: str, *args: Any) -> AskedCursor:
        """Run a statement."""
        self._check()
        set_own = super().__setattr__
        set_own("_rows", None)
        set_own("_kept", None)
        answer = self.connection.ask(self.row_factory, sql, args)
        if type(answer) is KeptRows:
            set_own("_kept", answer)
            set_own("_plain", iter(answer.rows))
            set_own("_rows", answer.given_by(self, self._plain))
            return self
        if self._real is not None and self._real_of is not self.connection.real():
            self._real.close()
            set_own("_real", None)
        real = self._opened()
        if answer is None:
            real.execute(sql, *args)
        else:
            began = now_ns()
            real.execute(sql, *args)
            set_own("_rows", _watched(real, answer, now_ns() - began))  # type: ignore[arg-type]
        return self

    def fetchone(self) -> Any:
        """The next row, or ``None``."""
        self._check()
        return next(self._rows, None) if self._rows is not None else self._opened().fetchone()

    def fetchmany(self, *args: Any, **kwargs: Any) -> List[Any]:
        """The next rows: as many as asked for, or there are."""
        self._check()
        if self._rows is None:
            return self._opened().fetchmany(*args, **kwargs)  # type: ignore[no-any-return]
        size = args[0] if args else kwargs.get("size", self.arraysize)
        return list(itertools.islice(self._rows, size) if size > 0 else self._rows)

    def fetchall(self) -> List[Any]:
        """All rows that are left."""
        self._check()
        return list(self._rows) if self._rows is not None else self._opened().fetchall()

    def __iter__(self) -> Iterator[Any]:
        self._check()
        return self._rows if self._rows is not None else iter(self._opened())

    def __next__(self) -> Any:
        self._check()
        return next(self._rows if self._rows is not None else self._opened())

    @property
    def description(self) -> Any:
        """The columns' names, each followed by six times ``None``; or ``None``."""
        if self._kept is not None:
            return tuple((name, *(None,) * 6) for name in self._kept.columns)
        return self._real.description if self._real is not None else None

    def close(self) -> None:
        """Close it; closing it again does nothing."""
        set_own = super().__setattr__
        set_own("_closed", True)
        rows = self._rows
        set_own("_rows", None)
        if rows is not None and hasattr(rows, "close"):
            rows.close()
        if self._real is not None:
            self._real.close()

    def _make_rows_by(self, factory: Any) -> None:
        """Rows that are still to come are made by another row factory."""
        set_own = super().__setattr__
        set_own("row_factory", factory)
        if self._real is not None:
            self._real.row_factory = factory
        if self._kept is not None:
            set_own("_rows", self._kept.given_by(self, self._plain))
        else:
            set_own("_rows", None)  # nobody learns what they are

    def _opened(self) -> Any:
        if self._real is None:
            connection = self.connection.real()
            real = connection.cursor()
            if real.row_factory is not self.row_factory:
                real.row_factory = self.row_factory
            super().__setattr__("_real", real)
            super().__setattr__("_real_of", connection)
        return self._real

    def _check(self) -> None:
        self.connection.check()
        if self._closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed cursor.")

    def __getattr__(self, name: str) -> Any:
        if name != "arraysize":
            self.connection.plainly()
        return getattr(self._opened(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "row_factory":
            self._make_rows_by(value)
        else:
            self.connection.plainly()
            setattr(self._opened(), name, value)


def _watched(cursor: Any, question: Question, spent_ns: int) -> Iterator[Any]:
    """The rows of a real cursor, one by one as they are asked for; `question` learns them all.

    What is not taken to its end, or fails, it never learns.
    """
    kept: List[Row] = []
    coming: List[Row] = []  # asked about together: this runs for each row of the program's
    wanted = True
    rows = iter(cursor)
    began = now_ns()
    for row in rows:
        spent_ns += now_ns() - began
        if wanted:
            coming.append(row)
            if len(coming) >= _TOGETHER:
                wanted = _keep(coming, kept, question)
        yield row
        began = now_ns()
    spent_ns += now_ns() - began
    if wanted and _keep(coming, kept, question):
        try:
            columns = tuple([each[0] for each in cursor.description])
            question.answered(KeptRows(columns, kept), spent_ns)
        except Exception:  # law 1: the rows are the program's already
            fault("keeping the rows of a query")


def _keep(coming: List[Row], kept: List[Row], question: Question) -> bool:
    """Move rows from the one to the other, as tuples, if they are wanted; else keep none."""
    try:
        plain = list(map(tuple, coming))
        coming.clear()
        if question.wants(plain):
            kept += plain
            return True
    except Exception:  # law 1
        fault("keeping the rows of a query")
    kept.clear()
    return False
