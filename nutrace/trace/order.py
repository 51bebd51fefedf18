"""Put spans in the order of the tree: parents before children, siblings by start; cut cycles (rule 6)."""

from __future__ import annotations

from typing import List, Tuple

from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.rows import Rows


def preorder(rows: Rows, up: List[int], alive: bytearray, diagnostics: Diagnostics) -> List[int]:
    """Rows in preorder.

    Parameters
    ----------
    rows, alive:
        All rows, and which of them are left.
    up:
        For each row that of its parent; parents that close a cycle are removed from it.
    diagnostics:
        Counts the cycles.
    """
    by_start = _by_start(rows, alive)
    order = _walk(by_start, up)
    if len(order) < len(by_start):
        _cut_cycles(by_start, order, up, diagnostics)
        order = _walk(by_start, up)
    return order


def _by_start(rows: Rows, alive: bytearray) -> List[int]:
    start = rows.start_ns
    order = [row for row in range(len(start)) if alive[row]] if 0 in alive else list(range(len(start)))
    order.sort(key=start.__getitem__)

    def rank(row: int) -> Tuple[int, str, int]:
        return rows.end_ns[row], rows.name[row], rows.span_id[row]

    # Of equal starts, the one that ends first comes first; the rest makes the order unambiguous.
    before, begin = None, 0
    times = [start[row] for row in order]
    times.append(-1)
    for at, time in enumerate(times):
        if time != before:
            if at - begin > 1:
                order[begin:at] = sorted(order[begin:at], key=rank)
            before, begin = time, at
    return order


def _walk(by_start: List[int], up: List[int]) -> List[int]:
    """Preorder without recursion; spans in a cycle are not reached."""
    first, next_sibling = [-1] * len(up), [-1] * len(up)
    roots = []
    for row in reversed(by_start):
        above = up[row]
        if above < 0:
            roots.append(row)
        else:
            next_sibling[row] = first[above]
            first[above] = row
    order: List[int] = []
    visit = order.append
    for root in reversed(roots):
        row = root
        while True:
            visit(row)
            child = first[row]
            if child >= 0:
                row = child
                continue
            while row != root and next_sibling[row] < 0:
                row = up[row]
            if row == root:
                break
            row = next_sibling[row]
    return order


def _cut_cycles(by_start: List[int], reached: List[int], up: List[int], diagnostics: Diagnostics) -> None:
    done = bytearray(len(up))
    for row in reached:
        done[row] = 1
    rank = {row: place for place, row in enumerate(by_start) if not done[row]}
    for start in list(rank):
        path: List[int] = []
        row = start
        while row >= 0 and not done[row]:
            done[row] = 2
            path.append(row)
            row = up[row]
        if (row >= 0 and row in path[-1:]) or (row >= 0 and done[row] == 2):
            cycle = path[path.index(row) :]
            up[min(cycle, key=rank.__getitem__)] = -1
            diagnostics.cycles += 1
        for row in path:
            done[row] = 1
