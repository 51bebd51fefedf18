"""What the database does: statements, repeats and connections, of the steps and of the run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Set, Tuple

from nutrace.analysis.connections import Connections, Transactions, connections, transactions
from nutrace.analysis.executions import Batch, batches
from nutrace.analysis.failures import error_of
from nutrace.analysis.origins import Origin, Origins
from nutrace.analysis.regions import Regions, divide, step_of
from nutrace.analysis.watched import was_watched
from nutrace.trace import Trace

_TARGETS = ("sqlite3:connect", "sqlite3.dbapi2:connect")
_MANY = 5  # so many different parameters in one step look like a loop


@dataclass(frozen=True)
class Executions:
    """Executions, the rows that they returned, and their time in ns: execute and fetch.

    ``rows`` is None if no execution's rows were recorded.
    """

    count: int = 0
    rows: Optional[int] = 0
    total_ns: int = 0


@dataclass(frozen=True)
class Use:
    """The executions of a statement on one database (for SQLite, a file): of the run, and of its steps."""

    database: str
    all: Executions
    in_steps: Executions


@dataclass(frozen=True)
class Loop:
    """One caller executes one statement with many parameters in a step: an N+1 query.

    ``steps`` have the loop, with ``executions`` in all of them together. A batch would take one execution
    a step. ``saved_ns`` estimates what it saves: for each execution but one the time of the fastest, which
    is the cost of a query without that of its rows.
    """

    statement: str
    text: str
    origin: Origin
    steps: int
    executions: int
    saved_ns: int


@dataclass(frozen=True)
class Statement:
    """All executions of one statement.

    Attributes
    ----------
    statement, text:
        Hash of the normalised text, and that text ("" with NUTRACE_SQL_TEXT=off).
    origins:
        Where the executions come from, with their number, the most frequent origin first.
    origins_ns:
        For each of the origins, the time of what it executed and fetched.
    uses:
        The executions on each database, the costliest first.
    component:
        The component that executes the statement most often.
    all, in_steps:
        Executions of the whole run, and those that steps set off.
    distinct:
        Different sets of parameters, counted for each database. Executions whose parameters are unknown
        count as different; if those of all are unknown, this and the repeats are None.
    repeated, repeated_ns:
        Executions with the parameters of an earlier one, and their time: the most that a cache of results
        could save.
    repeated_in_step, repeated_in_step_ns:
        The same, with an earlier one of the same step.
    failures:
        The errors with which executions ended, with their number, the most frequent first.
    """

    statement: str
    text: str
    operation: str
    system: str
    uses: Tuple[Use, ...]
    origins: Tuple[Tuple[Origin, int], ...]
    component: str
    all: Executions
    in_steps: Executions
    distinct: Optional[int]
    repeated: Optional[int]
    repeated_ns: Optional[int]
    repeated_in_step: Optional[int]
    repeated_in_step_ns: Optional[int]
    execute_ns: int
    fetch_ns: Optional[int]
    failures: Tuple[Tuple[str, int], ...] = ()
    origins_ns: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Database:
    """All of a trace's work with databases.

    ``statements`` begin with the costliest, ``loops`` with the one that a batch would save most in.
    ``steps`` is the number of finished steps, ``steps_ns`` their time. ``recorded`` says whether any process
    of the run recorded databases at all. ``connections``, and the repeats, are None if they were not
    recorded: other instrumentations have statements only.
    """

    steps: int
    steps_ns: int
    recorded: bool
    all: Executions
    in_steps: Executions
    connections: Optional[Connections]
    transactions: Transactions
    statements: Tuple[Statement, ...]
    loops: Tuple[Loop, ...]

    @property
    def repeated(self) -> Optional[int]:
        """Executions that repeat an earlier one."""
        return _known_sum(statement.repeated for statement in self.statements)

    @property
    def repeated_ns(self) -> Optional[int]:
        """The time of the executions that repeat an earlier one."""
        return _known_sum(statement.repeated_ns for statement in self.statements)

    @property
    def repeated_in_step(self) -> Optional[int]:
        """Executions that repeat an earlier one of their step."""
        return _known_sum(statement.repeated_in_step for statement in self.statements)

    @property
    def repeated_in_step_ns(self) -> Optional[int]:
        """The time of the executions that repeat an earlier one of their step."""
        return _known_sum(statement.repeated_in_step_ns for statement in self.statements)


class _Total:
    """:class:`Executions` while they are added up."""

    __slots__ = "count", "rows", "total_ns"

    def __init__(self) -> None:
        self.count = self.total_ns = 0
        self.rows: Optional[int] = None  # of those whose rows are known

    def add(self, count: int, rows: Optional[int], total_ns: int) -> None:
        """Add some executions."""
        self.count += count
        self.total_ns += total_ns
        if rows is not None:
            self.rows = rows if self.rows is None else self.rows + rows


@dataclass
class _Sums:
    """The sums over one statement's executions, while they are added up."""

    first: Batch
    origins: Dict[Origin, int] = field(default_factory=dict)
    origins_ns: Counter[Origin] = field(default_factory=Counter)
    totals: Dict[Tuple[str, bool], _Total] = field(default_factory=dict)
    execute_ns: int = 0
    fetch_ns: Optional[int] = None
    has_parameters: bool = False
    seen: Set[Tuple[str, str]] = field(default_factory=set)
    seen_in_step: Set[Tuple[int, str, str]] = field(default_factory=set)
    distinct: int = 0
    repeated: List[int] = field(default_factory=lambda: [0, 0])
    repeated_in_step: List[int] = field(default_factory=lambda: [0, 0])
    #: By origin and step, the executions with their parameters and times.
    asked: Dict[Tuple[Origin, int], List[Tuple[str, int]]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


def database(
    trace: Trace, regions: Optional[Regions] = None, executed: Optional[Iterable[Batch]] = None
) -> Database:
    """Add up the work with databases.

    Parameters
    ----------
    trace:
        A trace.
    regions, executed:
        How the trace is divided, and its executions, if they are known already.
    """
    regions = divide(trace) if regions is None else regions
    steps = step_of(trace, regions)
    by_statement: Dict[str, _Sums] = {}
    origins = Origins(trace, regions)
    for batch in batches(trace) if executed is None else executed:
        sums = by_statement.get(batch.statement)
        if sums is None:
            sums = by_statement[batch.statement] = _Sums(batch)
        elif batch.text and not sums.first.text:
            sums.first = batch  # the first was a fetch, which does not have its statement's text
        _add(sums, batch, steps[batch.span], origins.of(batch.span, batch.caller))
        error = error_of(trace, batch.span)
        if error:
            sums.failures[error] += 1
    statements = sorted(
        (_statement(sums) for sums in by_statement.values()),
        key=lambda statement: (-statement.all.total_ns, statement.statement),
    )
    loops = sorted(
        (loop for sums in by_statement.values() for loop in _loops(sums)),
        key=lambda loop: (-loop.saved_ns, loop.statement, repr(loop.origin)),
    )
    opened = connections(trace, regions, origins, watched=was_watched(trace, _TARGETS))
    return Database(
        steps=len(regions.steps),
        steps_ns=sum(trace.busy_ns[step] for step in regions.steps),
        recorded=bool(by_statement) or opened is not None,
        all=_sum(statement.all for statement in statements),
        in_steps=_sum(statement.in_steps for statement in statements),
        connections=opened,
        transactions=transactions(trace),
        statements=tuple(statements),
        loops=tuple(loops),
    )


def _add(sums: _Sums, batch: Batch, step: int, origin: Origin) -> None:
    runs = batch.calls * batch.runs
    key = batch.database, step >= 0
    total = sums.totals.get(key)
    if total is None:
        total = sums.totals[key] = _Total()
    total.add(runs, batch.rows, batch.total_ns)
    sums.execute_ns += batch.execute_ns
    if batch.fetch_ns is not None:
        sums.fetch_ns = (sums.fetch_ns or 0) + batch.fetch_ns
    sums.origins_ns[origin] += batch.total_ns
    if runs:
        sums.origins[origin] = sums.origins.get(origin, 0) + runs
    if not batch.parameters:
        sums.distinct += runs
        return
    sums.has_parameters = True
    for took, parameters in zip(batch.took_ns, batch.parameters):
        asked = (batch.database, parameters)
        if asked in sums.seen:
            sums.repeated[0] += batch.runs
            sums.repeated[1] += took
        else:
            sums.seen.add(asked)
            sums.distinct += batch.runs
        if step >= 0:
            asked_here = (step, *asked)
            if asked_here in sums.seen_in_step:
                sums.repeated_in_step[0] += batch.runs
                sums.repeated_in_step[1] += took
            sums.seen_in_step.add(asked_here)
            sums.asked.setdefault((origin, step), []).append((parameters, took))


def _statement(sums: _Sums) -> Statement:
    first = sums.first
    uses = [_use(sums, database) for database in {database for database, _ in sums.totals}]
    origins = sorted(sums.origins.items(), key=lambda item: (-item[1], repr(item[0])))
    by_component: Counter[str] = Counter()
    for origin, count in sums.origins.items():
        by_component[origin.component] += count
    return Statement(
        statement=first.statement,
        text=first.text,
        operation=first.operation,
        system=first.system,
        uses=tuple(sorted(uses, key=lambda use: (-use.all.total_ns, use.database))),
        origins=tuple(origins),
        origins_ns=tuple(sums.origins_ns[origin] for origin, _ in origins),
        component=max(by_component, key=lambda name: (by_component[name], name), default="other"),
        all=_sum(use.all for use in uses),
        in_steps=_sum(use.in_steps for use in uses),
        distinct=sums.distinct if sums.has_parameters else None,
        repeated=sums.repeated[0] if sums.has_parameters else None,
        repeated_ns=sums.repeated[1] if sums.has_parameters else None,
        repeated_in_step=sums.repeated_in_step[0] if sums.has_parameters else None,
        repeated_in_step_ns=sums.repeated_in_step[1] if sums.has_parameters else None,
        execute_ns=sums.execute_ns,
        fetch_ns=sums.fetch_ns,
        failures=tuple(sorted(sums.failures.items(), key=lambda item: (-item[1], item[0]))),
    )


def _use(sums: _Sums, name: str) -> Use:
    inside, outside = (
        Executions() if total is None else Executions(total.count, total.rows, total.total_ns)
        for total in (sums.totals.get((name, True)), sums.totals.get((name, False)))
    )
    return Use(name, _sum((inside, outside)), inside)


def _loops(sums: _Sums) -> Iterable[Loop]:
    by_origin: Dict[Origin, List[int]] = {}
    for (origin, _), asked in sums.asked.items():
        if len(asked) >= _MANY and len({parameters for parameters, _ in asked}) >= _MANY:
            times = [took for _, took in asked]
            entry = by_origin.setdefault(origin, [0, 0, 0])
            entry[0] += 1
            entry[1] += len(times)
            entry[2] += (len(times) - 1) * min(times)
    first = sums.first
    return [Loop(first.statement, first.text, origin, *numbers) for origin, numbers in by_origin.items()]


def _sum(parts: Iterable[Executions]) -> Executions:
    parts = [part for part in parts if part != Executions()]
    if not parts:
        return Executions()
    rows = _known_sum(part.rows for part in parts)
    return Executions(sum(part.count for part in parts), rows, sum(part.total_ns for part in parts))


def _known_sum(numbers: Iterable[Optional[int]]) -> Optional[int]:
    """The sum of the numbers that are known; None if none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
