"""``EXPLAIN QUERY PLAN``, read: which table is scanned, which is searched, by what.

Source: https://sqlite.org/eqp.html; releases before 3.36 write ``SCAN TABLE x AS y``.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple

_ACCESS = re.compile(
    r"(?P<how>SCAN|SEARCH) (?:TABLE )?(?P<name>.+?)(?: AS (?P<alias>.+?))?"
    r"(?: VIRTUAL TABLE .*| USING (?P<index>.*))?$"
)
_AUTOMATIC = re.compile(r"AUTOMATIC (?:PARTIAL )?(?:COVERING )?INDEX \((?P<columns>.*)\)")
_NAMED = re.compile(r"(?:COVERING )?INDEX (?P<name>.+?)(?: \((?P<columns>.*)\))?$")
_COLUMN = re.compile(r"(?:^| AND )(.+?)(?:=\?|>\?|<\?|>|<)")
_NEEDS = re.compile(r"uses (\d+)")
# After white space and comments. WITH may begin a change as well; the connection's permissions refuse that.
_QUERY = re.compile(r"(?:\s|--[^\n]*|/\*.*?(?:\*/|\Z))*(?:SELECT|VALUES|WITH)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Access:
    """How one table of a statement is read.

    Attributes
    ----------
    name:
        The table's alias if it has one, else its name (or that of a view or common table).
    full:
        Every row is looked at, in the table itself.
    index, by:
        Name of the index that is used, "" for none; and the columns that it is searched by.
    automatic:
        Columns of an index that SQLite makes for this one execution and throws away.
    """

    name: str
    full: bool
    index: str = ""
    by: Tuple[str, ...] = ()
    automatic: Tuple[str, ...] = ()


class _Anything(dict):  # type: ignore[type-arg]
    """Named parameters, whatever their names."""

    def __missing__(self, name: str) -> None:
        return None


def plan_of(connection: sqlite3.Connection, text: str) -> Tuple[str, ...]:
    """The lines of a query's plan, indented as the tree that they are.

    Other statements are not planned: ``EXPLAIN PRAGMA`` executes many a pragma.

    Raises
    ------
    sqlite3.Error
        If SQLite cannot plan it: no query, a table that is missing, a text that was cut.
    """
    if not _QUERY.match(text):
        raise sqlite3.NotSupportedError("only queries are planned")
    try:
        rows = _explain(connection, text)
    except (sqlite3.Warning, ValueError) as error:  # several statements, a NUL, half a character
        raise sqlite3.ProgrammingError(str(error)) from None
    except MemoryError:
        raise sqlite3.OperationalError("it takes too much memory") from None
    depth = {0: -1}
    lines = []
    for number, parent, _, detail in rows:
        depth[number] = depth.get(parent, -1) + 1
        lines.append("  " * depth[number] + str(detail))
    return tuple(lines)


def _explain(connection: sqlite3.Connection, text: str) -> List[Any]:
    query = f"EXPLAIN QUERY PLAN {text}"
    try:
        return connection.execute(query, _Anything()).fetchall()
    except sqlite3.ProgrammingError:
        pass  # parameters without names: sqlite3 says how many there are
    try:
        return connection.execute(query).fetchall()
    except sqlite3.ProgrammingError as error:
        needs = _NEEDS.search(str(error))
        if needs is None:
            raise
        return connection.execute(query, (None,) * int(needs.group(1))).fetchall()


def accesses(plan: Sequence[str]) -> Tuple[Access, ...]:
    """What a plan's lines say of tables."""
    tables = []
    for line in plan:
        match = _ACCESS.match(line.strip())
        if match is None or match["name"].startswith(("CONSTANT ROW", "(", "SUBQUERY ")):
            continue
        using = match["index"] or ""
        automatic = _AUTOMATIC.match(using)
        named = _NAMED.match(using)
        tables.append(
            Access(
                match["alias"] or match["name"],
                match["how"] == "SCAN" and not using and "VIRTUAL TABLE" not in line,
                named["name"] if named and not automatic else "",
                tuple(_COLUMN.findall(named["columns"] or "")) if named and not automatic else (),
                tuple(_COLUMN.findall(automatic["columns"])) if automatic else (),
            )
        )
    return tuple(tables)
