"""The totals that the lines at exit show: added up while spans are written, so that no file is read again.

A span's self time is its busy time less that of its children; children are written before their
parent, so one pass is enough. Times of other threads stand for themselves.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, Iterable, List, Mapping, Tuple, Union

from nutrace import semconv
from nutrace.prices import Calibration, events
from nutrace.recording.composites import Composite, Record
from nutrace.recording.span import CallSite, Parent, Remote, Span, SpanDetails

_MOST_STEPS = 1_000_000  # bounded memory, 8 MB; percentiles then are those of the first million
_MOST_OPEN = 10_000
_MOST_SITES = 4096
_NO_CHILDREN = (0, False, 0.0, 0)
_FREE = Calibration()
_ERROR = 2  # OTLP's status of a span that an error has left


class Totals:
    """Counts and sums over all spans written so far; nanoseconds.

    Times are without what nutrace spends in them, as in the report: see `calibration`.

    Parameters
    ----------
    calibration:
        What events cost.
    """

    def __init__(self, calibration: Calibration = _FREE) -> None:
        self.calibration = calibration
        self.spans = 0  # written, composites counting one
        self.recorded = 0  # how often a probe fired
        self.first_ns = self.last_ns = 0  # the earliest start and the latest end, readings of the clock
        self._events: Dict[str, int] = {}  # by kind: see `nutrace.prices`
        self._of_methods: Dict[str, int] = {}  # of these, those of methods
        # Spans that stand for a call and nothing else, which are not in there yet, and what each of them
        # costs the span above it.
        self._plain: Dict[CallSite, List[float]] = {}
        self.step_ns = array("q")
        self.simulated_s = 0.0
        self.self_ns: Dict[str, int] = {}  # by component, inside steps
        self.self_all_ns: Dict[str, int] = {}  # by component, anywhere
        # Of spans that have not been written yet, and have children that were: the children's time so far,
        # whether a step is above, or the span itself, what the children have cost the span, and what was
        # taken out of them.
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
            details = None
            if type(record) is Span:
                busy = record.ended - record.started
                details = record.details
                if details is None:
                    self.recorded += 1
                    counted = plain.get(site) or self._first_plain(site)
                    counted[0] += 1
                    cost = counted[1]
                else:
                    if details.busy_ns is not None:
                        busy = details.busy_ns
                    cost = self._with_details(site, details)
            else:
                composite: Composite = record  # type: ignore[assignment]
                busy = composite.sum_ns
                self.recorded += composite.count
                cost = self._count(site, composite.count, composite.numbers)
            self.spans += 1
            inner, _, wanted, taken = above.pop(record, _NO_CHILDREN)
            spent = busy - inner if busy > inner else 0
            if wanted:
                taken_here = int(wanted) if wanted < spent else spent
                spent -= taken_here
                taken += taken_here
            if details is not None and site.step and not details.unfinished:
                self._step(details, busy - taken)
            parent = record.parent
            if type(parent) is Span:
                if parent is not beside:
                    beside = parent
                    # A collection struck a short leaf, which has been merged with its siblings.
                    above_it: Any = parent.parent
                    kept = above_it if type(above_it) is Composite else parent
                    own = above.get(kept) or self._keep(kept)
                own[0] += busy
                own[2] += cost
                own[3] += taken
                inside = inside or own[1]
            component = site.component
            self_all_ns[component] = self_all_ns.get(component, 0) + spent
            if inside:
                self_ns[component] = self_ns.get(component, 0) + spent
        self.first_ns, self.last_ns = first_ns, last_ns

    def _with_details(self, site: CallSite, details: SpanDetails) -> float:
        calls = 1 if details.continues is None else 0  # its first span has counted the call
        self.recorded += calls
        return self._count(site, calls, details.attributes, failed=details.status[0] == _ERROR)

    def _count(
        self, site: CallSite, calls: int, attributes: Mapping[str, Any], *, failed: bool = False
    ) -> float:
        """Count the events that a span stands for; returns what they cost the span above."""
        yielded = rows = 0
        if attributes:
            yielded = _number(attributes, semconv.YIELDED)
            rows = _number(attributes, semconv.DB_ROWS)
            if rows:
                rows -= _number(attributes, semconv.SQL_ROWS_AT_ONCE)
        if calls == 1 and not (yielded or rows or failed):
            counted = self._plain.get(site) or self._first_plain(site)
            counted[0] += 1
            return counted[1]
        by_api = site.scope[0] != semconv.SCOPE
        found = events(site.name, calls, yielded=yielded, rows=rows, failed=failed, by_api=by_api)
        self._add(found, site, 1)
        return self._outside_ns(found, site)

    def _outside_ns(self, found: Iterable[Tuple[str, int]], site: CallSite) -> float:
        cost = 0.0
        for kind, number in found:
            cost += number * self.calibration.outside_ns(kind, site.of_method)
        return cost

    def _add(self, found: Iterable[Tuple[str, int]], site: CallSite, times: int) -> None:
        counts, of_methods = self._events, self._of_methods
        for kind, number in found:
            counts[kind] = counts.get(kind, 0) + number * times
            if site.of_method:
                of_methods[kind] = of_methods.get(kind, 0) + number * times

    def _first_plain(self, site: CallSite) -> List[float]:
        counted = self._plain[site] = [0, self._outside_ns(_events_of_one(site), site)]
        return counted

    def _count_plain(self) -> None:
        plain, self._plain = self._plain, {}
        for site, (spans, _) in plain.items():
            self._add(_events_of_one(site), site, int(spans))

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
        kept = self._above[span] = [0, self._is_inside(span), 0.0, 0]
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

    def _step(self, details: SpanDetails, busy_ns: int) -> None:
        if len(self.step_ns) < _MOST_STEPS:
            self.step_ns.append(busy_ns)
        interval = details.attributes.get(semconv.STEP_INTERVAL_S)
        if isinstance(interval, (int, float)):
            self.simulated_s += interval


def _number(attributes: Mapping[str, Any], name: str) -> int:
    number = attributes.get(name, 0)
    return number if type(number) is int and number > 0 else 0  # the program may have set anything


def _events_of_one(site: CallSite) -> List[Tuple[str, int]]:
    return events(site.name, 1, by_api=site.scope[0] != semconv.SCOPE)
