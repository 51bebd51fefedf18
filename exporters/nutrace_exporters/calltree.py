"""Merge equal stacks into a call tree, as collapsed stacks and static pictures show them."""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, Hashable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from nutrace.intervals import FEWEST_SAMPLES, effective_samples, wilson
from nutrace.trace import Trace
from nutrace.trace.sampled import SPAN, SampledFunction
from nutrace_exporters.frames import labels_of
from nutrace_exporters.insidetree import OTHERS, ShownGroup, name_of, shown_groups
from nutrace_exporters.labels import estimate, label
from nutrace_exporters.lanes import thread_names


class Node:
    """All spans with the same names from the root down.

    ``self_ns`` is the sum over them; ``total_ns`` is ``self_ns`` plus the totals of children that are spans,
    so that widths always add up. ``own_ns`` is the part of ``self_ns`` that no sampled child has.
    """

    __slots__ = ("calls", "children", "component", "name", "own_ns", "self_ns", "total_ns")

    def __init__(self, name: str, component: str) -> None:
        self.name = name
        self.component = component
        self.calls = 0
        self.self_ns = 0
        self.own_ns = 0
        self.total_ns = 0
        self.children: Dict[Hashable, Node] = {}

    def child(self, name: str, component: str) -> Node:
        """The child called `name`, a new one if there is none."""
        node = self.children.get(name)
        if node is None:
            node = self.children[name] = Node(name, component)
        return node


class SampledNode(Node):
    """A function seen inside the spans of a node, or several with few samples, with their estimated time.

    Attributes
    ----------
    function:
        None for several functions with few samples.
    inside:
        The spans that the function was seen in.
    samples:
        The samples of the function and those that it calls.
    """

    __slots__ = ("function", "inside", "samples")

    def __init__(self, name: str, inside: InsideNode, function: Optional[SampledFunction]) -> None:
        super().__init__(name, inside.node.component)
        self.inside = inside
        self.function = function
        self.samples = 0

    @property
    def marked_name(self) -> str:
        """The name with a mark, for formats that have no other way to tell it from those of spans."""
        return f"{self.name} ~sampled" if self.function else self.name

    @property
    def share(self) -> str:
        """The part of the spans' self time, with its interval."""
        part, samples = self.total_ns / (self.inside.self_ns or 1), self.inside.effective_samples
        return estimate(part, *wilson(part * samples, samples))


class InsideNode(NamedTuple):
    """What is divided below a node: the self time of its spans that were sampled, and their samples."""

    node: Node
    self_ns: int
    samples: int
    effective_samples: float


def merge(trace: Trace, samples: bool = True, by_thread: bool = True) -> Node:
    """The call tree of `trace` below a root without a name.

    In a trace of several threads, the first level are the threads, unless these are merged as well. What a
    span started on another thread is not below it. With `samples`, the functions that were seen inside spans
    hang below these. Spans with one name that have fewer than ten of their group's samples, by their part of
    its self time, are not divided.
    """
    top = Node("", "other")
    used = sorted(set(trace.thread))
    tops = [top] * len(trace.threads)
    by_thread = by_thread and len(used) > 1
    if by_thread:
        for number, name in zip(used, thread_names(trace, used)):
            tops[number] = top.child(label(name), "other")
    _hang_spans(trace, samples, tops)
    if by_thread:
        top.total_ns = sum(node.total_ns for node in top.children.values())
    return top


class Parts(NamedTuple):
    """Call trees of the spans at which a trace was cut, of what these started on other threads, of the rest.

    No tree holds the time of another.
    """

    chosen: Node
    beside: Node
    rest: Node


def merge_parts(trace: Trace, tops: Sequence[int], samples: bool = True) -> Parts:
    """Cut a trace at some spans, of which none is in another: they become a first level.

    Threads are merged.
    """
    parts = Parts(*(Node("", "other") for _ in Parts._fields))
    _hang_spans(trace, samples, [parts.rest] * len(trace.threads), tops, parts)
    return parts


def _hang_spans(
    trace: Trace,
    samples: bool,
    by_thread: Sequence[Node],
    cut: Sequence[int] = (),
    parts: Optional[Parts] = None,
) -> None:
    """Hang each span below the node of its parent, or below that of its thread, if it is the outermost.

    Parameters
    ----------
    cut, parts:
        Spans that hang below other nodes, with what they started on other threads.
    """
    nodes: List[Node] = []
    labels = labels_of(trace)
    order: List[Tuple[Node, Node]] = []  # (parent, child), parents first
    threads, ends = trace.thread, trace.subtree_end
    following = iter((*cut, len(trace)))
    next_cut, end_of_cut = next(following), 0
    columns = zip(trace.name, trace.component, trace.parent, threads, trace.calls, trace.self_ns)
    for span, (name, component, above, here, calls, self_ns) in enumerate(columns):
        if span == next_cut and parts is not None:
            next_cut, end_of_cut = next(following), ends[span]
            parent = parts.chosen
        elif above >= 0 and threads[above] == here:
            parent = nodes[above]
        else:
            parent = parts.beside if span < end_of_cut and parts is not None else by_thread[here]
        text = labels[name]
        node = parent.children.get(text)
        if node is None:
            node = parent.child(text, component)
            order.append((parent, node))
        node.calls += calls
        node.self_ns += self_ns
        nodes.append(node)
    for parent, node in reversed(order):
        node.own_ns = node.self_ns
        node.total_ns += node.self_ns
        parent.total_ns += node.total_ns
    if samples:
        _hang_samples(trace, nodes)


def _hang_samples(trace: Trace, nodes: Sequence[Node]) -> None:
    """Hang the functions that were seen inside spans below the nodes of these."""
    groups = shown_groups(trace)
    if not groups or trace.sampled is None:
        return
    divided: Dict[Node, Dict[int, int]] = {}  # self times by node and group
    for node, number, self_ns in zip(nodes, trace.sampled.group_of, trace.self_ns):
        if number in groups:
            by_group = divided.setdefault(node, {})
            by_group[number] = by_group.get(number, 0) + self_ns
    whole: Counter[int] = Counter()
    for by_group in divided.values():
        whole.update(by_group)
    for node, by_group in divided.items():
        parts = [(self_ns, groups[number].tree.samples) for number, self_ns in by_group.items()]
        taken = sum(count for _, count in parts)
        divided_node = InsideNode(node, sum(by_group.values()), taken, effective_samples(parts))
        for number, self_ns in by_group.items():
            # Fewer than ten of the group's samples are these spans', by their part of its self time.
            if self_ns * groups[number].tree.samples >= FEWEST_SAMPLES * whole[number]:
                _hang(trace, divided_node, groups[number], number, self_ns)


def _hang(trace: Trace, inside: InsideNode, group: ShownGroup, number: int, self_ns: int) -> None:
    """Divide the self time that a node has of a group's spans among the functions of the group."""
    assert trace.sampled is not None
    tree, node = group.tree, inside.node
    own_ns, parts = tree.spread(self_ns)
    node.own_ns -= self_ns - own_ns
    below: List[SampledNode] = []
    for i, above in enumerate(tree.parent):
        parent = node if above == SPAN else below[above]
        function = tree.function[i]
        # Of groups that meet in a node, equal functions are one box. What is joined has no name in common.
        key = (function,) if function != OTHERS else (OTHERS, number)
        child = parent.children.get(key)
        if not isinstance(child, SampledNode):
            seen = trace.sampled.functions[function] if function != OTHERS else None
            child = parent.children[key] = SampledNode(name_of(trace.sampled, group, i), inside, seen)
        child.samples += group.samples[i]
        child.self_ns += parts[i]
        child.own_ns += parts[i]
        below.append(child)
    totals = list(parts)
    for i in range(len(parts) - 1, -1, -1):
        below[i].total_ns += totals[i]
        if tree.parent[i] != SPAN:
            totals[tree.parent[i]] += totals[i]


def walk(top: Node) -> Iterator[Tuple[int, Node]]:
    """``(depth, node)`` below `top`, parents first, in order of first appearance; any depth."""
    yield from _walk(top, lambda node: list(node.children.values()))


def heaviest_first(top: Node) -> Iterator[Tuple[int, Node]]:
    """As :func:`walk`, but of the children of a node the one with the largest total first."""
    yield from _walk(top, lambda node: sorted(node.children.values(), key=lambda child: -child.total_ns))


def _walk(top: Node, children: Callable[[Node], List[Node]]) -> Iterator[Tuple[int, Node]]:
    stack = [(0, node) for node in reversed(children(top))]
    while stack:
        depth, node = stack.pop()
        yield depth, node
        stack.extend((depth + 1, child) for child in reversed(children(node)))
