"""Where to draw each span, so that its width is its cost.

The interval of a generator or a composite span is longer than the time spent inside it. If the interval
were drawn, it would cover the time of other spans; so the cost is drawn, and spans are moved for that, as
little as possible.
"""

from __future__ import annotations

from array import array
from typing import List, Tuple

from nutrace.trace.bounds import LATEST_NS
from nutrace.trace.trace import Trace

_EDGE_NS = LATEST_NS - 1


def layout(trace: Trace) -> Tuple[array[int], array[int]]:
    """Left and right edge of each span, in ns since the trace's earliest start.

    For every span ``right - left == busy_ns``.  Spans of one thread nest: children lie inside
    their parent, siblings do not overlap and keep their order.  Outermost spans of a thread
    (roots, and children of spans on other threads) do not overlap each other.

    A forward pass puts each sibling at its own start, or where the previous one ends if that is later. A
    backward pass pushes back those that stick out of the parent. They always fit, as nested children never
    cost more than their parent (:mod:`nutrace.trace.tree`).

    Generators that overlap are moved one after the other. In a damaged file these may take 146 years
    together: what lies beyond is drawn at that edge.
    """
    begin = trace.begin_ns
    left = [start - begin for start in trace.start_ns]
    busy, thread, parent, subtree_end = trace.busy_ns, trace.thread, trace.parent, trace.subtree_end
    heads = [span for span in range(len(trace)) if parent[span] < 0 or thread[parent[span]] != thread[span]]
    heads.sort(key=left.__getitem__)
    free = [0] * len(trace.threads)
    for head in heads:
        at = max(left[head], free[thread[head]])
        left[head] = at
        free[thread[head]] = at + busy[head]

    for span in range(len(trace)):
        end = subtree_end[span]
        child = span + 1
        if child == end:
            continue
        edge = left[span]
        own = thread[span]
        while child < end:
            if thread[child] == own:
                if left[child] < edge:
                    left[child] = edge
                edge = left[child] + busy[child]
            child = subtree_end[child]
        if edge > left[span] + busy[span]:
            _push_back(trace, left, span)
    right = [at + width for at, width in zip(left, busy)]
    return _within(left), _within(right)


def _within(positions: List[int]) -> array[int]:
    if max(positions, default=0) > _EDGE_NS:
        positions = [min(position, _EDGE_NS) for position in positions]
    return array("q", positions)


def _push_back(trace: Trace, left: List[int], span: int) -> None:
    nested: List[int] = [child for child in trace.children(span) if trace.nested(child)]
    edge = left[span] + trace.busy_ns[span]
    for child in reversed(nested):
        room = edge - trace.busy_ns[child]
        if left[child] <= room:
            return
        left[child] = edge = room
