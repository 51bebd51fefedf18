"""What the lines at exit say, added up while spans are drained: no second look at the file.

A span's self time is its busy time less that of its children; children are drained before their
parent, so one pass does it. Times of other threads stand for themselves.
"""

from __future__ import annotations

from array import array
from typing import Dict

from nutrace import semconv
from nutrace.recording.compression import Composite, Record
from nutrace.recording.span import Span

_MOST_STEPS = 1_000_000  # bounded memory, 8 MB; percentiles then are those of the first million


class Figures:
    """Counts and sums over all spans written so far; nanoseconds."""

    def __init__(self) -> None:
        self.spans = 0  # written, composites counting one
        self.recorded = 0  # how often a probe fired
        self.yielded = 0  # resumptions of generators, which cost too
        self.step_ns = array("q")
        self.simulated_s = 0.0
        self.self_ns: Dict[str, int] = {}  # by component, inside steps
        self.self_all_ns: Dict[str, int] = {}  # by component, anywhere

    def take(self, record: Record) -> None:
        """Add one span, or a composite."""
        if isinstance(record, Composite):
            span, busy, count = record.first, record.sum_ns, record.count
        else:
            span, busy, count = record, record.ended - record.started, 1
            extra = record.extra
            if extra is not None:
                if extra.busy_ns is not None:
                    busy = extra.busy_ns
                if record.site.step:
                    self._step(record, busy)
                self.yielded += extra.attributes.get(semconv.YIELDED, 0)
        self.spans += 1
        self.recorded += count
        own = max(0, busy - span.inner_ns)
        component = span.site.component
        self.self_all_ns[component] = self.self_all_ns.get(component, 0) + own
        if in_step(span):
            self.self_ns[component] = self.self_ns.get(component, 0) + own
        parent = span.parent
        if isinstance(parent, Span):
            parent.inner_ns += busy

    def _step(self, span: Span, busy_ns: int) -> None:
        if len(self.step_ns) < _MOST_STEPS:
            self.step_ns.append(busy_ns)
        if span.extra is not None:
            interval = span.extra.attributes.get(semconv.STEP_INTERVAL_S)
            if isinstance(interval, (int, float)):
                self.simulated_s += interval


def in_step(span: Span) -> bool:
    """Whether `span` is a step or lies in one; remembered on the way up."""
    chain = []
    node: object = span
    answer = False
    while isinstance(node, Span):
        if node.in_step is not None:
            answer = node.in_step
            break
        chain.append(node)
        if node.site.step:
            answer = True
            break
        node = node.parent
    for passed in chain:
        passed.in_step = answer
    return answer
