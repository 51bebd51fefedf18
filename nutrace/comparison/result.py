"""What a comparison says; the terminal, JSON, Markdown, the page and the gates show the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Mapping, Optional, Tuple


class Kind(str, Enum):
    """What a figure is made of: counts are exact, times scatter from run to run."""

    COUNT = "count"
    TIME = "time"


class Verdict(str, Enum):
    """What a difference means.

    Counts are equal, fewer or more. Times are faster or slower if the change is larger
    than chance and the least effect; the same if its interval lies within the least effect; else undecided.
    With fewer than five runs on a side they are always undecided.
    """

    EQUAL = "equal"
    FEWER = "fewer"
    MORE = "more"
    FASTER = "faster"
    SLOWER = "slower"
    SAME = "same"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Judged:
    """One figure on both sides.

    Attributes
    ----------
    figure:
        Its name, by which ``--fail-if`` knows it: ``steps.p50_ms``, ``database.statements_per_step``,
        ``components.planner.self_ms_per_step``.
    base, new:
        The figure of each side: for times the median of its runs; None if a side does not have it.
    change:
        ``(new - base) / base``; None if ``base`` is 0 or unknown: what is not there cannot grow by a share.
    low, high:
        The interval of 95 % of ``tested``; None for counts, and with one run on a side. It is that of one
        figure by itself: of 40 intervals, two miss. The verdicts allow for their number.
    verdict:
        What it means.
    runs_needed:
        For an undecided time, how many more runs a side would probably decide; None if unknown, or if no
        number of runs would.
    varies:
        Whether the runs of a side differ in a count: ``base`` and ``new`` are then the medians of the runs.
        It is fewer or more only if each run of one side has less than each of the other, else undecided.
    difference_low, difference_high:
        For a time whose ``base`` is 0, the interval of ``new - base``, in the figure's unit; else None.
    tested:
        The change by which a time is judged: the quotient of the geometric means of both sides' runs, minus
        1. It differs from ``change``, which is that of medians, and more so where it is that of usual steps.
        None where ``change`` is.
    tested_of:
        "usual": a run's time is that of its usual steps, each compared with the same step of the other runs,
        so that single pauses do not count (:mod:`nutrace.comparison.pairing`). "mean": it is the figure
        itself, as there is no usual step, or only the mean over all steps changed. "" if nothing is tested.
    """

    figure: str
    kind: Kind
    base: Optional[float]
    new: Optional[float]
    change: Optional[float]
    low: Optional[float]
    high: Optional[float]
    verdict: Verdict
    runs_needed: Optional[int] = None
    varies: bool = False
    difference_low: Optional[float] = None
    difference_high: Optional[float] = None
    tested: Optional[float] = None
    tested_of: str = ""


@dataclass(frozen=True)
class PathChange:
    """The self time per step of the spans of one path: the names of the spans from the step down to a span.

    In runs without steps, paths begin at the roots, and times are those of a run.

    Attributes
    ----------
    base_ms_per_step, new_ms_per_step:
        The median of each side's runs.
    change_ms_per_step:
        ``new_ms_per_step - base_ms_per_step``.
    tested_ms_per_step, low, high, tested_of:
        The change by which the path is judged, and its interval, in ms; as in :class:`Judged`.
    moved_from:
        The path that the cost came from (of several the costliest): the same cost under another name, or
        below another span, is no change. The times are then the sums of both paths, and the other one has
        no entry of its own. The verdict says whether the cost itself became larger or smaller.
    calls:
        The calls on this path, per step.
    runs_needed:
        As in :class:`Judged`.
    """

    path: Tuple[str, ...]
    component: str
    base_ms_per_step: float
    new_ms_per_step: float
    change_ms_per_step: float
    low: Optional[float]
    high: Optional[float]
    verdict: Verdict
    calls: Judged
    moved_from: Optional[Tuple[str, ...]] = None
    runs_needed: Optional[int] = None
    tested_ms_per_step: Optional[float] = None
    tested_of: str = ""


def path_figure(path: Tuple[str, ...], figure: str) -> str:
    """The name of a path's figure: ``paths.simulation.step/planner.compute.self_ms_per_step``."""
    return f"paths.{'/'.join(path)}.{figure}"


@dataclass(frozen=True)
class StatementChange:
    """One statement on both sides.

    Attributes
    ----------
    statement, text:
        Hash of its text, and the text ("" if it was not recorded).
    executions, rows:
        Counts per step, in runs without steps of the run; ``rows`` is None if unknown.
    time:
        Time in the database, in the same way.
    """

    statement: str
    text: str
    executions: Judged
    rows: Optional[Judged]
    time: Judged

    @property
    def figures(self) -> Tuple[Judged, ...]:
        """All its figures."""
        return tuple(filter(None, (self.executions, self.rows, self.time)))


@dataclass(frozen=True)
class SideFacts:
    """One side: its run files, and what they hold.

    ``warnings`` are reasons for doubt, such as another machine or load; ``times`` are the states of its runs
    (:mod:`nutrace.trace.correction`).
    """

    files: Tuple[str, ...]
    runs: int
    scenarios: int
    steps: int
    warnings: Tuple[str, ...] = ()
    times: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The comparison of two sides.

    Attributes
    ----------
    base, new:
        The two sides.
    paired:
        Whether times were paired by scenario and iteration, as both sides simulate the same.
    headline:
        Names of the figures of the table that people write by hand, in its order, with their labels; all of
        them are in ``judged``.
    judged:
        All figures, counts first.
    paths:
        Span paths, those that changed most first.
    gap_closed:
        The part of the gap to real time (factor 1.0) that the new side closes; None if there is no gap.
    unpaired:
        For each side, the names of the scenarios that the other does not have.
    statements:
        The statements of the database, those whose time changed most first.
    refusals:
        Why the sides should not be compared; empty if they may.
    drift:
        "faster" or "slower" if nearly all components are, and the sides were run one after the other: no time
        is then called that, as a machine with another load looks the same. Else None.
    """

    base: SideFacts
    new: SideFacts
    paired: bool
    headline: Mapping[str, str]
    judged: Tuple[Judged, ...]
    paths: Tuple[PathChange, ...]
    gap_closed: Optional[float]
    unpaired: Tuple[Tuple[str, ...], Tuple[str, ...]]
    refusals: Tuple[str, ...] = ()
    drift: Optional[Verdict] = None
    statements: Tuple[StatementChange, ...] = ()
