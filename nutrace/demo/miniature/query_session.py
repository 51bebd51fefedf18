"""Running a query: as the devkit does it, each on a connection of its own."""

from __future__ import annotations

import sqlite3
from typing import Any, Iterator, Optional, Sequence


def execute_many(query_text: str, query_parameters: Sequence[Any], db_file: str) -> Iterator[sqlite3.Row]:
    """Yield the rows of a query, one at a time; the connection closes after the last."""
    connection = sqlite3.connect(db_file)
    connection.row_factory = sqlite3.Row
    try:
        yield from connection.cursor().execute(query_text, query_parameters)
    finally:
        connection.close()


def execute_one(query_text: str, query_parameters: Sequence[Any], db_file: str) -> Optional[sqlite3.Row]:
    """The only row of a query, or ``None``.

    Raises
    ------
    RuntimeError
        If there are more.
    """
    connection = sqlite3.connect(db_file)
    connection.row_factory = sqlite3.Row
    try:
        cursor = connection.cursor().execute(query_text, query_parameters)
        row: Optional[sqlite3.Row] = cursor.fetchone()
        if row is not None and cursor.fetchone() is not None:
            raise RuntimeError("a query for one row gave more")
        return row
    finally:
        connection.close()
