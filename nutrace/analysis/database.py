"""What the database really does: statements, repeats, connections, per step and over the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Set, Tuple

from nutrace.analysis.asked_by import Caller, Callers
from nutrace.analysis.connections import Connections, Transactions, connections, transactions
from nutrace.analysis.executions import Batch, batches
from nutrace.analysis.regions import Regions, divide
from nutrace.analysis.watched import was_watched
from nutrace.trace import Trace

_TARGETS = ("sqlite3:connect", "sqlite3.dbapi2:connect")
_MANY = 5  # executions in one step, each with parameters of its own, that look like a loop


@dataclass(frozen=True)
class Executions:
    """Executions, the rows that they returned, and their time in ns: execute and fetch."""

    count: int = 0
    rows: int = 0
    total_ns: int = 0


@dataclass(frozen=True)
class Use:
    """What one database (a file, for SQLite) has of a statement: over the run, and set off by steps."""

    database: str
    all: Executions
    in_steps: Executions


@dataclass(frozen=True)
class Loop:
    """One caller, one statement, many parameters within a step: what is known as N+1.

    ``steps`` have it, with ``executions`` in all of them. A batch would take one execution a step;
    ``saved_ns`` is the least that any of these executions took, for each of the others: the cost of
    asking, without that of the rows.
    """

    statement: str
    text: str
    caller: Caller
    steps: int
    executions: int
    saved_ns: int


@dataclass(frozen=True)
class Statement:
    """All executions of one statement.

    Attributes
    ----------
    statement, text:
        Hash of the normalised text, and that text ("" under NUTRACE_SQL_TEXT=off).
    callers:
        Each with its number of executions, the busiest first.
    uses:
        Its executions on each database, the one with most of their time first.
    component:
        The callers' that executes it most.
    all, in_steps:
        Over the run; and of it, what steps set off.
    distinct:
        Different sets of parameters, files apart. Executions whose parameters are not known count
        as different.
    repeated, repeated_ns:
        Executions with the parameters of an earlier one, and their time: the most that a cache of
        results could save.
    repeated_in_step, repeated_in_step_ns:
        The same for an earlier one of the same step.
    """

    statement: str
    text: str
    operation: str
    system: str
    uses: Tuple[Use, ...]
    callers: Tuple[Tuple[Caller, int], ...]
    component: str
    all: Executions
    in_steps: Executions
    distinct: int
    repeated: int
    repeated_ns: int
    repeated_in_step: int
    repeated_in_step_ns: int
    execute_ns: int
    fetch_ns: int


@dataclass(frozen=True)
class Database:
    """All of a trace's work with databases.

    ``statements`` begin with the costliest, ``loops`` with what would save most. ``steps`` is how
    many steps finished, ``steps_ns`` their time, ``recorded`` whether any process of the run looked at
    sqlite3 at all.
    """

    steps: int
    steps_ns: int
    recorded: bool
    all: Executions
    in_steps: Executions
    connections: Connections
    transactions: Transactions
    statements: Tuple[Statement, ...]
    loops: Tuple[Loop, ...]

    @property
    def repeated(self) -> int:
        """Executions that repeat an earlier one."""
        return sum(statement.repeated for statement in self.statements)

    @property
    def repeated_in_step(self) -> int:
        """Executions that repeat an earlier one of their step."""
        return sum(statement.repeated_in_step for statement in self.statements)

    @property
    def repeated_in_step_ns(self) -> int:
        """Their time."""
        return sum(statement.repeated_in_step_ns for statement in self.statements)

    @property
    def repeated_ns(self) -> int:
        """Their time."""
        return sum(statement.repeated_ns for statement in self.statements)


@dataclass
class _Account:
    """What is added up for one statement."""

    first: Batch
    callers: Dict[Caller, int] = field(default_factory=dict)
    totals: Dict[Tuple[str, bool], List[int]] = field(default_factory=dict)
    execute_ns: int = 0
    fetch_ns: int = 0
    seen: Set[Tuple[str, str]] = field(default_factory=set)
    seen_in_step: Set[Tuple[int, str, str]] = field(default_factory=set)
    distinct: int = 0
    repeated: List[int] = field(default_factory=lambda: [0, 0])
    repeated_in_step: List[int] = field(default_factory=lambda: [0, 0])
    loops: Dict[Tuple[Caller, int], Tuple[Set[str], List[int]]] = field(default_factory=dict)


def database(trace: Trace, regions: Optional[Regions] = None) -> Database:
    """Add up the work with databases; `regions` are the trace's, if they are known."""
    regions = divide(trace) if regions is None else regions
    step_of = _step_of(trace, regions)
    accounts: Dict[str, _Account] = {}
    callers = Callers(trace, regions)
    for batch in batches(trace):
        account = accounts.get(batch.statement)
        if account is None:
            account = accounts[batch.statement] = _Account(batch)
        elif batch.text and not account.first.text:
            account.first = batch  # a fetch came first, which does not know its statement's text
        _add(account, batch, step_of[batch.span], callers.of(batch.span))
    statements = sorted(
        (_statement(account) for account in accounts.values()),
        key=lambda statement: (-statement.all.total_ns, statement.statement),
    )
    loops = sorted(
        (loop for account in accounts.values() for loop in _loops(account)),
        key=lambda loop: (-loop.saved_ns, loop.statement, repr(loop.caller)),
    )
    opened = connections(trace, regions)
    return Database(
        steps=len(regions.steps),
        steps_ns=sum(trace.busy_ns[step] for step in regions.steps),
        recorded=bool(accounts) or bool(opened.opened) or was_watched(trace, _TARGETS),
        all=_sum(statement.all for statement in statements),
        in_steps=_sum(statement.in_steps for statement in statements),
        connections=opened,
        transactions=transactions(trace),
        statements=tuple(statements),
        loops=tuple(loops),
    )


def _step_of(trace: Trace, regions: Regions) -> List[int]:
    """For each span the step that it lies in or was set off by; -1 outside."""
    found = [-1] * len(trace)
    for step in regions.steps:
        end = trace.subtree_end[step]
        found[step:end] = [step] * (end - step)
    return found


def _add(account: _Account, batch: Batch, step: int, caller: Caller) -> None:
    runs = len(batch.took_ns) * batch.runs
    totals = account.totals.setdefault((batch.database, step >= 0), [0, 0, 0])
    totals[0] += runs
    totals[1] += batch.rows
    totals[2] += batch.execute_ns + batch.fetch_ns
    account.execute_ns += batch.execute_ns
    account.fetch_ns += batch.fetch_ns
    if runs:
        account.callers[caller] = account.callers.get(caller, 0) + runs
    for took, parameters in zip(batch.took_ns, batch.parameters):
        if parameters is None:
            account.distinct += batch.runs
            continue
        asked = (batch.database, parameters)
        if asked in account.seen:
            account.repeated[0] += batch.runs
            account.repeated[1] += took
        else:
            account.seen.add(asked)
            account.distinct += batch.runs
        if step >= 0:
            asked_here = (step, *asked)
            if asked_here in account.seen_in_step:
                account.repeated_in_step[0] += batch.runs
                account.repeated_in_step[1] += took
            account.seen_in_step.add(asked_here)
            different, times = account.loops.setdefault((caller, step), (set(), []))
            different.add(parameters)
            times.append(took)


def _statement(account: _Account) -> Statement:
    first = account.first
    uses = [_use(account, database) for database in {database for database, _ in account.totals}]
    by_component: Counter[str] = Counter()
    for caller, count in account.callers.items():
        by_component[caller.component] += count
    return Statement(
        statement=first.statement,
        text=first.text,
        operation=first.operation,
        system=first.system,
        uses=tuple(sorted(uses, key=lambda use: (-use.all.total_ns, use.database))),
        callers=tuple(sorted(account.callers.items(), key=lambda item: (-item[1], repr(item[0])))),
        component=max(by_component, key=lambda name: (by_component[name], name), default="other"),
        all=_sum(use.all for use in uses),
        in_steps=_sum(use.in_steps for use in uses),
        distinct=account.distinct,
        repeated=account.repeated[0],
        repeated_ns=account.repeated[1],
        repeated_in_step=account.repeated_in_step[0],
        repeated_in_step_ns=account.repeated_in_step[1],
        execute_ns=account.execute_ns,
        fetch_ns=account.fetch_ns,
    )


def _use(account: _Account, name: str) -> Use:
    inside = Executions(*account.totals.get((name, True), ()))
    outside = Executions(*account.totals.get((name, False), ()))
    return Use(name, _sum((inside, outside)), inside)


def _loops(account: _Account) -> Iterable[Loop]:
    found: Dict[Caller, List[int]] = {}
    for (caller, _), (different, times) in account.loops.items():
        if len(different) >= _MANY:
            entry = found.setdefault(caller, [0, 0, 0])
            entry[0] += 1
            entry[1] += len(times)
            entry[2] += (len(times) - 1) * min(times)
    first = account.first
    return [Loop(first.statement, first.text, caller, *numbers) for caller, numbers in found.items()]


def _sum(parts: Iterable[Executions]) -> Executions:
    count = rows = total_ns = 0
    for part in parts:
        count += part.count
        rows += part.rows
        total_ns += part.total_ns
    return Executions(count, rows, total_ns)
