"""Two functions that run a query on a connection of its own, as the devkit has them."""

import sqlite3
from typing import Any, Iterator, Optional


def all_rows(sql: str, values: Any, path: str) -> Iterator[sqlite3.Row]:
    made = sqlite3.connect(path)
    made.row_factory = sqlite3.Row
    asking = made.cursor()
    try:
        asking.execute(sql, values)
        for each in asking:  # noqa: UP028
            yield each
    finally:
        asking.close()
        made.close()


def only_row(sql: str, values: Any, path: str) -> Optional[sqlite3.Row]:
    """The only row of a query, or ``None``."""
    made = sqlite3.connect(path)
    made.row_factory = sqlite3.Row
    asking = made.cursor()
    try:
        asking.execute(sql, values)
        row: Optional[sqlite3.Row] = asking.fetchone()
        if row is not None and asking.fetchone() is not None:
            raise RuntimeError("more than one")
        return row
    finally:
        asking.close()
        made.close()
