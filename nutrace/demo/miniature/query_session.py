"""Running a query: as the devkit does it, each on a connection of its own."""

from __future__ import annotations

import sqlite3
from typing import Any, Iterator, Optional, Sequence


def execute_many(query: str, parameters: Sequence[Any], log_file: str) -> Iterator[sqlite3.Row]:
    """Yield the rows of a query, one at a time; the connection closes after the last."""
    connection = sqlite3.connect(log_file)
    connection.row_factory = sqlite3.Row
    try:
        yield from connection.execute(query, parameters)
    finally:
        connection.close()


def execute_one(query: str, parameters: Sequence[Any], log_file: str) -> Optional[sqlite3.Row]:
    """The first row of a query, or ``None``."""
    connection = sqlite3.connect(log_file)
    connection.row_factory = sqlite3.Row
    try:
        row: Optional[sqlite3.Row] = connection.execute(query, parameters).fetchone()
        return row
    finally:
        connection.close()
