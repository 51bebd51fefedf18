"""Rows kept without a connection, and handed out as sqlite3 would."""

from __future__ import annotations

import functools
import itertools
import sqlite3
import sys
from typing import Any, Dict, Iterator, NamedTuple, Sequence, Tuple

Row = Tuple[Any, ...]

_cursors: Dict[Tuple[str, ...], Any] = {}
_MOST = 2_000  # sets of column names that are remembered


class KeptRows(NamedTuple):
    """What a query gave.

    Parameters
    ----------
    columns:
        Their names.
    rows:
        As tuples of what SQLite holds: numbers, texts, bytes and ``None``, which nobody can change.
    """

    columns: Tuple[str, ...]
    rows: Sequence[Row]

    def given_by(self, cursor: Any, rows: Iterator[Row]) -> Iterator[Any]:
        """`rows`, of these, made anew: as the row factory of `cursor` makes them now."""
        factory = cursor.row_factory
        if factory is None:
            return rows
        if factory is sqlite3.Row:
            return map(functools.partial(sqlite3.Row, _cursor(self.columns)), rows)
        return map(functools.partial(factory, cursor), rows)


def is_known(row_factory: Any) -> bool:
    """Whether it is one of sqlite3's: others are the program's own, and may tell rows apart by more."""
    return row_factory is None or row_factory is sqlite3.Row


def size_of(rows: Sequence[Row]) -> int:
    """What rows take, in bytes."""
    return sum(map(sys.getsizeof, rows)) + sum(map(sys.getsizeof, itertools.chain.from_iterable(rows)))


def _cursor(columns: Tuple[str, ...]) -> Any:
    """A cursor whose last query had these columns: a row takes their names from one.

    It belongs to a connection to no file, which is closed.
    """
    cursor = _cursors.get(columns)
    if cursor is None:
        # Not by way of connect: nobody's database is asked anything, so nothing is to be traced.
        connection = sqlite3.Connection(":memory:")
        try:
            cursor = sqlite3.Cursor(connection)
            cursor.execute("SELECT " + ", ".join(f"NULL AS {_quoted(column)}" for column in columns))
            cursor.close()
        finally:
            connection.close()
        if len(_cursors) >= _MOST:
            _cursors.clear()
        _cursors[columns] = cursor
    return cursor


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
