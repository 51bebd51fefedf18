"""Which spans lie in the steps, beside them on other threads, or outside."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import IntEnum
from typing import Dict, List, Tuple

from nutrace.trace import Trace


class Region(IntEnum):
    """Where a span ran."""

    OUTSIDE = 0
    #: On the step's own thread, the step itself included: self times sum to the steps' time.
    INSIDE = 1
    #: Started in a step, on another thread or as a concurrent task: its time is not part of the step's.
    BESIDE = 2


@dataclass(frozen=True)
class Regions:
    """How a trace is divided; sequences have an entry for each span.

    Attributes
    ----------
    region:
        The span's :class:`Region`.
    outermost_component, outermost_name:
        Whether no span around it, in its region and on its thread, has the same component, or the same
        name. Calls and totals are counted at these spans: one around them would hold their time already.
    steps, unfinished_steps:
        The finished steps, and the number of the others, which have no duration and count as outside.
    inner_step_ns:
        For a span outside, the time of the steps within it.
    """

    region: bytearray
    outermost_component: bytearray
    outermost_name: bytearray
    steps: Tuple[int, ...]
    unfinished_steps: int
    inner_step_ns: array[int]


def divide(trace: Trace) -> Regions:
    """Divide the spans of a trace by its steps."""
    count = len(trace)
    is_step = bytearray(count)
    for span in trace.finished_steps:
        is_step[span] = 1
    region, components, names = bytearray(count), bytearray(count), bytearray(count)
    inner = array("q", [0]) * count

    outside, inside, beside = int(Region.OUTSIDE), int(Region.INSIDE), int(Region.BESIDE)

    # The ancestors of the current span: where each ends, and how many open spans of each component and name
    # are around its children. In a step or on another thread, the counts begin at 0.
    ends: List[int] = []
    opened: List[Tuple[Dict[str, int], Dict[str, int], str, str]] = []
    parent, thread = trace.parent, trace.thread
    columns = zip(trace.name, trace.component, parent, thread, trace.subtree_end)
    for span, (name, component, above, own_thread, end) in enumerate(columns):
        while ends and ends[-1] <= span:
            ends.pop()
            open_components, open_names, ended_component, ended_name = opened.pop()
            open_components[ended_component] -= 1
            open_names[ended_name] -= 1
        around = region[above] if above >= 0 else outside
        nested = above >= 0 and thread[above] == own_thread
        fresh = not nested
        if around != outside:
            region[span] = around if nested else beside
        elif is_step[span]:
            region[span] = inside
            fresh = True
        if fresh:
            open_components, open_names = {}, {}
        else:
            open_components, open_names, _, _ = opened[-1]
        components[span] = not open_components.get(component)
        names[span] = not open_names.get(name)
        if end > span + 1:
            open_components[component] = open_components.get(component, 0) + 1
            open_names[name] = open_names.get(name, 0) + 1
            ends.append(end)
            opened.append((open_components, open_names, component, name))
    if trace.finished_steps:
        for span in range(count - 1, 0, -1):
            above = parent[span]
            if above >= 0 and (is_step[span] or inner[span]) and thread[above] == thread[span]:
                inner[above] += trace.busy_ns[span] if is_step[span] else inner[span]
    unfinished = sum(trace.unfinished(span) for span in trace.step_indices)
    return Regions(region, components, names, tuple(trace.finished_steps), unfinished, inner)


def step_of(trace: Trace, regions: Regions) -> List[int]:
    """For each span the step that it lies in or was set off by; -1 outside."""
    steps = [-1] * len(trace)
    for step in regions.steps:
        end = trace.subtree_end[step]
        steps[step:end] = [step] * (end - step)
    return steps
