"""Which spans lie in the steps, beside them on other threads, or outside."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import List, Sequence, Set, Tuple

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
    trace:
        What is divided.
    region:
        The span's :class:`Region`.
    steps, unfinished_steps:
        The finished steps, and the number of the others, which have no duration and count as outside.
    """

    trace: Trace
    region: bytearray
    steps: Tuple[int, ...]
    unfinished_steps: int

    @cached_property
    def outermost_component(self) -> bytearray:
        """Whether no span around it, in its region and on its thread, has the same component.

        Calls and totals are counted at these spans: one around them would hold their time already.
        """
        return _outermost(self.trace.component, self.trace.subtree_end, self._begins)

    @cached_property
    def outermost_name(self) -> bytearray:
        """The same with names."""
        return _outermost(self.trace.name, self.trace.subtree_end, self._begins)

    @cached_property
    def inner_step_ns(self) -> array[int]:
        """For a span outside the steps, the time of the steps within it."""
        trace, parent = self.trace, self.trace.parent
        inner = array("q", bytes(8 * len(trace)))
        around: Set[int] = set()
        for step in self.steps:
            above = parent[step]
            while above >= 0 and above not in around:
                around.add(above)
                above = parent[above]
            if trace.nested(step):
                inner[parent[step]] += trace.busy_ns[step]
        for span in sorted(around, reverse=True):
            if trace.nested(span):
                inner[parent[span]] += inner[span]
        return inner

    @cached_property
    def _begins(self) -> bytearray:
        """Whether the spans above it are not around it: it is a step, or did not run in its parent."""
        begins = bytearray(len(self.trace))
        for span in (*self.trace.not_nested, *self.steps):
            begins[span] = True
        return begins


def divide(trace: Trace) -> Regions:
    """Divide the spans of a trace by its steps."""
    region, steps = bytearray(len(trace)), tuple(trace.finished_steps)
    for step in steps:
        _fill(region, Region.INSIDE, step, trace.subtree_end[step])
    beside = set(trace.not_nested).difference(steps)
    for span in sorted(beside):
        if region[span] == Region.INSIDE:
            _fill(region, Region.BESIDE, span, trace.subtree_end[span])
    unfinished = sum(trace.unfinished(span) for span in trace.step_indices)
    return Regions(trace, region, steps, unfinished)


def _fill(region: bytearray, value: Region, begin: int, end: int) -> None:
    region[begin:end] = bytes((value,)) * (end - begin)


def _outermost(values: Sequence[str], subtree_end: Sequence[int], begins: bytearray) -> bytearray:
    """For each span whether none around it has the same value."""
    outermost = bytearray(b"\1") * len(values)
    # The values around the current span, and the end of the innermost span that brought one of them.
    around: Set[str] = set()
    closes = len(values)
    opened: List[Tuple[Set[str], int, str]] = []  # what was around such a span, and its value
    for span, value, end, begin in zip(range(len(values)), values, subtree_end, begins):
        while closes <= span:
            before, closes, ended = opened.pop()
            around.remove(ended)
            around = before
        if begin:
            if end > span + 1:
                opened.append((around, closes, value))
                around, closes = {value}, end
        elif value in around:
            outermost[span] = False
        elif end > span + 1:
            opened.append((around, closes, value))
            around.add(value)
            closes = end
    return outermost


def step_of(trace: Trace, regions: Regions) -> List[int]:
    """For each span the step that it lies in or was set off by; -1 outside."""
    steps = [-1] * len(trace)
    for step in regions.steps:
        end = trace.subtree_end[step]
        steps[step:end] = [step] * (end - step)
    return steps
