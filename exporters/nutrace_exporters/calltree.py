"""Merge equal stacks into a call tree, as collapsed stacks and static pictures show them."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Tuple

from nutrace.trace import Trace
from nutrace_exporters.labels import label
from nutrace_exporters.lanes import thread_names


class Node:
    """All spans with the same names from the root down.

    ``self_ns`` is the sum over them; ``total_ns`` is ``self_ns`` plus the children's totals, so that widths
    always add up.
    """

    __slots__ = ("calls", "children", "component", "name", "self_ns", "total_ns")

    def __init__(self, name: str, component: str) -> None:
        self.name = name
        self.component = component
        self.calls = 0
        self.self_ns = 0
        self.total_ns = 0
        self.children: Dict[str, Node] = {}

    def child(self, name: str, component: str) -> Node:
        """The child called `name`, a new one if there is none."""
        node = self.children.get(name)
        if node is None:
            node = self.children[name] = Node(name, component)
        return node


def merge(trace: Trace) -> Node:
    """The call tree of `trace` below a root without a name.

    In a trace of several threads, the first level are the threads.
    """
    top = Node("", "other")
    used = sorted(set(trace.thread))
    threads = dict.fromkeys(used, top)
    if len(used) > 1:
        for number, name in zip(used, thread_names(trace, used)):
            threads[number] = top.child(label(name), "other")
    nodes: List[Optional[Node]] = [None] * len(trace)
    order: List[Tuple[Node, Node]] = []  # (parent, child), parents first
    for i in range(len(trace)):
        above = trace.parent[i]
        here = trace.thread[i]
        inside = nodes[above] if above >= 0 and trace.thread[above] == here else None
        parent = inside or threads[here]
        known = len(parent.children)
        node = parent.child(label(trace.name[i]), trace.component[i])
        if len(parent.children) > known:
            order.append((parent, node))
        node.calls += trace.calls[i]
        node.self_ns += trace.self_ns[i]
        nodes[i] = node
    for parent, node in reversed(order):
        node.total_ns += node.self_ns
        parent.total_ns += node.total_ns
    if len(used) > 1:
        top.total_ns = sum(node.total_ns for node in top.children.values())
    return top


def walk(top: Node) -> Iterator[Tuple[int, Node]]:
    """``(depth, node)`` below `top`, parents first, in order of first appearance; any depth."""
    stack = [(0, node) for node in reversed(list(top.children.values()))]
    while stack:
        depth, node = stack.pop()
        yield depth, node
        stack.extend((depth + 1, child) for child in reversed(list(node.children.values())))
