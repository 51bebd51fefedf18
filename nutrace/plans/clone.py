"""Clone a database without its rows, to try in memory what SQLite's planner would do."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Iterator, Sequence

from nutrace.plans.log import Log, connect


@contextlib.contextmanager
def clone(log: Log, more: Sequence[str]) -> Iterator[sqlite3.Connection]:
    """A connection to a clone of the log: its schema and statistics without its rows.

    Parameters
    ----------
    log:
        The database.
    more:
        Statements to execute on the clone, such as those that make indexes.
    """
    connection = connect(":memory:")
    try:
        for sql in log.schema:
            with contextlib.suppress(sqlite3.OperationalError):  # needs a module that is not here
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
