"""The indexes that the devkit's queries of each step need, whichever run it is."""

from __future__ import annotations

from typing import Dict

from nutrace.plans.ddl import create_index
from nutrace.plans.log import Log

#: (table, column): by these the devkit looks up what belongs to a frame.
CANDIDATES = (("traffic_light_status", "lidar_pc_token"), ("lidar_box", "lidar_pc_token"))


def lacking(log: Log) -> Dict[str, str]:
    """Of the candidates those that a log has the columns for, and no index: what makes them, by name."""
    found = {}
    for table, column in CANDIDATES:
        declared = log.table(table)
        if declared and column in log.columns(declared) and not _leads(log, declared, column):
            name, ddl = create_index(log, declared, (column,))
            found[name] = ddl
    return found


def _leads(log: Log, table: str, column: str) -> bool:
    """Whether a whole index of the table begins with the column."""
    query = (
        "SELECT 1 FROM pragma_index_list(?) AS listed JOIN pragma_index_info(listed.name) AS part "
        "WHERE NOT listed.partial AND part.seqno = 0 AND part.name = ?"
    )
    return log.connection.execute(query, (table, column)).fetchone() is not None
