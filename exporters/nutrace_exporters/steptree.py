"""The call tree of the mean step, cut to the lines that say where its time goes.

The command line and notebooks show it.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from itertools import count
from typing import Iterable, List, Optional, Sequence, Set, Tuple

from nutrace.trace import Trace
from nutrace_exporters.calltree import Node, Parts, SampledNode, merge_parts

#: Lines of a tree, if the user does not say how many.
LINES = 20
LEAST_SHARE = 0.01  # of a step, for a line


@dataclass(frozen=True)
class StepTree:
    """Equal paths of spans, merged over steps, scenarios, threads and processes.

    Attributes
    ----------
    steps:
        The number of finished steps; 0 if there are none, and the tree is of all of the trace.
    whole_ns:
        The time of the steps, of which shares are parts.
    inside:
        The spans of the steps, or of all of it, on their own threads: the outermost.
    beside:
        The same of what these started on other threads: its time is not in theirs.
    outside:
        The same of all other spans: the time of steps is not in theirs.
    """

    steps: int
    whole_ns: int
    inside: Tuple[Node, ...]
    beside: Tuple[Node, ...]
    outside: Tuple[Node, ...]

    @property
    def beside_heading(self) -> str:
        """What is in `beside`."""
        return f"Started in {'the steps' if self.steps else 'these'}, and ran beside them on other threads"


def step_tree(trace: Trace) -> StepTree:
    """The tree of a trace, or of what was selected from one; without steps that of :func:`root_tree`."""
    if not trace.finished_steps:
        return root_tree(trace)
    return _tree(len(trace.finished_steps), merge_parts(trace, trace.finished_steps))


def root_tree(trace: Trace) -> StepTree:
    """The tree of all that is below a trace's roots, whatever steps there are."""
    return _tree(0, merge_parts(trace, trace.roots))


def _tree(steps: int, parts: Parts) -> StepTree:
    inside, beside, outside = map(_sorted, parts)
    return StepTree(steps, _total_ns(inside), inside, beside, outside)


def _sorted(top: Node) -> Tuple[Node, ...]:
    return tuple(sorted(top.children.values(), key=weight))


def _total_ns(nodes: Sequence[Node]) -> int:
    return sum(node.total_ns for node in nodes)


@dataclass(frozen=True)
class Line:
    """A line of a tree.

    Attributes
    ----------
    last:
        For each level below the first, down to that of the line: whether what is there is the last of its
        siblings.
    node:
        None for a line that stands for `hidden` siblings, which take `hidden_ns`.
    """

    last: Tuple[bool, ...]
    node: Optional[Node]
    hidden: int = 0
    hidden_ns: int = 0


@dataclass(frozen=True)
class Cut:
    """The lines of a tree, and the time of the spans that no line stands for."""

    lines: Tuple[Line, ...]
    left_out_ns: int


@dataclass(frozen=True)
class Limits:
    """What has a line.

    Attributes
    ----------
    most:
        The number of lines, 0 for as many as there are.
    least_share:
        Of the whole time, for a line: the others may be counted together. It matters only with `most`.
    least_ns:
        What has less has no line.
    depth:
        Nor what has more nodes above it than this.
    """

    most: int = LINES
    least_share: float = LEAST_SHARE
    least_ns: float = 0
    depth: float = math.inf

    @property
    def exact(self) -> bool:
        """Whether it is said what has no line, however few there are."""
        return self.least_ns > 0 or self.depth < math.inf


def cut(roots: Sequence[Node], whole_ns: int, limits: Limits) -> Cut:
    """The lines that say most about where time goes."""
    least_ns = round(limits.least_share * whole_ns) if limits.most else 0
    ranked = heaviest(roots, whole_ns, limits)
    while True:
        result = _lines(roots, set(map(id, ranked)), least_ns, limits.exact)
        if not limits.most or len(result.lines) <= limits.most or not ranked:
            return result
        ranked.pop()


def heaviest(roots: Sequence[Node], whole_ns: int, limits: Limits) -> List[Node]:
    """The nodes with most time, each behind the one that it is below: those that may have a line."""
    least_ns = max(limits.least_share * whole_ns, 1) if limits.most else 0
    ranked: List[Node] = []
    number = count()
    waiting: List[Tuple[int, str, int, int, Node]] = []

    def add(nodes: Iterable[Node], depth: int, least_ns: float) -> None:
        if depth <= limits.depth:
            for node in nodes:
                if node.total_ns >= max(least_ns, limits.least_ns):
                    heapq.heappush(waiting, (*weight(node), next(number), depth, node))

    add(roots, 0, 0)
    while waiting and not (limits.most and len(ranked) == limits.most):
        *_, depth, node = heapq.heappop(waiting)
        ranked.append(node)
        add(node.children.values(), depth + 1, least_ns)
    return ranked


def weight(node: Node) -> Tuple[int, str]:
    """What nodes are sorted by: the one with most time comes first."""
    return -node.total_ns, node.name


def _lines(roots: Sequence[Node], shown: Set[int], least_ns: int, exact: bool) -> Cut:
    """Lines for the nodes that are `shown`, and for the others below a node if they are much."""
    lines: List[Line] = []
    left_out_ns = 0
    waiting: List[Line] = []  # the next one at the end

    def add(nodes: Iterable[Node], above: Optional[Line]) -> None:
        nonlocal left_out_ns
        below: List[Tuple[Optional[Node], int, int]] = []
        hidden: List[Node] = []
        for node in sorted(nodes, key=weight):
            if id(node) in shown:
                below.append((node, 0, 0))
            elif not isinstance(node, SampledNode):  # whose time is a part of the self time above
                hidden.append(node)
        hidden_ns = sum(node.total_ns for node in hidden)
        if hidden_ns < max(least_ns, 1):
            left_out_ns += hidden_ns
        elif len(hidden) == 1 and not exact and (above is None or id(above.node) in shown):
            # Its name takes no more lines than its number.
            below.append((hidden[0], 0, 0))
        else:
            below.append((None, len(hidden), hidden_ns))
        for at, line in enumerate(reversed(below)):
            last = () if above is None else (*above.last, at == 0)
            waiting.append(Line(last, *line))

    add(roots, None)
    while waiting:
        line = waiting.pop()
        lines.append(line)
        if line.node is not None:
            add(line.node.children.values(), line)
    return Cut(tuple(lines), left_out_ns)
