"""The indexes that the devkit's queries in each step need, whatever the run."""

from __future__ import annotations

from typing import Dict

from nutrace.plans.ddl import create_index
from nutrace.plans.log import Log

#: (table, column): the devkit looks up the rows of a frame by these.
CANDIDATES = (("traffic_light_status", "lidar_pc_token"), ("lidar_box", "lidar_pc_token"))


def lacking(log: Log) -> Dict[str, str]:
    """The statements that make the candidates which a log lacks, by name, if it has the columns."""
    statements = {}
    for table, column in CANDIDATES:
        declared = log.table(table)
        if declared and column in log.columns(declared) and not _leads(log, declared, column):
            name, ddl = create_index(log, declared, (column,))
            statements[name] = ddl
    return statements


def _leads(log: Log, table: str, column: str) -> bool:
    """Whether an index of all of the table's rows begins with the column."""
    query = (
        "SELECT 1 FROM pragma_index_list(?) AS listed JOIN pragma_index_info(listed.name) AS part "
        "WHERE NOT listed.partial AND part.seqno = 0 AND part.name = ?"
    )
    return log.connection.execute(query, (table, column)).fetchone() is not None
