"""What samples say about the inside of spans, as boxes below them in merged pictures.

Nothing here has a time of its own: a span's measured self time is divided as the samples of its group are.
"""

from __future__ import annotations

from array import array
from typing import Dict, List, NamedTuple, Optional

from nutrace.intervals import FEWEST_SAMPLES
from nutrace.trace import Trace
from nutrace.trace.sampled import NO_GROUP, SPAN, Sampled, SampledFunction, SampledGroup
from nutrace_exporters.labels import counted, label

#: In :attr:`ShownGroup.tree`, the function of a node that stands for several.
OTHERS = -1


class ShownGroup(NamedTuple):
    """The part of a group's tree that pictures show.

    Functions with fewer samples than :data:`FEWEST_SAMPLES` are joined, below each caller, into one node.
    A group that has fewer in all has no nodes: its spans are not divided.

    Attributes
    ----------
    tree:
        The nodes that are shown, the joined ones of a caller behind its others.
    samples:
        For each node, all samples below it.
    joined:
        For each node, how many functions it stands for: 1 unless it is :data:`OTHERS`.
    """

    tree: SampledGroup
    samples: List[int]
    joined: List[int]


def shown_groups(trace: Trace) -> Dict[int, ShownGroup]:
    """By number, the groups of the trace's spans."""
    if trace.sampled is None:
        return {}
    used = sorted(set(trace.sampled.group_of) - {NO_GROUP})
    return {number: shown_group(trace.sampled.groups[number]) for number in used}


def shown_group(group: SampledGroup) -> ShownGroup:
    """Join the functions of a group that have few samples."""
    below = list(group.count)
    for node in range(len(below) - 1, -1, -1):
        if group.parent[node] != SPAN:
            below[group.parent[node]] += below[node]
    parent, function, count = array("i"), array("i"), array("q")
    samples: List[int] = []
    joined: List[int] = []

    def add(above: int, what: int, own: int, all_samples: int, functions: int) -> None:
        parent.append(above)
        function.append(what)
        count.append(own)
        samples.append(all_samples)
        joined.append(functions)

    few: Dict[int, List[int]] = {}  # by caller: samples and number of the functions that are joined
    path = [(SPAN, SPAN)]  # (node, its number among those that are shown)

    def leave() -> None:
        node, number = path.pop()
        if node in few:
            add(number, OTHERS, few[node][0], few[node][0], few[node][1])

    enough = group.samples >= FEWEST_SAMPLES
    shown = [number >= FEWEST_SAMPLES for number in below]
    for node, above in enumerate(group.parent):
        if enough and not shown[node] and (above == SPAN or shown[above]):
            entry = few.setdefault(above, [0, 0])
            entry[0] += below[node]
            entry[1] += 1
    for node, above in enumerate(group.parent):
        if shown[node]:
            while path[-1][0] != above:
                leave()
            add(path[-1][1], group.function[node], group.count[node], below[node], 1)
            path.append((node, len(parent) - 1))
    while path:
        leave()
    own = group.own if enough else group.samples
    return ShownGroup(SampledGroup(own, parent, function, count), samples, joined)


def name_of(sampled: Sampled, group: ShownGroup, node: int) -> str:
    """What a node is called."""
    function = group.tree.function[node]
    if function == OTHERS:
        return f"({counted(group.joined[node], 'function')}, fewer than {FEWEST_SAMPLES} samples each)"
    return label(sampled.functions[function].name)


def place_of(function: Optional[SampledFunction]) -> str:
    """Where a function begins: ``file:line``, or what is known of it."""
    if function is None or not function.file:
        return ""
    return f"{label(function.file)}:{function.line}" if function.line else label(function.file)


def origin(sampled: Sampled) -> str:
    """How many samples there are, and what took them: ``2,345 samples at 100 Hz by py-spy 0.4.3``."""
    rate = f" at {sampled.rate_hz:g} Hz" if sampled.rate_hz else ""
    by = f" by {' and '.join(label(name, 100) for name in sampled.samplers)}" if sampled.samplers else ""
    return counted(sampled.placed, "sample") + rate + by
