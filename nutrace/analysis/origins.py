"""Where a call comes from: the function that called, and the spans around it."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace

_MOST_NAMES = 4  # names of spans that say where a statement comes from


class Caller(NamedTuple):
    """The function that called, its file, and the line of the call; "" and 0 if unknown."""

    function: str
    file: str
    line: int


class Origin(NamedTuple):
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
        self._known: Dict[Origin, Origin] = {}
        self._components = component_around(trace, "database")

    def of(self, span: int, caller: Caller) -> Origin:
        """The origin of the executions that a span holds, and that `caller` has called."""
        trace = self._trace
        above = trace.parent[span]
        in_step = self._regions.region[span] != Region.OUTSIDE
        component = self._components[above] if above >= 0 else "other"
        names: List[str] = []
        while above >= 0 and len(names) < _MOST_NAMES:
            name = trace.name[above]
            if in_step and name == semconv.STEP_SPAN:
                break
            names.append(name)
            above = trace.parent[above]
        origin = Origin(caller, tuple(reversed(names)), component)
        return self._known.setdefault(origin, origin)


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
