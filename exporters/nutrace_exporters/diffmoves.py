"""Tell frames whose cost moved from those that are new or vanished.

A frame that is called from another place now, or that was renamed, is missing on one path and turns up on
another one. Shown as a loss and a gain, one cost would be two differences where there is none.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from nutrace_exporters.difftree import BASE, NEW, DiffNode, DiffTree

#: How far the calls per step, and for another name also the time, may differ for it to be the same cost.
CALLS_WITHIN, TIME_WITHIN = 0.05, 0.25
#: How many frames of one name are looked at, to find where one of them went.
MOST_CANDIDATES = 200

#: Component and name of a frame.
_Kind = Tuple[str, str]


def mark_moved(tree: DiffTree) -> None:
    """Pair frames that only the base has with frames that only the new side has, where they are the same.

    Two frames are the same if they have one name, one component and about as many calls per step. A frame
    that has a name which the other side does not know was renamed, if one with about the same calls and time
    is below the same caller. A frame is in one pair at most.
    """
    lost: List[DiffNode] = []
    gained: Dict[_Kind, List[DiffNode]] = {}
    below: Dict[Tuple[Optional[DiffNode], str], List[DiffNode]] = {}  # by caller and component
    for _, node in tree.walk():
        if node.only == BASE:
            lost.append(node)
        elif node.only == NEW:
            gained.setdefault(_kind(node), []).append(node)
            below.setdefault((node.parent, node.frame.component), []).append(node)
    names_lost = {_kind(node) for node in lost}
    for node in lost:  # callers before what they call
        around = node.parent and (node.parent.moved or node.parent)
        if _kind(node) in gained:
            to = _nearest(tree, node, around, gained[_kind(node)])
        else:
            others = below.get((around, node.frame.component), [])
            to = _renamed(tree, node, [other for other in others if _kind(other) not in names_lost])
        if to is not None:
            node.moved, to.moved = to, node


def _kind(node: DiffNode) -> _Kind:
    return node.frame.component, node.frame.name


def _nearest(
    tree: DiffTree, node: DiffNode, around: Optional[DiffNode], others: List[DiffNode]
) -> Optional[DiffNode]:
    """The frame below the same caller, if this moved as well; else the one with the nearest time."""

    def apart(other: DiffNode) -> Tuple[bool, float]:
        base, new = _times(tree, node, other)
        return other.parent is not around, abs(new - base)

    return min(_as_often(tree, node, others), key=apart, default=None)


def _renamed(tree: DiffTree, node: DiffNode, others: List[DiffNode]) -> Optional[DiffNode]:
    """The only frame that can be this one under another name."""
    same = [
        other
        for other in _as_often(tree, node, others)
        if _alike(*_times(tree, node, other), within=TIME_WITHIN)
    ]
    return same[0] if len(same) == 1 else None


def _as_often(tree: DiffTree, node: DiffNode, others: List[DiffNode]) -> List[DiffNode]:
    calls = node.calls[BASE] / tree.units[BASE]
    return [
        other
        for other in others[:MOST_CANDIDATES]
        if other.moved is None and _alike(calls, other.calls[NEW] / tree.units[NEW], within=CALLS_WITHIN)
    ]


def _times(tree: DiffTree, node: DiffNode, other: DiffNode) -> Tuple[float, float]:
    return node.total_ns[BASE] / tree.units[BASE], other.total_ns[NEW] / tree.units[NEW]


def _alike(one: float, other: float, *, within: float) -> bool:
    return abs(one - other) <= within * max(one, other)
