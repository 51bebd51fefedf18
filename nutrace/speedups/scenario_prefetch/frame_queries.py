"""Queries for one frame, and queries that ask the same for many frames at once, in the same order.

``SELECT a FROM t WHERE t.token = ?`` becomes ``SELECT a, t.token FROM t WHERE t.token IN (?, ?, ...)``.
Without ``ORDER BY``, rows come in the order of the loops of SQLite's plan, so both plans are compared
(https://sqlite.org/eqp.html): :func:`same_order`.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.speedups.queries.statements import traits
from nutrace.sql.text import tokens

#: Words by which rows are more than a choice among the rows of the joined tables, and words that look for
#: NULL, which a unique index may hold more than once.
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
#: The name of each unique index and how many columns it has; and a row if there are statistics (STAT4) by
#: which plans may depend on the values asked for.
SCHEMA = f"""
    SELECT listed.name, (SELECT COUNT(*) FROM pragma_index_info(listed.name))
    FROM sqlite_master AS made JOIN pragma_index_list(made.name) AS listed
    WHERE made.type = 'table' AND listed."unique"
    UNION ALL SELECT name, 0 FROM sqlite_master WHERE name = '{_STAT4}'
"""

#: The rows of :data:`SCHEMA`.
Schema = FrozenSet[Tuple[str, int]]


class FrameQuery(NamedTuple):
    """A query with one parameter, at its end: the value of a column."""

    sql: str
    columns_end: int  # where FROM begins
    condition: int  # where the condition on the column begins
    key: str  # the column

    def of_many(self, count: int) -> str:
        """The same for `count` values; the value that a row belongs to is one more column at the end."""
        begin, rest = self.sql[: self.columns_end], self.sql[self.columns_end : self.condition]
        # On a line of its own, because a comment may end the line before.
        return f"{begin}\n, {self.key} {rest}{self.key} IN ({', '.join('?' * count)})"


_known: Dict[str, Optional[FrameQuery]] = {}


def frame_query(sql: str) -> Optional[FrameQuery]:
    """`sql` taken apart; ``None`` if it is not of this form, or its rows may depend on more than the file."""
    if sql not in _known:
        query = _parse(sql)
        if len(_known) >= _MOST:
            _known.clear()
        _known[sql] = query
    return _known.get(sql)


def _parse(sql: str) -> Optional[FrameQuery]:
    if not traits(sql).stays:
        return None
    parts = [each for each in tokens(sql) if each[1] != ";"]
    words = [token.upper() if kind == "word" else token for kind, token, _ in parts]
    if not words or words[0] != "SELECT" or "(" in words or not _REFUSED.isdisjoint(words):
        return None
    if any(words.count(each) != 1 for each in ("SELECT", "FROM", "WHERE", "?")):
        return None
    if any(kind == "parameter" and token != "?" for kind, token, _ in parts):
        return None
    where = words.index("WHERE")
    column = parts[where + 1 : -2]
    if words[-2:-1] not in (["="], ["=="]) or words[-1] != "?" or words.index("FROM") > where:
        return None
    kinds = ["word" if kind == "quoted" else kind for kind, _, _ in column]
    if kinds != ["word"] and (kinds != ["word", "sign", "word"] or column[1][1] != "."):
        return None
    key = "".join(token for _, token, _ in column)
    return FrameQuery(sql, parts[words.index("FROM")][2], column[0][2], key)


def same_order(one: Sequence[str], many: Sequence[str], schema: Schema) -> bool:
    """Whether rows of one value come in the same order from the query for one and for many.

    Rows come in the order of nested loops. A loop that gives at most one row for each turn of the loops
    around it does not change that order. If the other loops are the same, from the outermost to the
    innermost, they give the rows of one value in the same order, perhaps with rows of other values between
    them.

    Parameters
    ----------
    one, many:
        The details of both plans' steps.
    schema:
        The file's rows of :data:`SCHEMA`.
    """
    if (_STAT4, 0) in schema:
        return False
    loops = _deciding(one, schema), _deciding(many, schema)
    return loops[0] is not None and loops[0] == loops[1]


def _deciding(plan: Sequence[str], schema: Schema) -> Optional[List[str]]:
    """The loops that may give more than one row; ``None`` if there is a step that is no plain loop."""
    deciding = []
    for step in plan:
        if step.startswith("BLOOM FILTER ON "):
            continue  # leaves out lookups that would find nothing
        loop = _LOOP.match(step)
        # An automatic index is made for one query, in an order of its own.
        if loop is None or "AUTOMATIC" in step or "VIRTUAL" in step:
            return None
        if not _gives_one(loop["how"] or "", schema):
            deciding.append(step)
    return deciding


def _gives_one(how: str, schema: Schema) -> bool:
    if _BY_ROWID.match(how):
        return True
    index = _BY_INDEX.match(how)
    if index is None:
        return False
    terms = index["terms"].split(" AND ")
    return all(map(_TERM.match, terms)) and (index["name"], len(terms)) in schema
