"""Where a call comes from: the function that called, and the spans around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace

_MOST_NAMES = 4  # names of spans that say where a statement comes from


@dataclass(frozen=True)
class Caller:
    """The function that called, its file, and the line of the call; "" and 0 if unknown."""

    function: str
    file: str
    line: int


@dataclass(frozen=True)
class Origin:
    """Where executions of a statement come from.

    Attributes
    ----------
    caller:
        The program's innermost function around the execution.
    path:
        Names of the spans around it, from the outside in: at most four, and none above the step.
    component:
        The component of the nearest span around it that is not the database's; "other" without one.
    """

    caller: Caller
    path: Tuple[str, ...]
    component: str


class Origins:
    """The origins of a trace's statements; equal ones are one object.

    Parameters
    ----------
    trace, regions:
        A trace, and how it is divided.
    """

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self._trace = trace
        self._regions = regions
        self._known: Dict[Tuple[int, bool, Caller], Origin] = {}
        self._components = component_around(trace, "database")

    def of(self, span: int) -> Origin:
        """The origin of the executions that a span holds."""
        view = self._trace[span]
        above = self._trace.parent[span]
        in_step = self._regions.region[span] != Region.OUTSIDE
        caller = Caller(view.function, view.file, view.line)
        key = above, in_step, caller
        origin = self._known.get(key)
        if origin is None:
            origin = self._known[key] = self._look_up(above, in_step, caller)
        return origin

    def _look_up(self, above: int, in_step: bool, caller: Caller) -> Origin:
        trace = self._trace
        names: List[str] = []
        component = self._components[above] if above >= 0 else "other"
        while above >= 0 and len(names) < _MOST_NAMES:
            if in_step and trace.name[above] == semconv.STEP_SPAN:
                break
            names.append(trace.name[above])
            above = trace.parent[above]
        return Origin(caller, tuple(reversed(names)), component)


def component_around(trace: Trace, left_out: str) -> List[str]:
    """For each span the component of the nearest span, itself included, that is not of `left_out`.

    "other" where there is none.
    """
    components: List[str] = []
    for component, above in zip(trace.component, trace.parent):
        if component == left_out:
            component = components[above] if above >= 0 else "other"
        components.append(component)
    return components
