"""The totals that the lines at exit show: added up while spans are written, so that no file is read again.

A span's self time is its busy time less that of its children; children are written before their
parent, so one pass is enough. Times of other threads stand for themselves.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, Iterable, List, Mapping, Union

from nutrace import semconv
from nutrace.prices import events
from nutrace.recording.composites import Composite, Record
from nutrace.recording.span import CallSite, Parent, Remote, Span, SpanDetails

_MOST_STEPS = 1_000_000  # bounded memory, 8 MB; percentiles then are those of the first million
_MOST_OPEN = 10_000
_MOST_SITES = 4096
_NUMBERS = semconv.YIELDED, semconv.DB_ROWS, semconv.SQL_ROWS_AT_ONCE
_NO_CHILDREN = (0,)
_ERROR = 2  # OTLP's status of a span that an error has left


class Totals:
    """Counts and sums over all spans written so far; nanoseconds."""

    def __init__(self) -> None:
        self.spans = 0  # written, composites counting one
        self.recorded = 0  # how often a probe fired
        self.first_ns = self.last_ns = 0  # the earliest start and the latest end, readings of the clock
        self._events: Dict[str, int] = {}  # by kind: see `nutrace.prices`
        self._of_methods: Dict[str, int] = {}  # of these, those of methods
        self._plain: Dict[CallSite, int] = {}  # spans without details, which are not in there yet
        self.step_ns = array("q")
        self.simulated_s = 0.0
        self.self_ns: Dict[str, int] = {}  # by component, inside steps
        self.self_all_ns: Dict[str, int] = {}  # by component, anywhere
        # Of spans that have not been written yet, and have children that were: the children's time so far,
        # and whether a step is above, or the span itself.
        self._above: Dict[Record, List[Any]] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Add what is written, in that order."""
        self_all_ns, self_ns, above = self.self_all_ns, self.self_ns, self._above
        plain = self._plain
        first_ns, last_ns = self.first_ns, self.last_ns
        beside: Any = self  # the parent of the record before: siblings follow each other
        own: List[Any] = []  # what is kept of that parent
        for record in records:
            site = record.site
            inside = site.step
            if record.started < first_ns or not first_ns:
                first_ns = record.started
            if record.ended > last_ns:
                last_ns = record.ended
            if type(record) is Span:
                busy = record.ended - record.started
                if record.details is None:
                    self.recorded += 1
                    plain[site] = plain.get(site, 0) + 1
                else:
                    busy = self._with_details(record, record.details, busy)
                inner = above.pop(record, _NO_CHILDREN)[0]
                self.spans += 1
            else:
                self.spans += 1
                busy = record.sum_ns  # type: ignore[union-attr]
                self.recorded += record.count  # type: ignore[union-attr]
                numbers: Mapping[str, Any] = record.numbers  # type: ignore[union-attr]
                self._count(site, record.count, numbers)  # type: ignore[union-attr]
                inner = above.pop(record, _NO_CHILDREN)[0]
            parent = record.parent
            if type(parent) is Span:
                if parent is not beside:
                    beside = parent
                    # A collection struck a short leaf, which has been merged with its siblings.
                    above_it: Any = parent.parent
                    kept = above_it if type(above_it) is Composite else parent
                    own = above.get(kept) or self._keep(kept)
                own[0] += busy
                inside = inside or own[1]
            spent = busy - inner if busy > inner else 0
            component = site.component
            self_all_ns[component] = self_all_ns.get(component, 0) + spent
            if inside:
                self_ns[component] = self_ns.get(component, 0) + spent
        self.first_ns, self.last_ns = first_ns, last_ns

    def _with_details(self, span: Span, details: SpanDetails, busy_ns: int) -> int:
        if details.busy_ns is not None:
            busy_ns = details.busy_ns
        calls = 1 if details.continues is None else 0  # its first span has counted the call
        self.recorded += calls
        self._count(span.site, calls, details.attributes, failed=details.status[0] == _ERROR)
        if span.site.step and not details.unfinished:
            self._step(span, busy_ns)
        return busy_ns

    def _count(
        self,
        site: CallSite,
        calls: int,
        attributes: Mapping[str, Any],
        *,
        failed: bool = False,
        times: int = 1,
    ) -> None:
        by_api = site.scope[0] != semconv.SCOPE
        # A span of the program's may have anything by those names.
        yielded, rows, at_once = (
            number if type(number) is int and not by_api else 0 for number in map(attributes.get, _NUMBERS)
        )
        counts, of_methods = self._events, self._of_methods
        for kind, number in events(
            site.name, calls, yielded=yielded, rows=rows - at_once, failed=failed, by_api=by_api
        ):
            counts[kind] = counts.get(kind, 0) + number * times
            if site.of_method:
                of_methods[kind] = of_methods.get(kind, 0) + number * times

    def _count_plain(self) -> None:
        plain, self._plain = self._plain, {}
        for site, spans in plain.items():
            self._count(site, 1, {}, times=spans)

    def events(self) -> Dict[str, int]:
        """How many events there were of each kind of :mod:`nutrace.prices`."""
        self._count_plain()
        return dict(self._events)

    def of_methods(self, kind: str) -> float:
        """The part of a kind's events that are calls of methods."""
        self._count_plain()
        return self._of_methods.get(kind, 0) / self._events.get(kind, 1)

    def forget_ended(self) -> None:
        """Keep memory bounded: a generator that outlives the span above it leaves that span's sum behind.

        The program may give spans any number of names.
        """
        if len(self._plain) > _MOST_SITES:
            self._count_plain()
        if len(self._above) > _MOST_OPEN:
            self._above = {span: kept for span, kept in self._above.items() if not span.ended}

    def _keep(self, span: Record) -> List[Any]:
        kept = self._above[span] = [0, self._is_inside(span)]
        return kept

    def _is_inside(self, span: Record) -> bool:
        node: Union[Record, Parent, None] = span
        while node is not None and not isinstance(node, Remote):
            kept = self._above.get(node)
            if kept is not None:
                return bool(kept[1])
            if node.site.step:
                return True
            node = node.parent
        return False

    def _step(self, span: Span, busy_ns: int) -> None:
        if len(self.step_ns) < _MOST_STEPS:
            self.step_ns.append(busy_ns)
        if span.details is not None:
            interval = span.details.attributes.get(semconv.STEP_INTERVAL_S)
            if isinstance(interval, (int, float)):
                self.simulated_s += interval
