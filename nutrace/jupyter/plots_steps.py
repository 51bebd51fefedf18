"""The time of each step over the iterations of its scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional

from nutrace.analysis.scenarios import finished_steps
from nutrace.jupyter.figures import duration
from nutrace.jupyter.matplotlib_import import import_matplotlib
from nutrace.jupyter.plots_canvas import (
    Ink,
    canvas,
    entitle,
    explain,
    nothing,
    real_time,
    whole_steps,
)
from nutrace.jupyter.plots_words import NO_STEPS, SIZE_PT, scenario_names, step_facts
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Scenario, Trace
from nutrace.trace.real_time import simulated_interval_s
from nutrace_exporters.labels import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MS = 1e6
#: Scenarios that have a colour. With more, those with the slowest steps have it, and the others are grey.
SCENARIO_COLOURS = "database", "planner", "deepcopy", "propagate", "observation"
_MARKERS = "o", "s", "^", "D", "v"
#: Of more scenarios without a colour, a band is drawn, and dots above it.
_MOST_LINES = 30
_NAME_PT = 190


class _Line(NamedTuple):
    """A scenario's finished steps: their spans, iterations, and milliseconds."""

    scenario: Scenario
    spans: List[int]
    iterations: List[int]
    times_ms: List[float]


def plot_steps(trace: Trace, ax: Optional[Axes] = None) -> Axes:
    """Draw the time of each step; see :meth:`nutrace.Trace.plot_steps`."""
    ax, ink = canvas(ax, 9.0, 4.0)
    lines = _lines(trace)
    spans = [span for line in lines for span in line.spans]
    entitle(ax, "Time of each step", trace, step_facts(trace, spans))
    ax.set_xlabel("step (iteration)")
    ax.set_ylabel("time of a step (ms)")
    if not spans:
        nothing(ax, ink, NO_STEPS)
        return ax
    ax.grid(axis="y", color=ink.grid, linewidth=0.8)
    slowest = max(lines[0].times_ms)
    handles = _draw(ax, ink, trace, lines)
    handles += real_time(ax, ink, (simulated_interval_s(trace, span) for span in spans), slowest)
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.25 * slowest))
    whole_steps(ax)
    _annotate(ax, ink, trace, lines)
    explain(ax, ink, handles)
    return ax


def _lines(trace: Trace) -> List[_Line]:
    """The scenarios that have finished steps, the one with the slowest step first."""
    steps = finished_steps(trace)
    iteration_of = trace.addresses.iteration_of
    lines = []
    for scenario in trace.simulations:
        spans = sorted(steps.get(scenario.number, ()), key=lambda span: iteration_of[span])
        if spans:
            times = [trace.busy_ns[span] / _MS for span in spans]
            lines.append(_Line(scenario, spans, [iteration_of[span] for span in spans], times))
    return sorted(lines, key=lambda line: (-max(line.times_ms), line.scenario.number))


def _draw(ax: Axes, ink: Ink, trace: Trace, lines: List[_Line]) -> List[Any]:
    """The lines; returns the legend's."""
    handles: List[Any] = []
    name = scenario_names(trace)
    coloured, others = lines[: len(SCENARIO_COLOURS)], lines[len(SCENARIO_COLOURS) :]
    for line, component, marker in zip(coloured, SCENARIO_COLOURS, _MARKERS):
        (drawn,) = ax.plot(
            line.iterations,
            line.times_ms,
            color=ink.line(component),
            marker=marker,
            markersize=3,
            linewidth=1.2,
            label=name(line.scenario, _NAME_PT),
            zorder=3,
        )
        handles.append(drawn)
    if others:
        handles += _draw_others(ax, ink, lines, others)
    return handles if len(lines) > 1 else []


def _draw_others(ax: Axes, ink: Ink, lines: List[_Line], others: List[_Line]) -> List[Any]:
    """The scenarios without a colour, and the median of all."""
    artists = import_matplotlib("matplotlib.lines")
    at: Dict[int, List[float]] = {}
    for line in lines:
        for iteration, time in zip(line.iterations, line.times_ms):
            at.setdefault(iteration, []).append(time)
    iterations = sorted(at)
    spread = {each: _spread(at[each]) for each in iterations}
    handles: List[Any] = []
    if len(others) <= _MOST_LINES:
        look: Any = {"color": ink.muted, "linewidth": 0.9, "alpha": 0.5}
        for line in others:
            ax.plot(line.iterations, line.times_ms, zorder=2, **look)
        handles.append(artists.Line2D([], [], label=counted(len(others), "other scenario"), **look))
    else:
        low, high = ([spread[each][end] for each in iterations] for end in (0, 2))
        handles.append(
            ax.fill_between(
                iterations, low, high, color=ink.fill("propagate"), alpha=0.6, linewidth=0, zorder=1,
                label="9 in 10 scenarios (p5 to p95)",
            )
        )  # fmt: skip
        above = [
            (iteration, time)
            for line in others
            for iteration, time in zip(line.iterations, line.times_ms)
            if time > spread[iteration][2]
        ]
        if above:
            look = {"color": ink.muted, "linestyle": "none", "marker": ".", "markeredgewidth": 0}
            # Pixels in vector pictures, too: there may be ten thousand.
            ax.plot(*zip(*above), markersize=4, alpha=0.6, zorder=2, rasterized=True, **look)
            label = f"{counted(len(above), 'step')} of others above it"
            handles.append(artists.Line2D([], [], markersize=6, label=label, **look))
    middle = [spread[each][1] for each in iterations]
    label = f"median of all {len(lines):,}"
    handles += ax.plot(iterations, middle, color=ink.text, linewidth=1.6, label=label, zorder=4)
    return handles


def _spread(times_ms: List[float]) -> List[float]:
    """p5, median and p95 by nearest rank."""
    found = weighted_percentiles([(time * _MS, 1) for time in times_ms], (5, 50, 95))
    return [time / _MS for time in found]


def _annotate(ax: Axes, ink: Ink, trace: Trace, lines: List[_Line]) -> None:
    """Say of the slowest step what it took, and which it is."""
    line = lines[0]
    slowest = max(line.times_ms)
    at = line.iterations[line.times_ms.index(slowest)]
    words = f"slowest: {duration(slowest * _MS)}" + ("\n" if len(lines) > 1 else " ") + f"in step {at}"
    if len(lines) > 1:
        words += f" of scenario {line.scenario.number}"
    first, last = ax.get_xlim()
    third = 3 * (at - first) / (last - first)
    side, offset = ("left", 6) if third < 1 else ("right", -6) if third > 2 else ("center", 0)
    ax.annotate(
        words,
        (at, slowest),
        xytext=(offset, 7),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=ink.text,
        fontsize=SIZE_PT,
        zorder=6,
    )
    ax.plot(
        [at], [slowest], linestyle="none", marker="o", markersize=8, markerfacecolor="none",
        markeredgecolor=ink.text, zorder=5,
    )  # fmt: skip
