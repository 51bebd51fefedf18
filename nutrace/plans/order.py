"""Whether rows come in the same order with an index as without.

A statement without ``ORDER BY`` gives its rows in the order in which its plan comes upon them, and one
with ``ORDER BY`` gives rows with equal keys in that order. An index changes the plan; only some changes
are known to leave the order as it was:

- a loop over a whole table comes upon its rows in the order of their rowids;
- a search by an index, of which *all* columns are compared for equality with one value each, finds
  entries of equal keys only, and the index keeps those in the order of their rowids.

So where a plan differs from another by such loops only, each in the same place, every row comes as it
did; whatever is sorted, grouped or cut off afterwards is so with the same rows in the same order.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Optional, Sequence, Tuple

from nutrace.plans.log import quoted

_SCAN = re.compile(r"(?P<depth> *)SCAN (?P<what>(?:TABLE )?.+)\Z")
_SEARCH = re.compile(
    r"(?P<depth> *)SEARCH (?P<what>(?:TABLE )?.+?) USING (?:COVERING )?INDEX (?P<index>.+) "
    r"\((?P<equal>.+=\?(?: AND .+=\?)*)\)\Z"
)
# A plan shows IN, and OR where it becomes one, as it does =, though it searches for one value after the
# other, in their own order; and a loop that DESC turns around looks as it did.
_MAY_TURN = re.compile(r"\b(?:IN|OR|DESC)\b", re.IGNORECASE)


def spared(
    before: Sequence[str], after: Sequence[str], connection: sqlite3.Connection, text: str
) -> Optional[Tuple[str, ...]]:
    """The indexes that a plan searches by in the place of full scans.

    Parameters
    ----------
    before, after:
        Lines of :func:`~nutrace.plans.query_plan.plan_of`, without the indexes and with them.
    connection:
        To a database that has them.
    text:
        The statement.

    Returns
    -------
    tuple of str, or None
        Names; none if the plans are equal; ``None`` if rows may come in another order.
    """
    if tuple(before) == tuple(after):
        return ()
    if len(before) != len(after) or _MAY_TURN.search(_with_views(connection, text)):
        return None
    names = []
    for old, new in zip(before, after):
        if old == new:
            continue
        scan, search = _SCAN.match(old), _SEARCH.match(new)
        if scan is None or search is None:
            return None
        if (scan["depth"], scan["what"]) != (search["depth"], search["what"]):
            return None
        if not _keeps_rowids_in_order(connection, search["index"], search["equal"]):
            return None
        names.append(search["index"])
    return tuple(names)


def _with_views(connection: sqlite3.Connection, text: str) -> str:
    """A statement, and all that a view in it may stand for."""
    views = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall()
    named = any(name.lower() in text.lower() for name, _ in views)
    return "\n".join([text, *(sql for _, sql in views)]) if named else text


def _keeps_rowids_in_order(connection: sqlite3.Connection, index: str, equal: str) -> bool:
    row = connection.execute(
        "SELECT owner.name, owner.sql, made.sql FROM sqlite_master AS made "
        "JOIN sqlite_master AS owner ON owner.type = 'table' AND owner.name = made.tbl_name "
        "WHERE made.type = 'index' AND made.name = ?",
        (index,),
    ).fetchone()
    if row is None or row[2] is None:
        return False  # a constraint's own, or of a table without rowids
    table, sql, _ = row
    if re.search(r"\bWITHOUT\s+ROWID\b", sql, re.IGNORECASE):
        return False
    rows = connection.execute(f"PRAGMA index_list({quoted(table)})").fetchall()
    partial = {row[1]: bool(row[4]) for row in rows}
    columns = [row[2] for row in connection.execute(f"PRAGMA index_info({quoted(index)})")]
    if partial.get(index, True) or None in columns:  # an index on an expression has no column there
        return False
    return equal == " AND ".join(f"{column}=?" for column in columns)
