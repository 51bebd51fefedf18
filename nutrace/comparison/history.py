"""A history: runs of one program over its revisions, reduced to the figures that a dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis import report
from nutrace.analysis.attributes import text
from nutrace.comparison.circumstances import Circumstances, circumstances
from nutrace.trace import Trace

MS = 1e6

#: The figures of a run, and what they are called for people. Times are in ms.
FIGURES: Mapping[str, str] = {
    "steps.p50_ms": "step time, median",
    "steps.p95_ms": "step time, 95th percentile",
    "steps.mean_ms": "step time, mean",
    "steps.realtime_factor": "real-time factor",
    "database.statements_per_step": "statements per step",
    "database.connections_per_step": "connections per step",
    "deepcopy.calls_per_step": "deep copies per step",
    "gc.collections_per_step": "collections per step",
}
#: Those that count something.
COUNTS = tuple(name for name in FIGURES if name.endswith("_per_step"))


@dataclass(frozen=True)
class HistoryRun:
    """One run of a history.

    Attributes
    ----------
    file:
        Path of its run file.
    run_id:
        The same in copies of the file; "" if the file has none.
    revision, branch:
        The commit and the branch that were checked out, "" if unknown.
    began_ns:
        When its first span began, Unix ns.
    circumstances:
        What has to be equal for two runs to be comparable.
    steps:
        Number of finished steps.
    figures:
        By the names of :data:`FIGURES`; None where the run did not record it.
    components:
        Self time of each component in the steps, in ms a step. They sum to ``steps.mean_ms``.
    """

    file: str
    run_id: str
    revision: str
    branch: str
    began_ns: int
    circumstances: Circumstances
    steps: int
    figures: Mapping[str, Optional[float]]
    components: Mapping[str, float]


@dataclass(frozen=True)
class Revision:
    """The runs of one revision in a series, by time. A run without a revision stands alone."""

    revision: str
    runs: Tuple[HistoryRun, ...]

    @property
    def branch(self) -> str:
        """The branch of the last run."""
        return self.runs[-1].branch

    @property
    def began_ns(self) -> int:
        """When the first run began."""
        return self.runs[0].began_ns

    def spread(self, figure: str) -> Optional[Spread]:
        """One figure over the runs; None if no run has it."""
        return spread(run.figures.get(figure) for run in self.runs)

    def component_means(self) -> Dict[str, float]:
        """Self time of the components in ms a step, the mean of the runs: means add up, medians do not."""
        names = {name for run in self.runs for name in run.components}
        return {
            name: sum(run.components.get(name, 0.0) for run in self.runs) / len(self.runs)
            for name in sorted(names)
        }


@dataclass(frozen=True)
class Series:
    """The revisions that were run in the same circumstances, in the order of their first runs."""

    circumstances: Circumstances
    revisions: Tuple[Revision, ...]

    @property
    def runs(self) -> Tuple[HistoryRun, ...]:
        """All runs, in the order of the revisions."""
        return tuple(run for revision in self.revisions for run in revision.runs)


@dataclass(frozen=True)
class Spread:
    """A figure over several runs: their median, and an interval for it.

    ``low`` and ``high`` are two of the runs. ``confidence`` is the probability that the true median lies
    between them: at least 0.95 from six runs on; of fewer runs they are the lowest and the highest, and of
    one run there is no interval.
    """

    runs: int
    middle: float
    low: Optional[float] = None
    high: Optional[float] = None
    confidence: Optional[float] = None


def history_run(trace: Trace) -> HistoryRun:
    """Reduce a run to what a history shows of it."""
    told = report(trace)
    steps, work, collected = told.steps, told.work, told.collections
    count = max(steps.count, 1)
    figures: Dict[str, Optional[float]] = {
        "steps.p50_ms": steps.p50_ns / MS,
        "steps.p95_ms": steps.p95_ns / MS,
        "steps.mean_ms": steps.mean_ns / MS,
        "steps.realtime_factor": steps.realtime_factor,
        "database.statements_per_step": None if work.statements is None else work.statements.count / count,
        "database.connections_per_step": None if work.connections is None else work.connections / count,
        "deepcopy.calls_per_step": None if work.deep_copies is None else work.deep_copies.root_calls / count,
        "gc.collections_per_step": None
        if collected is None
        else (collected.young_in_steps.count + collected.full_in_steps.count) / count,
    }
    first = trace.resources[0].attributes if trace.resources else {}
    return HistoryRun(
        file=trace.path,
        run_id=text(first, semconv.RUN_ID),
        revision=text(first, semconv.REVISION),
        branch=text(first, semconv.BRANCH),
        began_ns=trace.begin_ns,
        circumstances=circumstances(trace, told.run.command),
        steps=steps.count,
        figures=figures,
        components={cost.component: cost.self_ns / MS / count for cost in told.components},
    )


def series_of(runs: Iterable[HistoryRun]) -> Tuple[Series, ...]:
    """Divide runs into series, that of the latest run first. No line joins runs of two series."""
    by_circumstances: Dict[Circumstances, List[HistoryRun]] = {}
    for run in sorted(runs, key=lambda run: (run.began_ns, run.file)):
        by_circumstances.setdefault(run.circumstances, []).append(run)
    latest = sorted(by_circumstances.items(), key=lambda item: -item[1][-1].began_ns)
    return tuple(Series(shared, _revisions(members)) for shared, members in latest)


def _revisions(runs: Sequence[HistoryRun]) -> Tuple[Revision, ...]:
    by_revision: Dict[str, List[HistoryRun]] = {}
    for run in runs:
        by_revision.setdefault(run.revision or f"without revision: {run.file}", []).append(run)
    return tuple(Revision(members[0].revision, tuple(members)) for members in by_revision.values())


def spread(values: Iterable[Optional[float]]) -> Optional[Spread]:
    """The median of values and its interval by order statistics; None if no value is known.

    The interval needs no assumption on how the values are distributed: the true median lies between the
    k-th lowest and the k-th highest value unless fewer than k values fall on one side of it.
    """
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    count = len(known)
    if count == 1:
        return Spread(1, known[0])
    beyond = 0.0  # the probability that fewer than k + 1 values fall on one side
    k, confidence = 0, 1 - 2 * 0.5**count
    while 2 * (k + 1) < count:
        beyond = sum(comb(count, below) for below in range(k + 2)) * 0.5**count
        if 1 - 2 * beyond < 0.95:
            break
        k, confidence = k + 1, 1 - 2 * beyond
    return Spread(count, median(known), known[k], known[count - 1 - k], confidence)
