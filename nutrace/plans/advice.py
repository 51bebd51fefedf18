"""The index that would spare a statement its full scan, tried on an empty clone."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.plans.clone import clone
from nutrace.plans.ddl import create_index
from nutrace.plans.log import Log
from nutrace.plans.query_plan import Access, accesses, plan_of


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
            with clone(log, [one.ddl for one in advice]) as tried:
                after = plan_of(tried, text)
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
        name, ddl = create_index(log, scan.table, columns)
        with clone(log, [*(one.ddl for one in others), ddl]) as tried:
            read = [access for access in accesses(plan_of(tried, text)) if access.name == scan.alias]
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
