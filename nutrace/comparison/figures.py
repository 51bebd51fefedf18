"""What comparing needs of one run: small enough to keep many runs in memory at once."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from nutrace.trace.correction import UNCORRECTED


@dataclass(frozen=True)
class RunIdentity:
    """Which run it is, and what it was made with; texts are "" where the file does not say.

    Attributes
    ----------
    file, run_id, begin_ns:
        The run file, the id that nutrace gave to the run, and the start of its first span in Unix ns.
    command, host, machine, interpreter:
        Command line, host name, "Linux x86_64", "cpython 3.11.7".
    nutrace, devkit, revision:
        Versions, and the git revision of the folder in which the run was started.
    settings:
        nutrace's settings that change what is recorded, such as its level.
    speedups:
        Those that were switched on: name, and their options as text.
    load:
        Load average of the machine when the run began, for each of its cores; None if it was not recorded.
    complete, running:
        Whether the run ended by itself, and whether it goes on.
    doubts:
        Sentences on what was lost, or had to be mended to read the file.
    branch:
        The git branch that was checked out.
    times:
        Whether nutrace's own time was taken out: a state of :mod:`nutrace.trace.correction`.
    """

    file: str
    run_id: str
    begin_ns: int
    command: str
    host: str
    machine: str
    interpreter: str
    nutrace: str
    devkit: str
    revision: str
    settings: Mapping[str, Any]
    speedups: Mapping[str, str]
    load: Optional[float]
    complete: bool
    running: bool
    doubts: Tuple[str, ...] = ()
    branch: str = ""
    times: str = UNCORRECTED


@dataclass(frozen=True)
class SpanPath:
    """The names of the spans from the step down to a span, both included; in a run without steps from a
    root. ``component`` is the span's."""

    names: Tuple[str, ...]
    component: str


@dataclass(frozen=True)
class PathCost:
    """The spans of one path in the steps of one scenario.

    ``self_ns`` is their self time, ``usual_ns`` the same without the slowest twentieth of the steps: one
    pause does not change it.
    """

    calls: int
    self_ns: int
    usual_ns: int


@dataclass(frozen=True)
class ScenarioFigures:
    """The finished steps of one scenario.

    Attributes
    ----------
    name:
        Its token, with its attempt where the same was simulated again; the same in all runs.
    kind, log, planner, outcome:
        As in :class:`nutrace.trace.addresses.Scenario`; "" if unknown.
    iterations, total_ns:
        Of each step its iteration, which is unique, and its time.
    self_ns:
        For each component the self time in each step; these sum to ``total_ns``.
    paths:
        Costs by the number of their path in :attr:`RunFigures.paths`.
    """

    name: str
    kind: str
    log: str
    planner: str
    outcome: str
    iterations: array[int]
    total_ns: array[int]
    self_ns: Mapping[str, array[int]]
    paths: Mapping[int, PathCost]


@dataclass(frozen=True)
class StatementFigures:
    """One statement of a run.

    ``executions`` and ``rows`` are those of the steps, in a run without steps all; so is ``total_ns``, the
    time in the database. ``rows`` is None if unknown.
    """

    text: str
    executions: int
    rows: Optional[int]
    total_ns: int


@dataclass(frozen=True)
class RunFigures:
    """One run.

    Attributes
    ----------
    identity:
        Which run.
    steps:
        Number of finished steps; 0 in traces of other programs: times and counts are then those of the run.
    counts:
        Exact figures by name; None where nothing was recorded.
    times:
        Times by name that are not those of single steps, in the unit that the name ends with.
    interval_s:
        Seconds that a step simulates, on average; None if unknown.
    scenarios:
        The scenarios, in the order of their start.
    paths:
        Span paths on the steps' own threads; in a run without steps, of all spans.
    path_costs:
        In a run without steps, the costs of its paths. Empty in others: they have them by scenario.
    statements:
        By the hash of their text; those with the most time.
    """

    identity: RunIdentity
    steps: int
    counts: Mapping[str, Optional[float]]
    times: Mapping[str, float]
    interval_s: Optional[float]
    scenarios: Tuple[ScenarioFigures, ...]
    paths: Tuple[SpanPath, ...]
    path_costs: Mapping[int, PathCost] = field(default_factory=dict)
    statements: Mapping[str, StatementFigures] = field(default_factory=dict)


def absent(count: str) -> Optional[float]:
    """What a count is that a run does not have: a component without calls has none."""
    return 0.0 if count.startswith("components.") else None
