"""Words of plots: names shortened to the room that they have, and what the steps amount to."""

from __future__ import annotations

from typing import Callable, Sequence

from nutrace.analysis.steps import times_of_steps
from nutrace.jupyter.figures import duration
from nutrace.jupyter.matplotlib_import import import_matplotlib
from nutrace.trace import Scenario, Trace
from nutrace.trace.addresses import CUT_SHORT, FINISHED
from nutrace_exporters.fitting import cut, width_of
from nutrace_exporters.labels import counted, label

#: Points of names.
SIZE_PT = 9.0
NO_STEPS = "there is no finished step here"
#: Letters that are fitted to pixels take more room.
_HINTED = 1.06
_LEAST = 8  # characters of a name, where there is room for none


def named(text: str, room_pt: float = 1e6, size_pt: float = SIZE_PT) -> str:
    """Text of a trace as a label in one line, without its middle if there is no room for it.

    Parameters
    ----------
    room_pt, size_pt:
        The room, and the size of the font, in points.
    """
    line = " ".join(label(text).split())
    width = width_pt(line, size_pt)
    if width > room_pt:
        wider = width / width_of(line, size_pt)  # than in the font that names are cut for
        line = cut(line, room_pt / wider, size_pt) or line[:_LEAST]
    return line.replace("$", r"\$")  # two of them would be a formula


def width_pt(text: str, size_pt: float = SIZE_PT) -> float:
    """How wide a line of text is in the font that plots have, in points."""
    font = import_matplotlib("matplotlib.font_manager").FontProperties(size=size_pt)
    measure = import_matplotlib("matplotlib.textpath").text_to_path.get_text_width_height_descent
    return _HINTED * float(measure(text, font, False)[0])


def scenario_names(trace: Trace) -> Callable[[Scenario, float], str]:
    """What names a trace's scenarios in so many points.

    A name has the number, by which tables and selections know the scenario, and its type, or else its token.
    It has the planner where there are several, and how the scenario ended unless it finished.
    """
    planners = len({scenario.planner for scenario in trace.simulations}) > 1
    unfinished = "not finished yet" if trace.diagnostics.running else CUT_SHORT

    def name(scenario: Scenario, room_pt: float) -> str:
        what = scenario.type or scenario.token
        begin = f"{scenario.number}: {what}" if what else f"scenario {scenario.number}"
        if planners and scenario.planner:
            begin += f", {scenario.planner}"
        end = f" #{scenario.attempt}" if scenario.attempt > 1 else ""
        if scenario.outcome != FINISHED:
            end += f" ({unfinished if scenario.outcome == CUT_SHORT else scenario.outcome})"
        return named(begin, room_pt - width_pt(end)) + end

    return name


def step_facts(trace: Trace, steps: Sequence[int]) -> str:
    """What some finished steps took, in a line; "" without steps."""
    if not steps:
        return ""
    times = times_of_steps(trace, steps, 0)
    if times.count == 1:
        facts = f"1 step of {duration(times.max_ns)}"
    else:
        spread = (("mean", times.mean_ns), ("p95", times.p95_ns), ("slowest", times.max_ns))
        facts = f"{times.count:,} steps: " + ", ".join(f"{what} {duration(ns)}" for what, ns in spread)
    if times.realtime_factor is None or times.over_real_time is None:
        return facts
    facts += f"; {times.realtime_factor:.2f}× real time"
    if times.count == 1:
        return facts
    all_or_none = {0: "no step", times.count: "every step"}
    return f"{facts}, {all_or_none.get(times.over_real_time, counted(times.over_real_time, 'step'))} over it"
