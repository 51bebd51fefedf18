"""Run a query to its end, if it has not too many rows."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any, Optional, Set

from nutrace.speedups.queries.rows import Rows
from nutrace.speedups.queries.statements import traits

#: A query with more rows is left to the program's own function, which reads row by row.
MOST_ROWS = 10_000
_MOST_STATEMENTS = 2_000


class Runner:
    """Runs queries, and remembers which had too many rows: they are not run here again."""

    def __init__(self) -> None:
        self._left_alone: Set[str] = set()

    def accepts(self, query: str) -> bool:
        """Whether it is a query, and had not too many rows before."""
        return traits(query).reads and query not in self._left_alone

    def run(self, connection: sqlite3.Connection, query: str, parameters: Any) -> Optional[Rows]:
        """All rows; ``None`` if they are too many, or if the query fails."""
        try:
            with contextlib.closing(connection.cursor()) as cursor:
                cursor.execute(query, parameters)
                rows = cursor.fetchmany(MOST_ROWS + 1)
                columns = tuple([column[0] for column in cursor.description])
        except Exception:  # the program's own function runs the query next, and raises this itself
            return None
        if len(rows) <= MOST_ROWS:
            return Rows(columns, rows)
        if len(self._left_alone) >= _MOST_STATEMENTS:
            self._left_alone.clear()
        self._left_alone.add(query)
        return None

    def run_alone(self, file: str, query: str, parameters: Any) -> Optional[Rows]:
        """The same on a connection to `file` that is opened for it."""
        try:
            connection = sqlite3.connect(file, timeout=0)
        except sqlite3.Error:
            return None
        with contextlib.closing(connection):
            return self.run(connection, query, parameters)
