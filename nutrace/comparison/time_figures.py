"""The times that two sides are compared by, with their names."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

from nutrace.comparison.judging import Judgement, Options, Row, row_of
from nutrace.comparison.pairing import Pairing
from nutrace.comparison.result import Verdict
from nutrace.comparison.times import Times

WALL = "run.wall_s"

_TABLES = ("components", "concurrent", "outside_steps")


class TimeFigure(NamedTuple):
    """A time that is judged once, with the names of the figures that are multiples of it in ms."""

    names: Tuple[Tuple[str, float], ...]
    row: Row
    is_headline: bool = False

    @property
    def is_component(self) -> bool:
        """Whether it is the time of a component in the steps, or in a run without steps."""
        return self.names[0][0].startswith("components.")


class TimeFigures:
    """All times of a comparison.

    Attributes
    ----------
    figures:
        Those of the headline, then components and the times outside the steps.
    step_ms:
        The mean step of the base; 0 without steps.
    """

    def __init__(self, pairing: Pairing, bases: int, options: Options) -> None:
        self.figures: List[TimeFigure] = []
        self.step_ms = 0.0
        self._pairing = pairing
        self._bases = bases
        self._options = options
        if any(run.steps for run in pairing.runs):
            self._add_steps()
        self._add_runs()

    def _add_steps(self) -> None:
        pairing = self._pairing
        whole = pairing.steps_of()
        mean = self._row(Times(whole.mean), 0.0)
        self.step_ms = mean.base
        names = [("steps.mean_ms", 1.0)]
        counts = {run.steps for run in pairing.runs}
        if pairing.scenarios or len(counts) == 1:
            names.append(("steps.total_s", (pairing.steps or counts.pop()) / 1e3))
        intervals = {round(run.interval_s or 0.0, 9) for run in pairing.runs}
        if len(intervals) == 1 and 0 not in intervals:
            names.append(("steps.realtime_factor", 1e-3 / intervals.pop()))
        self.figures.append(TimeFigure(tuple(names), mean, is_headline=True))
        middle = pairing.percentile(50)
        usual = self._row(Times(middle.mean if whole.usual is None else whole.usual), 0.0)
        self._add("steps.p50_ms", usual.shown_as(middle.mean[:, 0], self._bases), is_headline=True)
        self._add("steps.p95_ms", self._row(pairing.percentile(95), 0.0), is_headline=True)
        for component in pairing.components():
            row = self._row(pairing.steps_of(component), self.step_ms)
            self._add(f"components.{component}.self_ms_per_step", row)

    def _add_runs(self) -> None:
        """Add the times of which a run has one."""
        runs = self._pairing.runs
        wall_ms = max(run.times[WALL] for run in runs) * 1e3
        for name in dict.fromkeys(name for run in runs for name in run.times):
            ms = 1e3 if name == WALL else 1.0
            times = Times.of_runs([run.times.get(name, 0.0) * ms for run in runs])
            whole_ms = 0.0 if name == WALL else self.step_ms if name.endswith("_per_step") else wall_ms
            self._add(name, self._row(times, whole_ms), 1 / ms, is_headline=name == WALL)

    def _row(self, times: Times, whole_ms: float) -> Row:
        return row_of(times, self._bases, whole_ms, self._options)

    def _add(self, name: str, row: Row, scale: float = 1.0, *, is_headline: bool = False) -> None:
        self.figures.append(TimeFigure(((name, scale),), row, is_headline))


def most_changed(judged: Tuple[TimeFigure, Judgement]) -> Tuple[int, bool, float]:
    """Sorts by tables, the headline first, and in the others what changed most before the rest."""
    figure, judgement = judged
    if figure.is_headline:
        return -1, False, 0.0
    table = _TABLES.index(figure.names[0][0].partition(".")[0])
    changed = judgement.verdict in (Verdict.FASTER, Verdict.SLOWER)
    found = judgement.effect
    difference = figure.row.new - figure.row.base if found is None else figure.row.in_ms(found.change, found)
    return table, not changed, -abs(difference)
