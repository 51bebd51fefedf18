"""Queries for one frame, and what asks the same for many frames at once, in the same order.

``SELECT a FROM t WHERE t.token = ?`` becomes ``SELECT a, t.token FROM t WHERE t.token IN (?, ?, ...)``.
Without ``ORDER BY``, rows come in the order of the loops of SQLite's plan, so both plans are compared
(https://sqlite.org/eqp.html): :func:`same_order`.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.probes.sqlite.text import tokens
from nutrace.speedups.statements import verdict

#: What makes of rows something else than a choice among those of the joined tables, and what looks
#: for NULL: unique indexes may hold it more than once.
_REFUSED = frozenset(
    (
        *("COLLATE", "CROSS", "DISTINCT", "EXCEPT", "FULL", "GROUP", "HAVING", "INDEXED", "INTERSECT"),
        *("IS", "ISNULL", "LEFT", "LIMIT", "NATURAL", "NOTNULL", "NULL", "OFFSET", "ORDER", "OUTER"),
        *("OVER", "RIGHT", "UNION", "USING", "VALUES", "WINDOW", "WITH"),
    )
)
_MOST = 2_000  # texts that are remembered

_LOOP = re.compile(r"(?:SCAN|SEARCH) (?:TABLE )?(?P<table>\S+)(?: AS \S+)?(?: USING (?P<how>.+))?\Z")
_BY_ROWID = re.compile(r"INTEGER PRIMARY KEY \(rowid=\?\)\Z")
_BY_INDEX = re.compile(r"(?:COVERING )?INDEX (?P<name>\S+) \((?P<terms>[^()]+)\)\Z")
_TERM = re.compile(r"[^=<>]+=\?\Z")

_STAT4 = "sqlite_stat4"
#: Of each unique index, its name and how many columns it has; and whether there are figures by which
#: plans may depend on the values asked for (of a build of SQLite with STAT4).
SCHEMA = f"""
    SELECT listed.name, (SELECT COUNT(*) FROM pragma_index_info(listed.name))
    FROM sqlite_master AS made JOIN pragma_index_list(made.name) AS listed
    WHERE made.type = 'table' AND listed."unique"
    UNION ALL SELECT name, 0 FROM sqlite_master WHERE name = '{_STAT4}'
"""

#: What :data:`SCHEMA` gives.
Schema = FrozenSet[Tuple[str, int]]


class FrameQuery(NamedTuple):
    """A query with one parameter, at its end: the value of a column."""

    sql: str
    columns_end: int  # where FROM begins
    condition: int  # where the condition on the column begins
    key: str  # the column

    def of_many(self, count: int) -> str:
        """The same for `count` values, with the value that a row is of as one more column at the end."""
        begin, rest = self.sql[: self.columns_end], self.sql[self.columns_end : self.condition]
        # On a line of its own: a comment may stand before.
        return f"{begin}\n, {self.key} {rest}{self.key} IN ({', '.join('?' * count)})"


_known: Dict[str, Optional[FrameQuery]] = {}


def frame_query(sql: str) -> Optional[FrameQuery]:
    """`sql` seen through, or ``None`` if it is not of this form or not sure to have the same rows."""
    if sql not in _known:
        found = _look(sql)
        if len(_known) >= _MOST:
            _known.clear()
        _known[sql] = found
    return _known.get(sql)


def _look(sql: str) -> Optional[FrameQuery]:
    if not verdict(sql).stays:
        return None
    found = [each for each in tokens(sql) if each[1] != ";"]
    words = [token.upper() if kind == "word" else token for kind, token, _ in found]
    if not words or words[0] != "SELECT" or "(" in words or not _REFUSED.isdisjoint(words):
        return None
    if any(words.count(each) != 1 for each in ("SELECT", "FROM", "WHERE", "?")):
        return None
    if any(kind == "parameter" and token != "?" for kind, token, _ in found):
        return None
    where = words.index("WHERE")
    column = found[where + 1 : -2]
    if words[-2:-1] not in (["="], ["=="]) or words[-1] != "?" or words.index("FROM") > where:
        return None
    kinds = ["word" if kind == "quoted" else kind for kind, _, _ in column]
    if kinds != ["word"] and (kinds != ["word", "sign", "word"] or column[1][1] != "."):
        return None
    key = "".join(token for _, token, _ in column)
    return FrameQuery(sql, found[words.index("FROM")][2], column[0][2], key)


def same_order(one: Sequence[str], many: Sequence[str], schema: Schema) -> bool:
    """Whether rows of one value come in the same order from the query for one and for many.

    Rows come in the order of nested loops. A loop that gives at most one row, given those around it,
    has no say in that. If the others are the same, from the outermost to the innermost, so is the
    order in which they give the rows of one value: between rows of other values, perhaps.

    Parameters
    ----------
    one, many:
        Details of the steps of both plans.
    schema:
        Of the file.
    """
    if (_STAT4, 0) in schema:
        return False
    loops = _deciding(one, schema), _deciding(many, schema)
    return loops[0] is not None and loops[0] == loops[1]


def _deciding(plan: Sequence[str], schema: Schema) -> Optional[List[str]]:
    """The loops that may give more than one row; ``None`` if there is a step that is no plain loop."""
    found = []
    for step in plan:
        if step.startswith("BLOOM FILTER ON "):
            continue  # spares looks that would find nothing
        loop = _LOOP.match(step)
        # An automatic index lasts as long as the query, and is sorted by whatever the query needs.
        if loop is None or "AUTOMATIC" in step or "VIRTUAL" in step:
            return None
        if not _gives_one(loop["how"] or "", schema):
            found.append(step)
    return found


def _gives_one(how: str, schema: Schema) -> bool:
    if _BY_ROWID.match(how):
        return True
    index = _BY_INDEX.match(how)
    if index is None:
        return False
    terms = index["terms"].split(" AND ")
    return all(map(_TERM.match, terms)) and (index["name"], len(terms)) in schema
