"""Compute what each span costs, with its children and without: rules 8 to 10 of the tree."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Dict, List, Tuple

from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.rows import Rows

#: Clocks that count microseconds round by as much; more than that is not rounding.
ROUNDING_NS = 1_000


@dataclass(frozen=True)
class Nesting:
    """Cost columns in preorder; ``lanes`` maps added thread numbers to (base thread, lane)."""

    busy_ns: array[int]
    self_ns: array[int]
    thread: array[int]
    lanes: Dict[int, Tuple[int, int]]


def nest(rows: Rows, parent: List[int], diagnostics: Diagnostics) -> Nesting:
    """Decide for every span whether it lies inside its parent, and what is left of the parent."""
    # Lists, as reading an array makes an int object each time.
    start, end, thread = rows.start_ns.tolist(), rows.end_ns.tolist(), rows.thread.tolist()
    count = len(start)
    left = [0] * count  # the part of each span's cost that no child has taken yet
    sibling_end = [0] * count  # per parent: end of the last plain child
    untold = {number for number, (_, thread_id, _) in enumerate(rows.threads) if thread_id is None}
    nested = bytearray(count)
    heads: List[int] = []  # the outermost spans of each thread
    beside: List[int] = []  # spans that need a lane

    for span, (begin, finish, cost, above, own) in enumerate(zip(start, end, rows.busy_ns, parent, thread)):
        plain = cost < 0
        if plain:
            cost = finish - begin
        elif cost > finish - begin:
            diagnostics.busy_clamped += 1
            cost = finish - begin
        if above < 0:
            heads.append(span)
        else:
            if own in untold and rows.threads[thread[above]][0] == rows.threads[own][0]:
                own = thread[span] = thread[above]
            if own != thread[above]:
                heads.append(span)
            else:
                early, late = start[above] - begin, finish - end[above]
                if early > 0 or late > 0:
                    diagnostics.outside_parent += 1
                    if max(early, late) <= ROUNDING_NS and finish >= start[above] and begin <= end[above]:
                        begin = start[span] = max(begin, start[above])
                        finish = end[span] = min(finish, end[above])
                        cost = min(cost, finish - begin)
                        early = late = 0
                room = left[above] - cost
                if early > 0 or late > 0:
                    beside.append(span)
                elif room < -ROUNDING_NS or (plain and begin < sibling_end[above] - ROUNDING_NS):
                    diagnostics.overlapping += 1
                    beside.append(span)
                else:
                    if room < 0:
                        cost, room = cost + room, 0
                    nested[span] = 1
                    left[above] = room
                    if plain and finish > sibling_end[above]:
                        sibling_end[above] = finish
        left[span] = cost
        rows.busy_ns[span] = cost
    del sibling_end
    rows.start_ns, rows.end_ns, rows.thread = array("q", start), array("q", end), array("i", thread)
    return _lay_lanes(rows, parent, nested, heads, beside, array("q", left), diagnostics)


def _lay_lanes(
    rows: Rows,
    parent: List[int],
    nested: bytearray,
    heads: List[int],
    beside: List[int],
    self_ns: array[int],
    diagnostics: Diagnostics,
) -> Nesting:
    start, end, thread = rows.start_ns, rows.end_ns, rows.thread
    heads.sort(key=start.__getitem__)
    head_end: Dict[int, int] = {}
    for span in heads:
        before = head_end.get(thread[span], 0)
        # A generator's interval holds time of others, which may overlap it.
        generator = rows.busy_ns[span] < end[span] - start[span]
        if not generator and start[span] < before - ROUNDING_NS:
            diagnostics.overlapping += 1
            beside.append(span)
        elif not generator and end[span] > before:
            head_end[thread[span]] = end[span]
    lanes: Dict[int, Tuple[int, int]] = {}
    if not beside:
        return Nesting(rows.busy_ns, self_ns, thread, lanes)

    beside.sort(key=lambda span: (start[span], span))
    free: Dict[int, List[Tuple[int, int]]] = {}  # per thread, a heap of (free from, lane's number)
    opened: Dict[int, int] = {}
    for span in beside:
        base = thread[span]
        heap = free.setdefault(base, [])
        if heap and heap[0][0] <= start[span]:
            _, number = heappop(heap)
        else:
            number = len(rows.threads) + len(lanes)
            opened[base] = opened.get(base, 0) + 1
            lanes[number] = (base, opened[base])
        heappush(heap, (end[span], number))
        thread[span] = number
    moved = set(beside)
    for span, above in enumerate(parent):
        if nested[span]:
            thread[span] = thread[above]
        elif span in moved and above >= 0 and thread[span] == thread[above]:
            # Its parent was moved to the same lane, where a child would lie inside it: open another lane.
            base, _ = lanes[thread[span]]
            thread[span] = len(rows.threads) + len(lanes)
            opened[base] += 1
            lanes[thread[span]] = (base, opened[base])
    return Nesting(rows.busy_ns, self_ns, thread, lanes)
