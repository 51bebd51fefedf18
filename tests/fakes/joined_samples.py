"""Samples of a trace, as if a sampler had taken them and they were joined to its spans."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Dict, List, Mapping, Sequence, Tuple

from nutrace.trace import Trace
from nutrace.trace.sampled import NO_GROUP, SPAN, Sampled, SampledFunction, SampledGroup

#: (name, file, line)
Function = Tuple[str, str, int]
#: The functions below the span, outermost first, and the number of samples.
Stack = Tuple[Sequence[Function], int]


def with_samples(trace: Trace, stacks: Mapping[str, Sequence[Stack]]) -> Trace:
    """The trace with a group of samples for the spans of each name."""
    numbers: Dict[Function, int] = {}
    groups: List[SampledGroup] = []
    group_of: Dict[str, int] = {}
    for name, some in stacks.items():
        group_of[name] = len(groups)
        groups.append(_group(some, numbers))
    taken = sum(group.samples for group in groups)
    sampled = Sampled(
        functions=tuple(SampledFunction(*function) for function in numbers),
        groups=tuple(groups),
        group_of=array("i", [group_of.get(name, NO_GROUP) for name in trace.name]),
        taken=taken,
        placed=taken,
        samplers=("py-spy 0.4.3",),
        rate_hz=100.0,
    )
    return replace(trace, sampled=sampled)


def _group(stacks: Sequence[Stack], numbers: Dict[Function, int]) -> SampledGroup:
    own = 0
    counts: Dict[Tuple[Function, ...], int] = {}
    for functions, count in stacks:
        for depth in range(1, len(functions) + 1):
            counts.setdefault(tuple(functions[:depth]), 0)
        if functions:
            counts[tuple(functions)] += count
        else:
            own += count
    paths = sorted(counts)  # a path before those that it begins
    node = {path: number for number, path in enumerate(paths)}
    return SampledGroup(
        own,
        array("i", [node[path[:-1]] if len(path) > 1 else SPAN for path in paths]),
        array("i", [numbers.setdefault(path[-1], len(numbers)) for path in paths]),
        array("q", [counts[path] for path in paths]),
    )
