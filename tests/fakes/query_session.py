"""Two functions with a connection for each query, as the devkit has them; the second gives one row."""

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
    """The row."""
    made = sqlite3.connect(path)
    made.row_factory = sqlite3.Row
    asking = made.cursor()
    try:
        asking.execute(sql, values)
        found: Optional[sqlite3.Row] = asking.fetchone()
        if found is not None and asking.fetchone() is not None:
            raise RuntimeError("more than one")
        return found
    finally:
        asking.close()
        made.close()
