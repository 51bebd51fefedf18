"""Tell frames whose cost moved from those that are new or vanished.

A frame that is called from another place now, or that was renamed, is missing on one path and turns up on
another one. Shown as a loss and a gain, one cost would be two differences where there is none. ``nutrace
compare`` finds moves by the same signs, on the figures of many runs.
"""

from __future__ import annotations

import math
from typing import Dict, List, Optional, Set, Tuple

from nutrace import semconv
from nutrace_exporters.difftree import BASE, NEW, DiffNode, DiffTree

#: By which factor the times of one cost may differ, for a frame of the same name and of another one.
SAME_NAME_WITHIN, RENAMED_WITHIN = 4.0, 1.5
#: Bounds on the search for where a frame went: frames of its name, and callers that are compared.
MOST_CANDIDATES, MOST_CALLERS = 100, 20

#: Component and name of a frame.
_Kind = Tuple[str, str]


def mark_moved(tree: DiffTree) -> None:
    """Pair frames that only the base has with frames that only the new side has, where they are the same.

    Two frames are the same

    - if they have the same caller, component and calls per step, call the same, and take about the same time,
      while each has a name that the other side does not know: the frame was renamed;
    - or else if they have the same name, component and calls per step;
    - or if they have the same name, below frames that are the same.

    A frame is in one pair at most.
    """
    lost: List[Tuple[int, DiffNode]] = []
    gained: Dict[_Kind, List[DiffNode]] = {}
    below: Dict[Tuple[Optional[DiffNode], str], List[DiffNode]] = {}  # by caller and component
    for depth, node in tree.walk():
        # A garbage collection strikes anywhere: it does not move by itself.
        if node.only is None or node.frame.name == semconv.GC_SPAN:
            continue
        if node.only == BASE:
            lost.append((depth, node))
        else:
            gained.setdefault(_kind(node), []).append(node)
            below.setdefault((node.parent, node.frame.component), []).append(node)
    lost.sort(key=lambda each: each[0])  # the outermost first, so that what they call goes with them
    names_lost = {_kind(node) for _, node in lost}
    for _, node in lost:
        if node.moved is None and _kind(node) not in gained:
            around = node.parent and (node.parent.moved or node.parent)
            others = below.get((around, node.frame.component), [])
            to = _renamed(tree, node, [other for other in others if _kind(other) not in names_lost])
            if to is not None:
                _pair(node, to)
    for _, node in lost:
        if node.moved is None:
            to = _nearest(tree, node, gained.get(_kind(node), []))
            if to is not None:
                _pair(node, to)


def _pair(node: DiffNode, to: DiffNode) -> None:
    """Pair two frames, and those of the same names below them."""
    pairs = [(node, to)]
    while pairs:
        old, new = pairs.pop()
        if old.moved is None and new.moved is None:
            old.moved, new.moved = new, old
            pairs.extend(
                (child, new.children[key]) for key, child in old.children.items() if key in new.children
            )


def _kind(node: DiffNode) -> _Kind:
    return node.frame.component, node.frame.name


def _nearest(tree: DiffTree, node: DiffNode, others: List[DiffNode]) -> Optional[DiffNode]:
    """The frame of the same name with the most callers in common."""
    return min(
        _alike(tree, node, others, SAME_NAME_WITHIN),
        key=lambda other: (-_common_callers(node, other), _factor(tree, node, other)),
        default=None,
    )


def _renamed(tree: DiffTree, node: DiffNode, others: List[DiffNode]) -> Optional[DiffNode]:
    """The only frame that can be this one under another name."""
    calls = _called(node)
    same = [other for other in _alike(tree, node, others, RENAMED_WITHIN) if _called(other) == calls]
    return same[0] if len(same) == 1 else None


def _called(node: DiffNode) -> Set[_Kind]:
    return {_kind(child) for child in node.children.values() if child.frame.name != semconv.GC_SPAN}


def _alike(tree: DiffTree, node: DiffNode, others: List[DiffNode], within: float) -> List[DiffNode]:
    """Those in no pair yet with as many calls per step, whose times differ by this factor at most."""
    base, new = tree.units
    return [
        other
        for other in others[:MOST_CANDIDATES]
        if other.moved is None
        and node.calls[BASE] * new == other.calls[NEW] * base
        and _factor(tree, node, other) <= within
    ]


def _factor(tree: DiffTree, node: DiffNode, other: DiffNode) -> float:
    """By which factor the times per step differ, 1 if they are equal."""
    base, new = node.total_ns[BASE] / tree.units[BASE], other.total_ns[NEW] / tree.units[NEW]
    if base == new:
        return 1.0
    return max(base, new) / min(base, new) if base and new else math.inf


def _common_callers(node: DiffNode, other: DiffNode) -> int:
    """How many callers have the same names, from the nearest one up."""
    count = 0
    one, two = node.parent, other.parent
    while one and two and one.frame.name == two.frame.name and count < MOST_CALLERS:
        one, two = one.parent, two.parent
        count += 1
    return count
