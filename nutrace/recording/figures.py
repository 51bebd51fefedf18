"""What the lines at exit say, added up while spans are drained: no second look at the file.

A span's self time is its busy time less that of its children; children are drained before their
parent, so one pass does it. Times of other threads stand for themselves.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, Iterable, Optional

from nutrace import semconv
from nutrace.recording.compression import Composite, Record
from nutrace.recording.span import Extra, Parent, Remote, Span

_MOST_STEPS = 1_000_000  # bounded memory, 8 MB; percentiles then are those of the first million
_MOST_OPEN = 10_000


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
        # Of spans that have not been written yet, and have children that were:
        self._inner_ns: Dict[Span, int] = {}
        self._inside: Dict[Span, bool] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Add spans and composites, in the order in which they are written."""
        self_all_ns, self_ns, inner_ns = self.self_all_ns, self.self_ns, self._inner_ns
        beside: Any = self  # the parent of the record before: siblings follow each other
        below_step = False
        for record in records:
            inner = 0
            site = record.site
            inside = site.step
            if isinstance(record, Composite):
                busy = record.sum_ns
                self.recorded += record.count
            else:
                busy = record.ended - record.started
                if record.extra is None:
                    self.recorded += 1
                else:
                    busy = self._with_extra(record, record.extra, busy)
                inner = inner_ns.pop(record, 0)
                self._inside.pop(record, None)
            self.spans += 1
            own = busy - inner if busy > inner else 0
            component = site.component
            self_all_ns[component] = self_all_ns.get(component, 0) + own
            parent = record.parent
            if isinstance(parent, Span):
                inner_ns[parent] = inner_ns.get(parent, 0) + busy
                if parent is not beside:
                    beside, below_step = parent, self._is_inside(parent)
                inside = inside or below_step
            if inside:
                self_ns[component] = self_ns.get(component, 0) + own

    def _with_extra(self, span: Span, extra: Extra, busy_ns: int) -> int:
        if extra.busy_ns is not None:
            busy_ns = extra.busy_ns
        if extra.continues is None:  # else its first span has counted the call
            self.recorded += 1
        if span.site.step:
            self._step(span, busy_ns)
        self.yielded += extra.attributes.get(semconv.YIELDED, 0)
        return busy_ns

    def forget_ended(self) -> None:
        """Keep memory bounded: generators that outlived the span above them leave its sum behind."""
        if len(self._inner_ns) > _MOST_OPEN:
            self._inner_ns = {span: inner for span, inner in self._inner_ns.items() if not span.ended}
            self._inside = {span: inside for span, inside in self._inside.items() if not span.ended}

    def _is_inside(self, span: Span) -> bool:
        known = self._inside.get(span)
        if known is None:
            chain = []
            node: Optional[Parent] = span
            known = False
            while node is not None and not isinstance(node, Remote) and not known:
                if node in self._inside:
                    known = self._inside[node]
                    break
                chain.append(node)
                known = node.site.step
                node = node.parent
            self._inside.update((passed, known) for passed in chain)
        return known

    def _step(self, span: Span, busy_ns: int) -> None:
        if len(self.step_ns) < _MOST_STEPS:
            self.step_ns.append(busy_ns)
        if span.extra is not None:
            interval = span.extra.attributes.get(semconv.STEP_INTERVAL_S)
            if isinstance(interval, (int, float)):
                self.simulated_s += interval
