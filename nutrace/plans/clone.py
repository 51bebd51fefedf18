"""A database without its rows: what SQLite's planner would do, tried where nothing can be broken."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Iterator, Sequence

from nutrace.plans.log import Log, connect


@contextlib.contextmanager
def clone(log: Log, more: Sequence[str]) -> Iterator[sqlite3.Connection]:
    """The log's schema without its rows, with its statistics, and with `more` made on it."""
    connection = connect(":memory:")
    try:
        for sql in log.schema:
            with contextlib.suppress(sqlite3.OperationalError):  # a module that is not here
                connection.execute(sql)
        for ddl in more:
            connection.execute(ddl)
        statistics = log.statistics()
        if statistics:
            connection.execute("ANALYZE")
            connection.execute("DELETE FROM sqlite_stat1")
            connection.executemany(
                "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)",
                [(row.tbl, row.idx or None, row.stat) for row in statistics],
            )
            connection.execute("ANALYZE sqlite_master")  # reads them
        yield connection
    finally:
        connection.close()
