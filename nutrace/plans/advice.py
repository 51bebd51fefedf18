"""The index that would spare a statement its full scan, tried on an empty clone."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from nutrace.plans.log import Log, quoted
from nutrace.plans.query_plan import Access, accesses, plan_of

PREFIX = "nutrace_"  # of the names of indexes: they are known by it when they are to go

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: https://sqlite.org/lang_keywords.html: those that cannot be names.
_RESERVED = re.compile(
    r"(?i:ADD|ALL|ALTER|AND|AS|BETWEEN|CASE|CHECK|COLLATE|COMMIT|CONSTRAINT|CREATE|CROSS|DEFAULT|DELETE|"
    r"DISTINCT|DROP|ELSE|ESCAPE|EXISTS|FOREIGN|FROM|FULL|GROUP|HAVING|IN|INDEX|INNER|INSERT|INTERSECT|INTO|"
    r"IS|JOIN|LEFT|LIMIT|NATURAL|NOT|NULL|ON|OR|ORDER|OUTER|PRIMARY|REFERENCES|RIGHT|SELECT|SET|TABLE|THEN|"
    r"TO|TRANSACTION|UNION|UNIQUE|UPDATE|USING|VALUES|WHEN|WHERE)\Z"
)


@dataclass(frozen=True)
class Scan:
    """A table that a statement reads from end to end.

    ``automatic`` are the columns of the index that SQLite makes of it for each execution, if it does.
    """

    table: str
    alias: str
    rows: int
    automatic: Tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """An index that SQLite's planner takes instead of a full scan.

    ``rows`` are the table's, ``rows_after`` those that a lookup by the index finds on average.
    """

    ddl: str
    index: str
    table: str
    columns: Tuple[str, ...]
    rows: int
    rows_after: float


@dataclass(frozen=True)
class Explained:
    """A statement's plan on one database.

    ``plan_after`` is the plan with all that is advised; ``note`` says why there is no plan, or no
    advice.
    """

    plan: Tuple[str, ...]
    scans: Tuple[Scan, ...]
    advice: Tuple[Advice, ...]
    plan_after: Tuple[str, ...]
    note: str


def explain(text: str, log: Log, *, advise: bool = True) -> Explained:
    """Plan a statement, and look for indexes.

    Parameters
    ----------
    text:
        Its text, normalised or not.
    log:
        The database.
    advise:
        Look for indexes; this needs the SQL parser.

    Raises
    ------
    MissingDependencyError
        If the parser is not installed.
    """
    try:
        plan = plan_of(log.connection, text)
    except sqlite3.Error as error:
        return Explained((), (), (), (), f"no plan: {error}")
    suspects = [access for access in accesses(plan) if access.full or access.automatic]
    if not suspects:
        return Explained(plan, (), (), (), "")
    if not advise:
        return Explained(plan, _scans(suspects, _aliases(text, suspects), log), (), (), "")
    from nutrace.plans.predicates import predicates

    try:
        asked = predicates(text, log)
    except ValueError as error:
        return Explained(plan, _scans(suspects, _aliases(text, suspects), log), (), (), f"no advice: {error}")
    tables = {alias: several[0].table for alias, several in asked.items()}
    scans = _scans(suspects, tables, log)
    advice: List[Advice] = []
    after = plan
    try:
        for scan in scans:
            candidates = _candidates([one.candidate() for one in asked.get(scan.alias.lower(), ())], scan)
            best = _best(text, log, scan, candidates, advice)
            if best is not None:
                advice.append(best)
        if advice:
            with _clone(log, [one.ddl for one in advice]) as clone:
                after = plan_of(clone, text)
    except sqlite3.Error as error:
        return Explained(plan, scans, (), (), f"no advice: the schema cannot be cloned ({error})")
    return Explained(plan, scans, tuple(advice), after if advice else (), "")


def _scans(suspects: Sequence[Access], tables: Dict[str, str], log: Log) -> Tuple[Scan, ...]:
    found = []
    for access in suspects:
        table = log.table(tables.get(access.name.lower(), access.name)) or log.table(access.name)
        if table:  # else it is a common table's or a subquery's own
            found.append(Scan(table, access.name, log.rows(table), access.automatic))
    return tuple(found)


def _aliases(text: str, suspects: Sequence[Access]) -> Dict[str, str]:
    """The tables behind aliases, as far as they can be told without a parser."""
    found = {}
    for access in suspects:
        alias = re.escape(access.name)
        match = re.search(rf'(?i)(?:\b(?:FROM|JOIN)|,)\s+["`\[]?(\w+)["`\]]?\s+(?:AS\s+)?{alias}\b', text)
        if match is not None:
            found[access.name.lower()] = match[1]
    return found


def _candidates(asked: Sequence[Tuple[str, ...]], scan: Scan) -> List[Tuple[str, ...]]:
    """Column lists to try, the shortest first."""
    found: List[Tuple[str, ...]] = []
    for columns in (*asked, scan.automatic):
        found += [(column,) for column in columns]
        found += [columns[:length] for length in range(2, len(columns) + 1)]
    return sorted(dict.fromkeys(found), key=len)


def _best(
    text: str, log: Log, scan: Scan, candidates: Sequence[Tuple[str, ...]], others: Sequence[Advice]
) -> Optional[Advice]:
    """Of the indexes that the planner takes the one that leaves least to look at."""
    best: Optional[Advice] = None
    for columns in candidates:
        name = _name(log, scan.table, columns)
        listed = ", ".join(map(_written, columns))
        ddl = f"CREATE INDEX {_written(name)} ON {_written(scan.table)} ({listed})"
        with _clone(log, [*(one.ddl for one in others), ddl]) as clone:
            read = [access for access in accesses(plan_of(clone, text)) if access.name == scan.alias]
        if any(access.full or access.automatic for access in read):
            continue
        used = [access.by for access in read if access.index == name]
        if not used or not used[0]:
            continue
        by = tuple(column for column in columns if column in used[0]) or columns[:1]
        after = scan.rows / max(log.distinct(scan.table, by), 1)
        if best is None or after < 0.5 * best.rows_after:
            best = Advice(ddl, name, scan.table, columns, scan.rows, after)
    return best


@contextlib.contextmanager
def _clone(log: Log, more: Sequence[str]) -> Iterator[sqlite3.Connection]:
    """The log's schema without its rows, with its statistics, and with `more` made on it."""
    connection = sqlite3.connect(":memory:")
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


def _name(log: Log, table: str, columns: Sequence[str]) -> str:
    name = PREFIX + "_".join((table, *columns))
    taken = {index.lower() for index in log.indexes}
    number = 1
    unique = name
    while unique.lower() in taken:
        number += 1
        unique = f"{name}_{number}"
    return unique


def _written(name: str) -> str:
    """A name as people write it, in quotes where it must be."""
    return name if _PLAIN.match(name) and not _RESERVED.match(name) else quoted(name)
