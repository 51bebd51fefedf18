"""Self time by component, stacked for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from nutrace.analysis import divide, each_step
from nutrace.analysis.each_step import Step, costs_of
from nutrace.jupyter.figures import milliseconds
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
from nutrace.jupyter.plots_words import NO_STEPS, named, step_facts
from nutrace.trace import Trace
from nutrace_exporters.labels import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MS = 1e6
#: Components that have a layer of their own, and the least part of the whole that one is.
_MOST, _LEAST = 10, 0.003
_NAME_PT = 110


class _Column(NamedTuple):
    """What the steps of one iteration take on average, in ms by component."""

    iteration: int
    self_ms: Mapping[str, float]


def plot_components(trace: Trace, ax: Optional[Axes] = None) -> Axes:
    """Draw the self time of components in each step; see :meth:`nutrace.Trace.plot_components`."""
    ax, ink = canvas(ax, 9.0, 4.0)
    steps = each_step(trace, divide(trace))
    scenarios = len({step.scenario for step in steps})
    spans = [step.span for step in steps]
    entitle(ax, "Self time by component", trace, step_facts(trace, spans))
    ax.set_xlabel("step (iteration)")
    ax.set_ylabel(f"self time (ms), mean of {scenarios:,} scenarios" if scenarios > 1 else "self time (ms)")
    if not steps:
        nothing(ax, ink, NO_STEPS)
        return ax
    ax.grid(axis="y", color=ink.grid, linewidth=0.8)
    columns = _columns(steps)
    handles = _draw(ax, ink, columns, costs_of(steps), len(steps))
    tallest = max(sum(column.self_ms.values()) for column in columns)
    handles += real_time(ax, ink, (step.simulated_interval_s for step in steps), tallest)
    ax.set_xlim(columns[0].iteration - 0.5, columns[-1].iteration + 0.5)
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.05 * tallest))
    whole_steps(ax)
    explain(ax, ink, handles, "mean of a step" if len(steps) > 1 else "")
    return ax


def _columns(steps: Sequence[Step]) -> List[_Column]:
    """The iterations, with means over the scenarios that have them."""
    at: Dict[int, List[Step]] = {}
    for step in steps:
        at.setdefault(step.index, []).append(step)
    return [
        _Column(
            iteration,
            {component: self_ns / len(of_it) / _MS for component, self_ns in costs_of(of_it).items()},
        )
        for iteration, of_it in sorted(at.items())
    ]


def _draw(ax: Axes, ink: Ink, columns: Sequence[_Column], costs: Mapping[str, int], steps: int) -> List[Any]:
    """The layers, the costliest component at the bottom; returns the legend's, in the picture's order."""
    patches = import_matplotlib("matplotlib.patches")
    whole = sum(costs.values()) or 1
    layers = _layers(costs, whole)
    sums = [sum(costs[component] for component in components) for _, components in layers]
    means = milliseconds([cost / steps for cost in sums])
    below = [0.0] * len(columns)
    handles = []
    for (name, components), cost, mean in zip(layers, sums, means):
        above = [
            base + sum(column.self_ms.get(component, 0.0) for component in components)
            for base, column in zip(below, columns)
        ]
        _fill(ax, [column.iteration for column in columns], below, above, ink.fill(name))
        words = f"{named(name, _NAME_PT)}  {mean} ms, {_share(cost, whole)}"
        handles.append(patches.Patch(facecolor=ink.fill(name), label=words))
        below = above
    return handles[::-1]


def _layers(costs: Mapping[str, int], whole: int) -> List[Tuple[str, List[str]]]:
    """Names with the components that they stand for: the small ones are together."""
    alone = [component for component in costs if costs[component] >= _LEAST * whole][:_MOST]
    rest = [component for component in costs if component not in alone]
    if len(rest) > 1:
        return [*((name, [name]) for name in alone), (counted(len(rest), "other"), rest)]
    return [(name, [name]) for name in costs]


def _share(cost: int, whole: int) -> str:
    percent = 100 * cost / whole
    return f"{percent:.0f} %" if percent >= 0.5 or not cost else "< 1 %"


def _fill(
    ax: Axes, iterations: Sequence[int], below: Sequence[float], above: Sequence[float], color: str
) -> None:
    """A layer: a bar for each iteration, and all of them one outline. Missing iterations have none."""
    x: List[float] = []
    low: List[float] = []
    high: List[float] = []
    for place, iteration in enumerate(iterations):
        if place and iteration > iterations[place - 1] + 1:
            x += [iterations[place - 1] + 0.5, iteration - 0.5]
            low += [0.0, 0.0]
            high += [0.0, 0.0]
        x += [iteration - 0.5, iteration + 0.5]
        low += [below[place]] * 2
        high += [above[place]] * 2
    ax.fill_between(x, low, high, facecolor=color, linewidth=0)
