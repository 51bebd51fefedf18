"""The functions that were sampled inside spans, as one tree for each kind of span."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import DefaultDict, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from nutrace import semconv
from nutrace.analysis import Region, divide
from nutrace.trace import Trace
from nutrace.trace.sampled import NO_GROUP, SPAN, Sampled, SampledFunction

#: Components that say what a span does, and not for whom: its functions belong to the part that asked.
_SERVICES = ("other", "deepcopy", "gc")
_LARGE = 0.05  # of the time of the steps


@dataclass(frozen=True)
class SampledSpan:
    """All sampled spans of one name and component.

    Attributes
    ----------
    component:
        One of :data:`nutrace.semconv.COMPONENTS`; that of a span around it if its own says nothing.
    self_ns, samples:
        Their self time, and the samples that divide it.
    """

    name: str
    component: str
    self_ns: int
    samples: float


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees of functions below spans. Nodes 0 to ``len(spans) - 1`` are the spans; callers precede callees.

    Attributes
    ----------
    steps, step_ns:
        The number of finished steps and their time, if the spans lie in steps; otherwise 0, and the time
        of the outermost spans.
    parent, function:
        For each node its caller, and its index in ``functions``; -1 for spans.
    own_ns, own_samples:
        Time and samples of the node alone. Where spans of several names share samples, each has the part
        that it has of the self time.
    """

    functions: Sequence[SampledFunction]
    spans: Sequence[SampledSpan]
    steps: int
    step_ns: int
    parent: List[int]
    function: List[int]
    own_ns: List[float]
    own_samples: List[float]

    @cached_property
    def total_ns(self) -> List[float]:
        """For each node its time with all that it calls."""
        return self._upwards(self.own_ns)

    @cached_property
    def total_samples(self) -> List[float]:
        """For each node its samples and those of all that it calls."""
        return self._upwards(self.own_samples)

    def _upwards(self, own: List[float]) -> List[float]:
        total = list(own)
        for node in range(len(total) - 1, len(self.spans) - 1, -1):
            total[self.parent[node]] += total[node]
        return total

    @cached_property
    def span(self) -> List[int]:
        """For each node the span that it lies in."""
        spans = list(range(len(self.spans)))
        for node in range(len(self.spans), len(self.parent)):
            spans.append(spans[self.parent[node]])
        return spans

    @cached_property
    def outermost(self) -> Dict[int, List[int]]:
        """For each function its nodes that lie in no other node of the same function."""
        callees: DefaultDict[int, List[int]] = defaultdict(list)
        for node in self.nodes():
            callees[self.parent[node]].append(node)
        nodes: DefaultDict[int, List[int]] = defaultdict(list)
        opened: Set[int] = set()  # the functions around the current node
        waiting = list(range(len(self.spans)))
        while waiting:
            node = waiting.pop()
            if node < 0:  # all that the outermost node of a function calls has been seen
                opened.discard(self.function[~node])
                continue
            function = self.function[node]
            if node >= len(self.spans) and function not in opened:
                opened.add(function)
                nodes[function].append(node)
                waiting.append(~node)
            waiting.extend(callees[node])
        return {function: sorted(numbers) for function, numbers in nodes.items()}

    def nodes(self) -> Iterator[int]:
        """The nodes that are functions, callers first."""
        return iter(range(len(self.spans), len(self.parent)))


def grow(trace: Trace, sampled: Sampled, span: Optional[str] = None) -> Forest:
    """The trees below the spans named `span`; by default below those with much self time in the steps."""
    regions = divide(trace)
    inside = [index for index in range(len(trace)) if regions.region[index] != Region.OUTSIDE]
    steps = len(regions.steps)
    if span is not None:
        inside = [index for index in inside if trace.name[index] == span]
    if not inside:  # the program has no steps, or the span lies outside of them
        steps = 0
        inside = [index for index in range(len(trace)) if span in (None, trace.name[index])]
    step_ns = sum(trace.busy_ns[index] for index in (regions.steps if steps else trace.roots))
    by_kind: DefaultDict[Tuple[str, str], DefaultDict[int, int]] = defaultdict(lambda: defaultdict(int))
    for index in inside:
        if sampled.group_of[index] != NO_GROUP:
            kind = trace.name[index], _component(trace, index)
            by_kind[kind][sampled.group_of[index]] += trace.self_ns[index]
    kinds = sorted(by_kind, key=lambda kind: (-sum(by_kind[kind].values()), kind))
    if span is None:
        kinds = [
            kind
            for rank, kind in enumerate(kinds)
            if rank == 0 or sum(by_kind[kind].values()) >= _LARGE * step_ns
        ]
    return _merge(sampled, {kind: by_kind[kind] for kind in kinds}, steps, step_ns)


def _component(trace: Trace, index: int) -> str:
    while index >= 0:
        component = trace.component[index]
        if component in semconv.COMPONENTS and component not in _SERVICES:
            return component
        index = trace.parent[index]
    return "other"


def _merge(
    sampled: Sampled, kinds: Dict[Tuple[str, str], DefaultDict[int, int]], steps: int, step_ns: int
) -> Forest:
    by_group: DefaultDict[int, int] = defaultdict(int)
    for groups in kinds.values():
        for number, self_ns in groups.items():
            by_group[number] += self_ns
    spans: List[SampledSpan] = []
    forest = Forest(
        sampled.functions, spans, steps, step_ns, [-1] * len(kinds), [-1] * len(kinds),
        [0.0] * len(kinds), [0.0] * len(kinds),
    )  # fmt: skip
    children: Dict[Tuple[int, int], int] = {}
    for root, ((name, component), groups) in enumerate(kinds.items()):
        samples = 0.0
        for number, self_ns in groups.items():
            group = sampled.groups[number]
            part = self_ns / by_group[number] if by_group[number] else 1.0
            samples += group.samples * part
            own, parts = group.spread(self_ns)
            forest.own_ns[root] += own
            forest.own_samples[root] += group.own * part
            place: List[int] = []  # the node in the forest of each of the group's
            for parent, function, count, time in zip(group.parent, group.function, group.count, parts):
                above = root if parent == SPAN else place[parent]
                node = children.setdefault((above, function), len(forest.parent))
                if node == len(forest.parent):
                    forest.parent.append(above)
                    forest.function.append(function)
                    forest.own_ns.append(0.0)
                    forest.own_samples.append(0.0)
                forest.own_ns[node] += time
                forest.own_samples[node] += count * part
                place.append(node)
        spans.append(SampledSpan(name, component, sum(groups.values()), samples))
    return forest
