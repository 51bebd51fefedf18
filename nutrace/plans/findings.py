"""The plans of a run's statements, and the indexes that would save the run the most time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from nutrace.analysis.database import Database, Executions, Statement, Use
from nutrace.errors import InputError
from nutrace.plans.advice import Advice, Explained
from nutrace.plans.planner import Planner

_WORTH = 0.01  # of the run's time in statements: an index that saves less is not advised


@dataclass(frozen=True)
class Plan:
    """One statement on one database."""

    statement: Statement
    use: Use
    explained: Explained


@dataclass(frozen=True)
class SavedBy:
    """What an index saves of one statement on one database: ns in the run, and in its steps.

    This is an estimate: the part of the statement's time that is proportional to the rows that it reads, for
    the rows no longer read.
    """

    statement: str
    saved_ns: int
    saved_in_steps_ns: int
    use: Use


@dataclass(frozen=True)
class Index:
    """An index that is advised.

    Attributes
    ----------
    database, advice:
        The file to make it in, and the index.
    parts:
        What it saves, for each statement that would use it.
    """

    database: str
    advice: Advice
    parts: Tuple[SavedBy, ...]

    @property
    def statements(self) -> Tuple[str, ...]:
        """Hashes of the statements that would use it."""
        return tuple(part.statement for part in self.parts)

    @property
    def saved_ns(self) -> int:
        """Estimate of the time that it saves in the run."""
        return sum(part.saved_ns for part in self.parts)

    @property
    def saved_in_steps_ns(self) -> int:
        """Estimate of the time that it saves in the steps."""
        return sum(part.saved_in_steps_ns for part in self.parts)


@dataclass(frozen=True)
class Findings:
    """All plans, in the order of the statements, and the indexes, the best first.

    ``advised_on`` says whether indexes were looked for.
    """

    plans: Tuple[Plan, ...]
    indexes: Tuple[Index, ...]
    notes: Tuple[str, ...]
    advised_on: bool

    def of(self, statement: Statement) -> Tuple[Plan, ...]:
        """The plans of one statement."""
        return tuple(plan for plan in self.plans if plan.statement.statement == statement.statement)

    def advised(self, statement: Statement) -> Tuple[Index, ...]:
        """The indexes for one statement."""
        return tuple(index for index in self.indexes if statement.statement in index.statements)


def examine(
    database: Database,
    *,
    databases: Sequence[str] = (),
    advise: bool = True,
    progress: Optional[Callable[[int, int], None]] = None,
) -> Findings:
    """Plan each query on each SQLite file where it ran; nothing is written.

    What the run says is planned in another process, see :mod:`nutrace.plans.planner`.

    Parameters
    ----------
    database:
        The statements of the run.
    databases:
        Files on which to plan all statements instead, whether they ran there or not. The time of a
        statement on one file is taken for that on another.
    advise:
        Look for indexes.
    progress:
        Called with the number of plans made so far, and of all plans.

    Raises
    ------
    MissingDependencyError
        If indexes are to be advised and the SQL parser is not installed.
    """
    wanted = [
        (statement, use)
        for statement in database.statements
        for use in _uses(statement, databases)
        if statement.text and statement.system == "sqlite" and use.database and use.database != ":memory:"
    ]
    plans: List[Plan] = []
    notes: Dict[str, None] = {}
    unreadable = set()
    with Planner(advise=advise) as planner:
        for number, (statement, use) in enumerate(wanted):
            if use.database not in unreadable:
                try:
                    plans.append(Plan(statement, use, planner.explain(statement.text, use.database)))
                except InputError as error:
                    unreadable.add(use.database)
                    notes[f"no plans: {error}"] = None
            if progress is not None:
                progress(number + 1, len(wanted))
    if any(not statement.text for statement in database.statements):
        notes["no plans of statements whose text the run did not record (NUTRACE_SQL_TEXT=off)"] = None
    return Findings(tuple(plans), _indexes(database, plans), tuple(notes), advise)


def _uses(statement: Statement, databases: Sequence[str]) -> Sequence[Use]:
    if not databases:
        return statement.uses
    own = {use.database: use for use in statement.uses}
    return [own.get(path, Use(path, statement.all, statement.in_steps)) for path in databases]


def _indexes(database: Database, plans: List[Plan]) -> Tuple[Index, ...]:
    floor = _floor(plans)
    merged: Dict[Tuple[str, str], Index] = {}
    for plan in plans:
        scanned = sum(scan.rows for scan in plan.explained.scans) or 1
        for advice in plan.explained.advice:
            spared = max(1 - advice.rows_after / max(advice.rows, 1), 0.0) * advice.rows / scanned
            key = (plan.use.database, advice.ddl)
            before = merged.get(key)
            part = SavedBy(
                plan.statement.statement,
                _saved(plan.use.all, floor, spared),
                _saved(plan.use.in_steps, floor, spared),
                plan.use,
            )
            merged[key] = Index(plan.use.database, advice, (*(before.parts if before else ()), part))
    least = _WORTH * database.all.total_ns
    worth = [index for index in merged.values() if index.saved_ns >= max(least, 1)]
    return tuple(sorted(worth, key=lambda index: (-index.saved_ns, index.advice.ddl)))


def _saved(executions: Executions, floor: float, spared: float) -> int:
    return int(max(executions.total_ns - executions.count * floor, 0.0) * spared)


def _floor(plans: List[Plan]) -> float:
    """The time of an execution without a scan, in ns: the mean of the cheapest such statement."""
    means = [
        plan.use.all.total_ns / plan.use.all.count
        for plan in plans
        if plan.use.all.count and plan.explained.plan and not plan.explained.scans
    ]
    return min(means, default=0.0)
