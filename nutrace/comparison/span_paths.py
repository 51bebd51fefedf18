"""The cost of span paths: of the spans that have the same names above them, up to the step."""

from __future__ import annotations

from typing import Dict, Iterable, List, Sequence, Tuple

from nutrace.analysis import Region, Regions
from nutrace.comparison.figures import PathCost, SpanPath
from nutrace.comparison.times import without_slowest
from nutrace.trace import Trace

#: Programs that recurse, or have names with numbers in them, have any number of paths. A span beyond these
#: bounds counts as a part of the span above it.
_DEEPEST = 60
_MOST = 20_000

_Calls = Dict[int, Dict[int, List[int]]]  # for each path and step, calls and self time


class SpanPaths:
    """Numbers the paths of a trace while their costs are added up."""

    def __init__(self, trace: Trace, regions: Regions) -> None:
        self._trace = trace
        self._regions = regions
        self._numbers: Dict[Tuple[int, str], int] = {}
        self._above: List[int] = []
        self._names: List[str] = []
        self._components: List[str] = []
        self._depths: List[int] = []

    def paths(self) -> Tuple[SpanPath, ...]:
        """All paths that were seen so far."""
        return tuple(
            SpanPath(self._written(path), self._components[path]) for path in range(len(self._names))
        )

    def in_steps(self, steps: Sequence[int]) -> Dict[int, PathCost]:
        """The costs of the paths below some steps, on the steps' threads."""
        costs: _Calls = {}
        for step in steps:
            self._add(costs, step, step, (Region.INSIDE,))
        return {path: cost_of(list(by_step.values()), len(steps)) for path, by_step in costs.items()}

    def of_all(self) -> Dict[int, PathCost]:
        """The costs of the paths from the roots."""
        costs: _Calls = {}
        for root in self._trace.roots:
            self._add(costs, root, 0, tuple(Region))
        return {path: cost_of(list(by_step.values()), 1) for path, by_step in costs.items()}

    def _add(self, costs: _Calls, top: int, unit: int, regions: Iterable[Region]) -> None:
        trace = self._trace
        allowed = frozenset(regions)
        path_of: Dict[int, int] = {}
        for span in range(top, trace.subtree_end[top]):
            if self._regions.region[span] not in allowed:
                continue  # what lies below a span on another thread is on another thread, too
            above = path_of.get(trace.parent[span], -1)
            path = path_of[span] = self._number(above, trace.name[span], trace.component[span])
            entry = costs.setdefault(path, {}).setdefault(unit, [0, 0])
            entry[0] += trace.calls[span]
            entry[1] += trace.self_ns[span]

    def _number(self, above: int, name: str, component: str) -> int:
        number = self._numbers.get((above, name))
        if number is not None:
            return number
        depth = self._depths[above] + 1 if above >= 0 else 0
        if above >= 0 and (depth >= _DEEPEST or len(self._names) >= _MOST):
            return above
        number = self._numbers[above, name] = len(self._names)
        self._above.append(above)
        self._names.append(name)
        self._components.append(component)
        self._depths.append(depth)
        return number

    def _written(self, path: int) -> Tuple[str, ...]:
        names: List[str] = []
        while path >= 0:
            names.append(self._names[path])
            path = self._above[path]
        return tuple(reversed(names))


def cost_of(entries: List[List[int]], steps: int) -> PathCost:
    """The cost of a path.

    Parameters
    ----------
    entries:
        For each step that has it, its calls and its self time in ns.
    steps:
        The number of all steps.
    """
    times = [entry[1] for entry in entries]
    return PathCost(
        calls=sum(entry[0] for entry in entries),
        self_ns=sum(times),
        usual_ns=without_slowest(times, steps),
    )
