"""Find indexes that avoid a statement's full scans, by trying them on an empty clone."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from nutrace.plans.clone import clone
from nutrace.plans.ddl import create_index
from nutrace.plans.log import Log
from nutrace.plans.query_plan import Access, accesses, plan_of

_LONGEST = 300  # characters of an error


@dataclass(frozen=True)
class Scan:
    """A table of which a statement reads all rows.

    ``automatic`` are the columns of the index that SQLite makes for each execution, if it does.
    """

    table: str
    alias: str
    rows: int
    automatic: Tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """An index that SQLite's planner uses instead of a full scan.

    ``rows`` is the number of rows of the table, ``rows_after`` that of an average lookup by the index.
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

    ``plan_after`` is the plan with all advised indexes; ``note`` says why there is no plan, or no advice.
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
        The statement's text, normalised or not.
    log:
        The database.
    advise:
        Look for indexes, which needs the SQL parser.

    Raises
    ------
    MissingDependencyError
        If the parser is not installed.
    """
    try:
        plan = plan_of(log.connection, text)
    except sqlite3.Error as error:
        return Explained((), (), (), (), f"no plan: {_in_a_line(error)}")
    suspects = [access for access in accesses(plan) if access.full or access.automatic]
    if not suspects:
        return Explained(plan, (), (), (), "")
    if not advise:
        return Explained(plan, _scans(suspects, _aliases(text, suspects), log), (), (), "")
    from nutrace.plans.predicates import predicates

    try:
        asked = predicates(text, log)
    except ValueError as error:
        return Explained(
            plan, _scans(suspects, _aliases(text, suspects), log), (), (), f"no advice: {_in_a_line(error)}"
        )
    tables = {alias: several[0].table for alias, several in asked.items()}
    scans = _scans(suspects, tables, log)
    advice: List[Advice] = []
    after = plan
    try:
        for scan in scans:
            candidates = _candidates(
                [one.candidate() for one in asked.get(scan.alias.lower(), ())], scan, log
            )
            best = _best(text, log, scan, candidates, advice)
            if best is not None:
                advice.append(best)
        if advice:
            with clone(log, [one.ddl for one in advice]) as tried:
                after = plan_of(tried, text)
    except sqlite3.Error as error:
        return Explained(plan, scans, (), (), f"no advice: the schema cannot be cloned ({_in_a_line(error)})")
    return Explained(plan, scans, tuple(advice), after if advice else (), "")


def _in_a_line(error: Exception) -> str:
    """What is wrong; SQLite and the parser quote the statement, with its lines."""
    return " ".join(str(error).split())[:_LONGEST]


def _scans(suspects: Sequence[Access], tables: Dict[str, str], log: Log) -> Tuple[Scan, ...]:
    scans = []
    for access in suspects:
        table = log.table(tables.get(access.name.lower(), access.name)) or log.table(access.name)
        if table:  # or else it is the scan of a common table or a subquery
            scans.append(Scan(table, access.name, log.rows(table), access.automatic))
    return tuple(scans)


def _aliases(text: str, suspects: Sequence[Access]) -> Dict[str, str]:
    """The tables behind aliases, as far as a regular expression finds them."""
    tables = {}
    for access in suspects:
        alias = re.escape(access.name)
        match = re.search(rf'(?i)(?:\b(?:FROM|JOIN)|,)\s+["`\[]?(\w+)["`\]]?\s+(?:AS\s+)?{alias}\b', text)
        if match is not None:
            tables[access.name.lower()] = match[1]
    return tables


def _candidates(asked: Sequence[Tuple[str, ...]], scan: Scan, log: Log) -> List[Tuple[str, ...]]:
    """Column lists to try, the shortest first."""
    candidates: List[Tuple[str, ...]] = []
    # A plan does not quote names, so that two columns may look like one; SQLite takes such a name for a text.
    automatic = scan.automatic if set(scan.automatic) <= set(log.columns(scan.table)) else ()
    for columns in (*asked, automatic):
        candidates += [(column,) for column in columns]
        candidates += [columns[:length] for length in range(2, len(columns) + 1)]
    return sorted(dict.fromkeys(candidates), key=len)


def _best(
    text: str, log: Log, scan: Scan, candidates: Sequence[Tuple[str, ...]], others: Sequence[Advice]
) -> Optional[Advice]:
    """Of the indexes that the planner uses, the one that leaves the fewest rows to read."""
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
