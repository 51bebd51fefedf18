"""Where the figures of a series change: counts exactly, times where chance does not explain it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from nutrace.comparison.divisions import LEAST_SEARCHED, Divisible
from nutrace.comparison.history import EXACT, HistoryRun, Series
from nutrace.comparison.placing import Edge, placed

#: The smallest change of a time that is named, as a part of the step time.
LEAST_EFFECT = 0.01
#: The probability that a series without a change is said to have one, all its times together.
LEVEL = 0.05
#: The last runs of a series that are searched; the search takes the square of their number.
MOST_RUNS = 300

_STEP_FIGURES = ("steps.p50_ms", "steps.p95_ms")
#: A component with a smaller part of the step time is not searched.
_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class Change:
    """A figure that differs from one revision on.

    Attributes
    ----------
    figure:
        One of :data:`nutrace.comparison.history.FIGURES`, or ``components.NAME.self_ms_per_step``.
    revision:
        The first revision after the change, as a number in ``Series.revisions``.
    within:
        How many runs of that revision lie before the change. If there are any, its code is not the reason.
    before, after:
        Medians of the runs up to the neighbouring changes; of a count, the values of the two revisions.
    probability:
        How often chance divides the same runs as clearly when they are shuffled; None for a count.
    """

    figure: str
    revision: int
    within: int
    before: float
    after: float
    probability: Optional[float] = None

    @property
    def ratio(self) -> Optional[float]:
        """``(after - before) / before``; None if ``before`` is 0."""
        return (self.after - self.before) / self.before if self.before else None


def changes(series: Series) -> Tuple[Change, ...]:
    """The changes of a series: those of counts, then those of times, each by revision.

    Times are judged together (Holm), so that a series without any change has none with a probability of 95 %.

    Raises
    ------
    MissingDependencyError
        If there are runs enough to search, and ruptures is not installed.
    """
    return (*_count_changes(series), *_time_changes(series))


def component_figure(component: str) -> str:
    """The name of the figure that is a component's self time per step."""
    return f"components.{component}.self_ms_per_step"


def causes(change: Change, others: Sequence[Change]) -> Mapping[str, float]:
    """The components that change where a step time does: by how many ms a step, the largest first."""
    parts = {
        other.figure.split(".")[1]: other.after - other.before
        for other in others
        if other.figure.startswith("components.")
        and (other.revision, other.within) == (change.revision, change.within)
    }
    return dict(sorted(parts.items(), key=lambda item: -abs(item[1])))


def _count_changes(series: Series) -> List[Change]:
    """Counts that are the same in all runs of a revision, and others in the next one."""
    found = []
    for figure in EXACT:
        exact = [{run.figures.get(figure) for run in revision.runs} for revision in series.revisions]
        for place, (earlier, later) in enumerate(zip(exact, exact[1:]), 1):
            if len(earlier) == len(later) == 1 and earlier != later:
                (before,), (after,) = earlier, later
                if before is not None and after is not None:
                    found.append(Change(figure, place, 0, before, after))
    return sorted(found, key=lambda change: change.revision)


def _time_changes(series: Series) -> List[Change]:
    skipped = max(len(series.runs) - MOST_RUNS, 0)
    runs = series.runs[skipped:]
    if len(runs) < LEAST_SEARCHED:
        return []
    columns = _columns(runs)
    divisible = {figure: Divisible(values) for figure, values in columns.items()}
    judged = sorted(divisible, key=lambda figure: divisible[figure].probability)
    edges: List[Edge] = []
    for place, figure in enumerate(judged):
        level = LEVEL / (len(judged) - place)
        if divisible[figure].probability > level:
            break
        breaks = [0, *divisible[figure].breaks(level), len(runs)]
        edges += [Edge(figure, *around) for around in zip(breaks, breaks[1:], breaks[2:])]
    starts = _starts(series, skipped)
    places: Dict[str, List[int]] = {}
    for edge in placed(edges, columns, starts):
        places.setdefault(edge.figure, []).append(edge.at)
    order = {figure: place for place, figure in enumerate(columns)}
    found = []
    for figure in sorted(places, key=order.__getitem__):
        values = columns[figure]
        step_ms = median(values if figure in _STEP_FIGURES else columns["steps.p50_ms"])
        for run, before, after in _large_enough(values, sorted(places[figure]), LEAST_EFFECT * step_ms):
            revision = max(number for number, start in enumerate(starts) if start <= run)
            within = run - starts[revision]
            probability = divisible[figure].probability
            found.append(Change(figure, revision, within, before, after, probability))
    return sorted(found, key=lambda change: (change.revision, change.within))


def _columns(runs: Sequence[HistoryRun]) -> Dict[str, List[float]]:
    """The times that are searched, a value for each run."""
    columns = {figure: [run.figures[figure] or 0.0 for run in runs] for figure in _STEP_FIGURES}
    whole = sum(run.figures["steps.mean_ms"] or 0.0 for run in runs)
    for name in sorted({name for run in runs for name in run.components}):
        values = [run.components.get(name, 0.0) for run in runs]
        if sum(values) >= _LEAST_SHARE * whole:
            columns[component_figure(name)] = values
    return columns


def _starts(series: Series, skipped: int) -> List[int]:
    """For each revision the number of its first run, of those that are searched; less than 0 before these."""
    starts, run = [], -skipped
    for revision in series.revisions:
        starts.append(run)
        run += len(revision.runs)
    return starts


def _large_enough(
    values: Sequence[float], breaks: Sequence[int], least: float
) -> List[Tuple[int, float, float]]:
    """Each change, as the first run after it, with the medians before and after it."""
    edges = [0, *breaks, len(values)]
    while len(edges) > 2:
        middles = [median(values[begin:end]) for begin, end in zip(edges, edges[1:])]
        steps = [abs(after - before) for before, after in zip(middles, middles[1:])]
        smallest = min(range(len(steps)), key=steps.__getitem__)
        if steps[smallest] >= least:
            return list(zip(edges[1:-1], middles, middles[1:]))
        del edges[smallest + 1]
    return []
