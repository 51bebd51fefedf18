"""Clone a database without its rows, to try in memory what SQLite's planner would do."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Iterator, Sequence

from nutrace.log_file import connect
from nutrace.plans.log import Log
from nutrace.plans.permissions import everything, only_queries, only_schema


@contextlib.contextmanager
def clone(log: Log, more: Sequence[str]) -> Iterator[sqlite3.Connection]:
    """A connection to a clone of the log: its schema and statistics without its rows.

    It refuses everything but queries.

    Parameters
    ----------
    log:
        The database.
    more:
        Statements of ours to execute on the clone, such as those that make indexes.
    """
    connection = connect(":memory:", isolation_level=None)
    try:
        only_schema(connection)
        for sql in log.schema:
            # It needs a module that is not here, or is no plain table, index or view.
            with contextlib.suppress(sqlite3.DatabaseError, sqlite3.Warning, ValueError):
                connection.execute(sql)
        everything(connection)
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
        only_queries(connection)
        yield connection
    finally:
        connection.close()
