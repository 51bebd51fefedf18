"""How the step times of each scenario are distributed, the slowest scenario first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Sequence

from nutrace.analysis.scenarios import finished_steps
from nutrace.analysis.steps import times_of_steps
from nutrace.jupyter.matplotlib_import import import_matplotlib
from nutrace.jupyter.plots_canvas import (
    Ink,
    canvas,
    entitle,
    explain,
    nothing,
    real_time,
    time_ticks,
)
from nutrace.jupyter.plots_words import NO_STEPS, SIZE_PT, scenario_names, step_facts
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Scenario, Trace
from nutrace.trace.real_time import simulated_interval_s

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MS = 1e6
#: Of more scenarios, no names can be read: they are ranks then.
_MOST_NAMED = 40
_NAME_PT = 240
#: Single slow steps that are so many times p95 would press everything else together.
_FAR = 2.5
_HALF, _MOST = "half of the steps (p25 to p75)", "9 in 10 steps (p5 to p95)"
_MEAN = "mean, by which they are sorted"


class _Row(NamedTuple):
    """A scenario's step times in ms: percentiles by nearest rank, mean and slowest."""

    scenario: Scenario
    steps: Sequence[int]
    intervals_s: Sequence[Optional[float]]
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    mean: float
    slowest: float
    too_slow: bool


def plot_scenarios(trace: Trace, ax: Optional[Axes] = None) -> Axes:
    """Draw the step times of scenarios; see :meth:`nutrace.Trace.plot_scenarios`."""
    rows = _rows(trace)
    named = len(rows) <= _MOST_NAMED
    ax, ink = canvas(ax, 9.0, 1.6 + 0.27 * max(len(rows), 4) if named else 4.2)
    entitle(
        ax, "Step times by scenario", trace, step_facts(trace, [step for row in rows for step in row.steps])
    )
    axis = ax.xaxis if named else ax.yaxis
    if not rows:
        axis.set_label_text("time of a step (ms)")
        nothing(ax, ink, NO_STEPS)
        return ax
    slowest = max(row.slowest for row in rows)
    handles = _boxes(ax, ink, trace, rows) if named else _bands(ax, ink, rows)
    intervals = (interval for row in rows for interval in row.intervals_s)
    handles += real_time(ax, ink, intervals, slowest, upright=named)
    logarithmic = slowest > _FAR * max(row.p95 for row in rows) and min(row.p5 for row in rows) > 0
    axis.set_label_text("time of a step (ms, logarithmic)" if logarithmic else "time of a step (ms)")
    if logarithmic:
        (ax.set_xscale if named else ax.set_yscale)("log")
        time_ticks(axis)
    elif named:
        ax.set_xlim(0, None)
    else:
        ax.set_ylim(0, None)
    explain(ax, ink, handles)
    return ax


def _rows(trace: Trace) -> List[_Row]:
    steps = finished_steps(trace)
    rows = []
    for scenario in trace.simulations:
        spans = steps.get(scenario.number, [])
        if not spans:
            continue
        times = [trace.busy_ns[span] for span in spans]
        intervals = [simulated_interval_s(trace, span) for span in spans]
        known = times_of_steps(trace, spans, 0)
        p5, p25, p75 = weighted_percentiles([(time, 1) for time in times], (5, 25, 75))
        rows.append(
            _Row(
                scenario,
                spans,
                intervals,
                *(p5 / _MS, p25 / _MS, known.p50_ns / _MS, p75 / _MS, known.p95_ns / _MS),
                mean=known.mean_ns / _MS,
                slowest=known.max_ns / _MS,
                too_slow=(known.realtime_factor or 0.0) > 1,
            )
        )
    return sorted(rows, key=lambda row: (-row.mean, row.scenario.number))


def _boxes(ax: Axes, ink: Ink, trace: Trace, rows: List[_Row]) -> List[Any]:
    """A box for each scenario, with its name; time goes to the right."""
    name = scenario_names(trace)
    places = list(range(len(rows)))
    ax.grid(axis="x", color=ink.grid, linewidth=0.8)
    ax.set_ylabel("scenario, slowest first" if len(rows) > 1 else "scenario")
    ax.set_yticks(places)
    ax.set_yticklabels([name(row.scenario, _NAME_PT) for row in rows], fontsize=SIZE_PT)
    ax.tick_params(axis="y", length=0)
    spare = max(0.0, (3 - len(rows)) / 2)  # a box of one scenario is no wall
    ax.set_ylim(len(rows) - 0.4 + spare, -0.6 - spare)
    ax.hlines(
        places, [row.p5 for row in rows], [row.p95 for row in rows], color=ink.muted, linewidth=1.2, zorder=2
    )
    fills = [ink.fill(_component(row)) for row in rows]
    ax.barh(
        places, [row.p75 - row.p25 for row in rows], left=[row.p25 for row in rows], height=0.62,
        color=fills, edgecolor=ink.muted, linewidth=0.8, zorder=3,
    )  # fmt: skip
    for place, row in enumerate(rows):
        ax.plot([row.p50] * 2, [place - 0.31, place + 0.31], color=ink.text, linewidth=1.6, zorder=4)
    mean, dot = _mark(ink, "D", 4, ink.background), _mark(ink, "o", 5, "none")
    ax.plot([row.mean for row in rows], places, zorder=5, **mean)
    ax.plot([row.slowest for row in rows], places, zorder=4, **dot)
    lines = import_matplotlib("matplotlib.lines")
    return [
        *_box_handles(ink, rows),
        lines.Line2D([], [], color=ink.text, linewidth=1.6, label="median"),
        lines.Line2D([], [], color=ink.muted, linewidth=1.2, label=_MOST),
        lines.Line2D([], [], label=_MEAN if len(rows) > 1 else "mean", **mean),
        lines.Line2D([], [], label="slowest step", **dot),
    ]


def _component(row: _Row) -> str:
    """Whose colour a box has."""
    return "planner" if row.too_slow else "propagate"


def _box_handles(ink: Ink, rows: List[_Row]) -> List[Any]:
    patch = import_matplotlib("matplotlib.patches").Patch
    labels = {"propagate": _HALF}
    if any(row.too_slow for row in rows):
        labels = {"planner": f"{_HALF}:\nslower than real time", "propagate": "the same: keeps up"}
    used = {_component(row) for row in rows}
    return [
        patch(facecolor=ink.fill(component), edgecolor=ink.muted, label=text)
        for component, text in labels.items()
        if component in used
    ]


def _mark(ink: Ink, marker: str, size: float, face: str) -> Any:
    return {
        "linestyle": "none", "marker": marker, "markersize": size, "markerfacecolor": face,
        "markeredgecolor": ink.text, "markeredgewidth": 0.9,
    }  # fmt: skip


def _bands(ax: Axes, ink: Ink, rows: List[_Row]) -> List[Any]:
    """Bands over the ranks of the scenarios."""
    ranks = list(range(1, len(rows) + 1))
    ax.grid(axis="y", color=ink.grid, linewidth=0.8)
    ax.set_xlabel(f"scenarios, slowest first: rank of {len(rows):,}")
    ax.set_xlim(0, len(rows) + 1)
    blue = ink.fill("propagate")
    most, half = (
        ax.fill_between(
            ranks, [getattr(row, low) for row in rows], [getattr(row, high) for row in rows],
            color=blue, alpha=alpha, linewidth=0, label=label,
        )
        for low, high, alpha, label in (("p5", "p95", 0.45, _MOST), ("p25", "p75", 1.0, _HALF))
    )  # fmt: skip
    (mean,) = ax.plot(ranks, [row.mean for row in rows], color=ink.text, linewidth=1.5, label=_MEAN)
    dots: Any = {"linestyle": "none", "marker": ".", "markeredgewidth": 0, "color": ink.line("database")}
    ax.plot(ranks, [row.slowest for row in rows], markersize=4, alpha=0.8, rasterized=True, **dots)
    dot = import_matplotlib("matplotlib.lines").Line2D([], [], markersize=7, label="slowest step", **dots)
    return [dot, mean, half, most]
