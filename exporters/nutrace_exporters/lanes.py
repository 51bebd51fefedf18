"""Lay spans out as nested boxes, on a lane for each thread of each process."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.layout import layout

#: Number of a box for neighbours that are all shorter than the threshold.
SMALL = -1


class Box(NamedTuple):
    """An interval on a lane, in ns since the trace began, `depth` boxes deep.

    `span` is the span's number or :data:`SMALL`; `spans` is how many spans the box stands for.
    Its width is the span's cost, so a composite span weighs the sum of what it stands for.
    """

    left: int
    right: int
    depth: int
    span: int
    spans: int


class Lanes:
    """A trace laid out on lanes.

    Parameters
    ----------
    trace:
        The trace to draw.
    min_ns:
        Spans shorter than this are joined with short neighbours into one box, and the spans inside them
        are left out; no time is lost. 0 draws every span.
    """

    def __init__(self, trace: Trace, min_ns: int = 0) -> None:
        self._trace = trace
        self._min_ns = min_ns
        self._left, self._right = layout(trace)
        self._roots: List[List[int]] = [[] for _ in trace.threads]
        thread, parent = trace.thread, trace.parent
        for i in range(len(trace)):
            above = parent[i]
            if above < 0 or thread[above] != thread[i]:
                self._roots[thread[i]].append(i)
        for roots in self._roots:
            roots.sort(key=lambda i: self._left[i])

    def used(self) -> List[int]:
        """Numbers of the threads that have spans, in the trace's order."""
        return [number for number, roots in enumerate(self._roots) if roots]

    def boxes(self, thread: int) -> Iterator[Box]:
        """The boxes of a lane, each before those inside it, from left to right."""
        small = _SmallRun()
        for root in self._roots[thread]:
            yield from self._subtree(root, thread, small)
        yield from small.flush()

    def _subtree(self, root: int, thread: int, small: _SmallRun) -> Iterator[Box]:
        trace, left, right = self._trace, self._left, self._right
        threads, depths, subtree_end = trace.thread, trace.depth, trace.subtree_end
        base = depths[root]
        i, end = root, subtree_end[root]
        while i < end:
            if threads[i] != thread:
                i = subtree_end[i]  # it ran beside this thread
                continue
            depth = depths[i] - base
            if small.count and depth != small.depth:
                yield from small.flush()
            if right[i] - left[i] < self._min_ns:
                small.add(left[i], right[i] - left[i], depth, subtree_end[i] - i)
                i = subtree_end[i]
                continue
            yield from small.flush()
            yield Box(left[i], right[i], depth, i, 1)
            i += 1


class _SmallRun:
    """Neighbours shorter than the threshold, collected until another box comes."""

    __slots__ = ("count", "depth", "left", "width")

    def __init__(self) -> None:
        self.left = self.width = self.depth = self.count = 0

    def add(self, left: int, width: int, depth: int, count: int) -> None:
        if not self.count:
            self.left, self.depth = left, depth
        self.width += width
        self.count += count

    def flush(self) -> Iterator[Box]:
        if self.count:
            yield Box(self.left, self.left + self.width, self.depth, SMALL, self.count)
        self.width = self.count = 0


def brackets(boxes: Iterator[Box]) -> Iterator[Tuple[bool, Box, int]]:
    """Boxes as brackets: ``(opens, box, at)``, balanced, with `at` (ns) never decreasing.

    At equal times a closing bracket comes before an opening one.
    """
    stack: List[Box] = []
    at = 0
    for box in boxes:
        while len(stack) > box.depth:
            inner = stack.pop()
            at = max(at, inner.right)
            yield False, inner, at
        at = max(at, box.left)
        yield True, box, at
        stack.append(box)
    while stack:
        inner = stack.pop()
        at = max(at, inner.right)
        yield False, inner, at


def thread_names(trace: Trace, threads: Sequence[int]) -> List[str]:
    """A name for each lane, with the process if there are several, and the host.

    The main thread of a process often has its number, and is called as the process is.
    """
    many = len({trace.threads[number].resource for number in threads}) > 1
    hosts = [str(resource.attributes.get(semconv.HOST_NAME, "")) for resource in trace.resources]
    several_hosts = len(set(hosts)) > 1
    names = []
    for number in threads:
        key = trace.threads[number]
        name = key.name or (f"thread {key.thread_id}" if key.thread_id else "spans")
        concurrent = f" (concurrent {key.lane})" if key.lane else ""  # asyncio tasks, for example
        pid = trace.resources[key.resource].pid if key.resource < len(trace.resources) else None
        process = f"process {pid if pid is not None else key.resource}"
        if several_hosts and key.resource < len(hosts) and hosts[key.resource]:
            process += f" on {hosts[key.resource]}"
        if not many:
            names.append(f"{name}{concurrent}")
        elif not key.name and pid is not None and key.thread_id == pid:
            names.append(f"{process}{concurrent}")
        else:
            names.append(f"{name}{concurrent} ({process})")
    return names
