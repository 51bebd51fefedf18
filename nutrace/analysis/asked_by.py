"""Who executes a statement: the program's function, and the spans around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

from nutrace import semconv
from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace

_PATH = 4  # names of spans that tell where a statement comes from


@dataclass(frozen=True)
class Caller:
    """Who executes a statement.

    Attributes
    ----------
    function, file, line:
        The program's innermost function around it; "" and 0 if unknown.
    path:
        Names of the spans around it, from outside in: at most four, and none above the step.
    component:
        Of the nearest span around that is not the database's; "other" if there is none.
    """

    function: str
    file: str
    line: int
    path: Tuple[str, ...]
    component: str


class Callers:
    """The callers of a trace's statements, each made once.

    Parameters
    ----------
    trace, regions:
        A trace, and how it is divided.
    """

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self._trace = trace
        self._regions = regions
        self._known: Dict[Tuple[int, bool, str, str, int], Caller] = {}

    def of(self, span: int) -> Caller:
        """Who asked for the statement of a span."""
        trace, view = self._trace, self._trace[span]
        above = trace.parent[span]
        inside = self._regions.region[span] != Region.OUTSIDE
        key = (above, inside, view.function, view.file, view.line)
        caller = self._known.get(key)
        if caller is None:
            names: List[str] = []
            component = ""
            while above >= 0 and not (inside and trace.name[above] == semconv.STEP_SPAN):
                if len(names) < _PATH:
                    names.append(trace.name[above])
                if not component and trace.component[above] != "database":
                    component = trace.component[above]
                above = trace.parent[above]
            if not component:
                component = "simulation" if above >= 0 else "other"
            caller = Caller(view.function, view.file, view.line, tuple(reversed(names)), component)
            self._known[key] = caller
        return caller
