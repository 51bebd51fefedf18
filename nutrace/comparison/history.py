"""A history: runs of one program over its revisions, reduced to the figures that a dashboard shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from nutrace.comparison.circumstances import Circumstances, circumstances
from nutrace.comparison.figures import RunFigures
from nutrace.percentiles import weighted_percentiles

MS = 1e6

#: Counts that depend on the program alone.
EXACT = ("database.statements_per_step", "database.connections_per_step", "deepcopy.root_calls_per_step")
#: When the collector runs depends on more than the program.
COLLECTIONS = "gc.collections_per_step"
COUNTS = (*EXACT, COLLECTIONS)

#: The figures of a run, with their labels. Times are in ms.
FIGURES: Mapping[str, str] = {
    "steps.p50_ms": "step time, median",
    "steps.p95_ms": "step time, 95th percentile",
    "steps.mean_ms": "step time, mean",
    "steps.realtime_factor": "real-time factor",
    "database.statements_per_step": "statements per step",
    "database.connections_per_step": "connections per step",
    "deepcopy.root_calls_per_step": "deep copies per step",
    COLLECTIONS: "collections per step",
}


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


def history_run(run: RunFigures) -> HistoryRun:
    """Reduce a run to what a history shows of it: the figures are those of the report."""
    times = [time for scenario in run.scenarios for time in scenario.total_ns]
    count = max(len(times), 1)
    mean_ms = sum(times) / count / MS
    p50, p95 = weighted_percentiles([(time, 1) for time in times], (50, 95))
    figures: Dict[str, Optional[float]] = {
        "steps.p50_ms": p50 / MS,
        "steps.p95_ms": p95 / MS,
        "steps.mean_ms": mean_ms,
        "steps.realtime_factor": mean_ms / 1e3 / run.interval_s if run.interval_s else None,
        COLLECTIONS: _collections(run, count),
    }
    figures.update({name: run.counts.get(name) for name in EXACT})
    components: Dict[str, float] = {}
    for scenario in run.scenarios:
        for name, self_ns in scenario.self_ns.items():
            components[name] = components.get(name, 0.0) + sum(self_ns) / MS / count
    identity = run.identity
    return HistoryRun(
        file=identity.file,
        run_id=identity.run_id,
        revision=identity.revision,
        branch=identity.branch,
        began_ns=identity.begin_ns,
        circumstances=circumstances(run),
        steps=len(times),
        figures=figures,
        components=components,
    )


def _collections(run: RunFigures, steps: int) -> Optional[float]:
    known = [run.counts.get(f"gc.{kind}_in_steps") for kind in ("young", "full")]
    numbers = [number for number in known if number is not None]
    return sum(numbers) / steps if numbers else None


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
    ways = 1  # in which at most k values fall on one side, of 2**count
    k, confidence = 0, 1 - 2 / 2**count
    while 2 * (k + 1) < count:
        ways += comb(count, k + 1)
        wider = 1 - 2 * (ways / 2**count)
        if wider < 0.95:
            break
        k, confidence = k + 1, wider
    return Spread(count, median(known), known[k], known[count - 1 - k], confidence)
