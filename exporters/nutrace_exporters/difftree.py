"""Merge two sides, each of one or several runs, into one call tree that has the costs of both.

A node stands for the spans of one path: the same names from the outermost span of a thread down. Files and
lines do not tell nodes apart, because they differ between two revisions of a program. Costs are sums in
nanoseconds; :attr:`DiffTree.units` are what to divide them by.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from nutrace.trace import Trace
from nutrace_exporters.frames import Frame, frame_of, labels_of

BASE, NEW = SIDES = (0, 1)

#: Where the spans of a node ran, as in ``nutrace report``: outside the steps, in them, or started in a step
#: and running beside it on another thread.
OUTSIDE, INSIDE, BESIDE = 0, 1, 2


class Scatter:
    """The least and the most time per step that a run of each side has, base and new, ns."""

    __slots__ = ("_runs", "least_ns", "most_ns")

    def __init__(self) -> None:
        self.least_ns = [0, 0]
        self.most_ns = [0, 0]
        self._runs = [0, 0]

    def add_run(self, side: int, ns: int) -> None:
        """Take a run into account."""
        self.least_ns[side] = min(self.least_ns[side], ns) if self._runs[side] else ns
        self.most_ns[side] = max(self.most_ns[side], ns)
        self._runs[side] += 1

    def close(self, runs: Sequence[int]) -> None:
        """Take into account that runs which were not added spent no time here."""
        for side in SIDES:
            if self._runs[side] < runs[side]:
                self.least_ns[side] = 0


class DiffNode:
    """All spans of one path on both sides.

    Attributes
    ----------
    frame:
        That of the new side, if it has such spans.
    parent:
        None for the outermost spans of a thread.
    region:
        :data:`OUTSIDE`, :data:`INSIDE` or :data:`BESIDE`.
    spans, calls, self_ns, total_ns:
        Two sums each, of the base and of the new side. ``total_ns`` is ``self_ns`` plus the totals of the
        children, so that widths add up.
    scatter:
        How the self times of the runs differ.
    moved:
        The node that the cost went to, or came from; see :func:`nutrace_exporters.diffmoves.mark_moved`.
    """

    __slots__ = (
        "calls",
        "children",
        "frame",
        "moved",
        "parent",
        "region",
        "scatter",
        "self_ns",
        "spans",
        "total_ns",
    )

    def __init__(self, frame: Frame, region: int, parent: Optional[DiffNode]) -> None:
        self.frame = frame
        self.region = region
        self.parent = parent
        self.spans = [0, 0]
        self.calls = [0, 0]
        self.self_ns = [0, 0]
        self.total_ns = [0, 0]
        self.scatter = Scatter()
        self.children: Dict[Tuple[str, int], DiffNode] = {}
        self.moved: Optional[DiffNode] = None

    @property
    def only(self) -> Optional[int]:
        """The side that alone has such spans, or None."""
        if all(self.spans):
            return None
        return NEW if self.spans[NEW] else BASE


class DiffTree:
    """The call tree of two sides: :meth:`add` runs to both, then :meth:`sum_up`.

    Attributes
    ----------
    steps, runs:
        How many finished steps and how many runs each side has.
    scatters:
        How the self times of components differ between runs, by whether it is in the steps (and beside them)
        and component; without a component, the time of the steps, or of all threads.
    """

    def __init__(self) -> None:
        self.steps = [0, 0]
        self.runs = [0, 0]
        self.scatters: Dict[Tuple[bool, str], Scatter] = {}
        self._tops: Dict[Tuple[str, int], DiffNode] = {}

    @property
    def per_step(self) -> bool:
        """Whether the sides are compared per finished step, else per run."""
        return all(self.steps)

    @property
    def units(self) -> List[int]:
        """How many steps, or runs, the sums of each side are of."""
        return self.steps if self.per_step else self.runs

    def add(
        self,
        side: int,
        trace: Trace,
        *,
        component: Optional[str] = None,
        steps: Optional[Sequence[int]] = None,
    ) -> None:
        """Add a run to a side.

        Parameters
        ----------
        component:
            Add only the outermost spans of this component, and what is in them. All steps count.
        steps:
            Add only these of the trace's finished steps, and nothing outside them.
        """
        count = len(trace.finished_steps if steps is None else steps)
        self.runs[side] += 1
        self.steps[side] += count
        region = _regions(trace)
        nodes: List[Optional[DiffNode]] = [None] * len(trace)
        labels = labels_of(trace)
        spent: Dict[DiffNode, int] = {}
        for i in _chosen(trace, trace.roots if steps is None else steps, component):
            name = labels[trace.name[i]]
            above = trace.parent[i]
            parent = nodes[above] if above >= 0 and trace.thread[above] == trace.thread[i] else None
            siblings = parent.children if parent else self._tops
            node = siblings.get((name, region[i]))
            if node is None:
                node = DiffNode(frame_of(name, trace.component[i], trace.attributes(i)), region[i], parent)
                siblings[name, region[i]] = node
            elif side == NEW and not node.spans[NEW]:
                node.frame = frame_of(name, trace.component[i], trace.attributes(i))
            node.spans[side] += 1
            node.calls[side] += trace.calls[i]
            spent[node] = spent.get(node, 0) + trace.self_ns[i]
            nodes[i] = node
        sums: Counter[Tuple[bool, str]] = Counter()
        for node, self_ns in spent.items():
            node.self_ns[side] += self_ns
            node.scatter.add_run(side, self_ns // (count or 1))
            for in_steps in (False, True) if node.region != OUTSIDE else (False,):
                sums[in_steps, node.frame.component] += self_ns
                if node.region != BESIDE:
                    sums[in_steps, ""] += self_ns
        for key, ns in sums.items():
            self.scatters.setdefault(key, Scatter()).add_run(side, ns // (count or 1))

    def sum_up(self) -> None:
        """Compute the totals, when all runs are added."""
        nodes = [node for _, node in self.walk()]
        for node in nodes:
            node.total_ns = node.self_ns.copy()
            node.scatter.close(self.runs)
        for scatter in self.scatters.values():
            scatter.close(self.runs)
        for node in reversed(nodes):
            if node.parent:
                for side in SIDES:
                    node.parent.total_ns[side] += node.total_ns[side]

    def walk(self) -> Iterator[Tuple[int, DiffNode]]:
        """``(depth, node)``, parents first, in order of first appearance; any depth."""
        return self._walk(list)

    def heaviest_first(self) -> Iterator[Tuple[int, DiffNode]]:
        """As :meth:`walk`, but of the children of a node the one that costs most on either side first.

        The order is the same for both sides, so that a frame stays in its place when one looks at the other.
        """
        units = [count or 1 for count in self.units]

        def weight(node: DiffNode) -> float:
            return -max(node.total_ns[side] / units[side] for side in SIDES)

        return self._walk(lambda nodes: sorted(nodes, key=weight))

    def _walk(self, order: Callable[[Iterable[DiffNode]], List[DiffNode]]) -> Iterator[Tuple[int, DiffNode]]:
        stack = [(0, node) for node in reversed(order(self._tops.values()))]
        while stack:
            depth, node = stack.pop()
            yield depth, node
            stack.extend((depth + 1, child) for child in reversed(order(node.children.values())))


def _regions(trace: Trace) -> bytearray:
    region = bytearray(len(trace))
    for step in trace.finished_steps:
        region[step] = INSIDE
        for i in range(step + 1, trace.subtree_end[step]):
            above = trace.parent[i]
            region[i] = region[above] if trace.thread[above] == trace.thread[i] else BESIDE
    return region


def _chosen(trace: Trace, tops: Sequence[int], component: Optional[str]) -> Iterator[int]:
    """The spans below `tops`; with a component, those in its outermost spans."""
    for top in tops:
        if component is None:
            yield from range(top, trace.subtree_end[top])
            continue
        until = top
        for i in range(top, trace.subtree_end[top]):
            if i >= until and trace.component[i] == component:
                until = trace.subtree_end[i]
            if i < until:
                yield i
