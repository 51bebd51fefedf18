"""Which columns of each table a statement compares: those are the columns of a useful index.

sqlglot parses the statement; it is optional, see :mod:`nutrace.extras`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Dict, List, Set, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.extras import install
from nutrace.plans.log import Log

try:
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope, traverse_scope
except ImportError as error:
    raise MissingDependencyError(f"advising indexes needs sqlglot ({error}): {install('sql')}") from None

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # we report what it cannot parse

_RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_MOST = 3  # columns of an index


@dataclass
class Predicates:
    """The columns of a table that a statement compares for equality, and with a range."""

    table: str
    equal: List[str] = field(default_factory=list)
    ranged: List[str] = field(default_factory=list)

    def candidate(self) -> Tuple[str, ...]:
        """Columns for an index: those compared for equality, then one range; empty if there are none."""
        columns = list(dict.fromkeys(self.equal))[:_MOST]
        ranged = [column for column in self.ranged if column not in columns]
        return tuple(columns + ranged[:1]) if len(columns) < _MOST else tuple(columns)


def predicates(text: str, log: Log) -> Dict[str, List[Predicates]]:
    """The predicates of a statement on each table, by the table's alias in lower case.

    Raises
    ------
    ValueError
        If the text cannot be parsed.
    """
    try:
        tree = sqlglot.parse_one(text, read="sqlite")
        scopes = traverse_scope(tree)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise ValueError(str(error).splitlines()[0]) from None
    by_alias: Dict[str, List[Predicates]] = {}
    for scope in scopes:
        for alias, asked in _of_scope(scope, log).items():
            by_alias.setdefault(alias, []).append(asked)
    if not scopes:  # UPDATE, DELETE
        target = tree.find(exp.Table)
        if target is not None and log.table(target.name):
            asked = Predicates(log.table(target.name))
            _collect(tree.args.get("where"), {target.alias_or_name.lower(): asked}, log)
            by_alias.setdefault(target.alias_or_name.lower(), []).append(asked)
    return by_alias


def _of_scope(scope: Scope, log: Log) -> Dict[str, Predicates]:
    tables: Dict[str, Predicates] = {}
    for alias, source in scope.sources.items():
        if isinstance(source, exp.Table) and log.table(source.name):
            tables[alias.lower()] = Predicates(log.table(source.name))
    select = scope.expression
    _collect(select.args.get("where"), tables, log)
    for join in select.args.get("joins") or ():
        _collect(join.args.get("on"), tables, log)
        for using in join.args.get("using") or ():
            for asked in tables.values():
                _note(asked, using.name, asked.equal, log)
    return tables


def _collect(condition: Any, tables: Dict[str, Predicates], log: Log) -> None:
    """Collect the conditions that are joined by AND; those below OR or NOT narrow nothing by themselves."""
    if condition is None:
        return
    if isinstance(condition, (exp.Where, exp.Paren)):
        _collect(condition.this, tables, log)
    elif isinstance(condition, exp.And):
        _collect(condition.left, tables, log)
        _collect(condition.right, tables, log)
    elif isinstance(condition, (exp.EQ, exp.Is)):
        for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
            _take(side, _owners(other, tables, log), tables, log, ranged=False)
    elif isinstance(condition, exp.In):
        _take(condition.this, set(), tables, log, ranged=False)
    elif isinstance(condition, _RANGES):
        sides = [condition.this]
        if not isinstance(condition, exp.Between):
            sides.append(condition.expression)
        for side in sides:
            others = set().union(*(_owners(other, tables, log) for other in sides if other is not side))
            _take(side, others, tables, log, ranged=True)


def _take(side: Any, others: Set[str], tables: Dict[str, Predicates], log: Log, *, ranged: bool) -> None:
    """Note a column that is compared with something that is not of its own table."""
    if not isinstance(side, exp.Column):
        return
    for alias in _owners(side, tables, log) - others:
        asked = tables[alias]
        _note(asked, side.name, asked.ranged if ranged else asked.equal, log)


def _note(asked: Predicates, column: str, noted: List[str], log: Log) -> None:
    declared = next((name for name in log.columns(asked.table) if name.lower() == column.lower()), "")
    if declared:
        noted.append(declared)


def _owners(expression: Any, tables: Dict[str, Predicates], log: Log) -> Set[str]:
    """The aliases of the tables whose columns an expression names."""
    owners = set()
    for column in expression.find_all(exp.Column):
        if column.table:
            if column.table.lower() in tables:
                owners.add(column.table.lower())
            continue
        for alias, asked in tables.items():
            if column.name.lower() in (name.lower() for name in log.columns(asked.table)):
                owners.add(alias)
    return owners
