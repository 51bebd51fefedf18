"""The rows of a query, kept as tuples and handed out as sqlite3 would hand them out."""

from __future__ import annotations

import functools
import itertools
import sqlite3
import sys
from typing import Any, Dict, Iterator, NamedTuple, Sequence, Tuple

from nutrace.log_file import connect

Row = Tuple[Any, ...]

_cursors: Dict[Tuple[str, ...], Any] = {}
_MOST_CURSORS = 2_000


class Rows(NamedTuple):
    """All rows of a query.

    Parameters
    ----------
    columns:
        The columns' names.
    rows:
        Tuples of numbers, texts, bytes and ``None``, which nobody can change.
    """

    columns: Tuple[str, ...]
    rows: Sequence[Row]

    def fresh(self) -> Iterator[sqlite3.Row]:
        """The rows as ``sqlite3.Row``, made anew for each caller."""
        if not self.rows:
            return iter(())
        return map(functools.partial(sqlite3.Row, _cursor(self.columns)), self.rows)


def size_of(rows: Sequence[Row]) -> int:
    """The memory that rows take, in bytes."""
    return sum(map(sys.getsizeof, rows)) + sum(map(sys.getsizeof, itertools.chain.from_iterable(rows)))


def _cursor(columns: Tuple[str, ...]) -> Any:
    """A closed cursor whose last query had these columns: a ``sqlite3.Row`` takes its names from one."""
    cursor = _cursors.get(columns)
    if cursor is None:
        # Of sqlite3's own class, which is never traced: no database of the program's is involved.
        connection = connect("file::memory:")
        try:
            cursor = connection.cursor()
            cursor.execute("SELECT " + ", ".join(f"NULL AS {_quoted(column)}" for column in columns))
            cursor.close()
        finally:
            connection.close()
        if len(_cursors) >= _MOST_CURSORS:
            _cursors.clear()
        _cursors[columns] = cursor
    return cursor


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
