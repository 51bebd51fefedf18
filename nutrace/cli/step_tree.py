"""The call tree of the mean step, cut to the lines that say where its time goes."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import Iterable, List, Optional, Sequence, Set, Tuple

from nutrace.semconv import STEP_SPAN
from nutrace.trace import Trace
from nutrace.trace.selection import finished_steps
from nutrace_exporters.calltree import Node, SampledNode, merge

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
        The spans of the steps, on their own threads: the outermost.
    beside:
        The same of what the steps started on other threads: its time is not in theirs.
    """

    steps: int
    whole_ns: int
    inside: Tuple[Node, ...]
    beside: Tuple[Node, ...]


def step_tree(trace: Trace) -> StepTree:
    """The tree of a trace, or of what was selected from one."""
    steps = len(trace.finished_steps)
    top = merge(finished_steps(trace) if steps else trace, by_thread=False)
    roots = sorted(top.children.values(), key=_weight)
    inside = tuple(node for node in roots if not steps or node.name == STEP_SPAN)
    beside = tuple(node for node in roots if node not in inside)
    return StepTree(steps, sum(node.total_ns for node in inside), inside, beside)


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


def cut(roots: Sequence[Node], whole_ns: int, most: int) -> Cut:
    """The lines that say most about where time goes.

    Parameters
    ----------
    most:
        The number of lines, 0 for the whole tree.
    """
    if not most:
        return _lines(roots, None, 0)
    least_ns = round(LEAST_SHARE * whole_ns)
    ranked = _heaviest(roots, least_ns, most)
    while True:
        result = _lines(roots, set(map(id, ranked)), least_ns)
        if len(result.lines) <= most or not ranked:
            return result
        ranked.pop()


def _heaviest(roots: Sequence[Node], least_ns: int, most: int) -> List[Node]:
    """The nodes with most time, each behind the one that it is below."""
    ranked: List[Node] = []
    number = count()
    waiting = [(*_weight(node), next(number), node) for node in roots]
    heapq.heapify(waiting)
    while waiting and len(ranked) < most:
        *_, node = heapq.heappop(waiting)
        ranked.append(node)
        for child in node.children.values():
            if child.total_ns >= max(least_ns, 1):
                heapq.heappush(waiting, (*_weight(child), next(number), child))
    return ranked


def _weight(node: Node) -> Tuple[int, str]:
    """What nodes are sorted by: the one with most time comes first."""
    return -node.total_ns, node.name


def _lines(roots: Sequence[Node], shown: Optional[Set[int]], least_ns: int) -> Cut:
    """Lines for the nodes that are `shown`, or for all, and for the others below a node if they are much."""
    lines: List[Line] = []
    left_out_ns = 0
    waiting: List[Line] = []  # the next one at the end

    def is_shown(node: Optional[Node]) -> bool:
        return shown is None or id(node) in shown

    def add(nodes: Iterable[Node], above: Optional[Line]) -> None:
        nonlocal left_out_ns
        below: List[Tuple[Optional[Node], int, int]] = []
        hidden: List[Node] = []
        for node in sorted(nodes, key=_weight):
            if is_shown(node):
                below.append((node, 0, 0))
            elif not isinstance(node, SampledNode):  # whose time is a part of the self time above
                hidden.append(node)
        hidden_ns = sum(node.total_ns for node in hidden)
        if hidden_ns < max(least_ns, 1):
            left_out_ns += hidden_ns
        elif len(hidden) == 1 and (above is None or is_shown(above.node)):  # its name takes no more lines
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
