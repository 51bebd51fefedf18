"""The totals that the lines at exit show: added up while spans are written, so that no file is read again.

A span's self time is its busy time less that of its children; children are written before their
parent, so one pass is enough. Times of other threads stand for themselves.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

from nutrace import semconv
from nutrace.prices import WARM_NS, Calibration, Event, Prices
from nutrace.recording.composites import Composite, Record
from nutrace.recording.site_events import SiteEvents
from nutrace.recording.span import CallSite, Parent, Remote, Span, SpanDetails

_MOST_STEPS = 1_000_000  # bounded memory, 8 MB; percentiles then are those of the first million
_MOST_OPEN = 10_000
_MOST_SITES = 4096
_FREE = Calibration(Prices())
_NOTHING: Dict[str, Any] = {}
_ERROR = 2  # OTLP's status of a span that an error has left


class Totals:
    """Counts and sums over all spans written so far; nanoseconds.

    Times are without what nutrace spends in them, as in the report: see `calibration`. Not known yet is what
    is written after the span above it, as a statement whose rows are fetched later: the report has it right.

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
        self._events: Dict[Tuple[str, int], int] = {}  # by kind and coldness: see `nutrace.prices`
        self._clocked_ns = 0
        self._by_kind: Dict[bool, Dict[str, int]] = {False: {}, True: {}}  # those of methods are at True
        self._of_sites: Dict[CallSite, SiteEvents] = {}  # events that are not in there yet
        self.step_ns = array("q")
        self.simulated_s = 0.0
        self.over_real_time = 0  # steps that took longer than they simulate
        self.self_ns: Dict[str, int] = {}  # by component, inside steps
        self.self_all_ns: Dict[str, int] = {}  # by component, anywhere
        # Of spans that have not been written yet, and have children that were: the children's time so far,
        # whether a step is above, or the span itself, what the children have cost the span, what was taken
        # out of them, and what was clocked in them.
        self._above: Dict[Record, List[Any]] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Add what is written, in that order."""
        self_all_ns, self_ns, above = self.self_all_ns, self.self_ns, self._above
        first_ns, last_ns = self.first_ns, self.last_ns
        of_sites = self._of_sites
        spans, recorded = self.spans, self.recorded
        beside: Any = self  # the parent of the record before: siblings follow each other
        own: List[Any] = []  # what is kept of that parent
        for record in records:
            site = record.site
            inside = site.step
            if record.started < first_ns or not first_ns:
                first_ns = record.started
            if record.ended > last_ns:
                last_ns = record.ended
            spans += 1
            counted = of_sites.get(site) or self._first_of(site)
            details = record.details
            kept = above.pop(record) if record in above else None
            ran_ns = record.ended - record.started
            if kept is not None:
                ran_ns -= kept[0] + kept[4]
            ran = ran_ns.bit_length() if ran_ns >= WARM_NS else 0  # nutrace.prices.duration, without a call
            if type(record) is not Span:
                composite: Composite = record  # type: ignore[assignment]
                busy, count = composite.sum_ns, composite.count
                recorded += count
                cost = counted.add(count, ran, composite.numbers)
            elif details is None:
                busy = record.ended - record.started
                recorded += 1
                if ran:
                    cost = counted.add(1, ran, _NOTHING)
                else:
                    counted.calls += 1
                    cost = counted.call_ns
            else:
                busy = record.ended - record.started if details.busy_ns is None else details.busy_ns
                calls = 1 if details.continues is None else 0  # its first span has counted the call
                recorded += calls
                cost = counted.add(calls, ran, details.attributes, details.status[0] == _ERROR)
            spent, taken = busy, 0
            if kept is not None:
                spent, taken = self._without_children(kept, busy)
            if site.step and type(record) is Span and not (details is not None and details.unfinished):
                self._step(details, busy - taken)
            parent = record.parent
            if type(parent) is Span:
                if parent is not beside:
                    beside = parent
                    # A collection struck a short leaf, which has been merged with its siblings.
                    above_it: Any = parent.parent
                    charged = above_it if type(above_it) is Composite else parent
                    own = above.get(charged) or self._keep(charged)
                own[0] += busy
                own[2] += cost
                if taken:
                    own[3] += taken
                if details is not None and details.own_ns:
                    own[4] += details.own_ns
                inside = inside or own[1]
            component = site.component
            self_all_ns[component] = self_all_ns.get(component, 0) + spent
            if inside:
                self_ns[component] = self_ns.get(component, 0) + spent
        self.first_ns, self.last_ns = first_ns, last_ns
        self.spans, self.recorded = spans, recorded

    def _without_children(self, kept: List[Any], busy_ns: int) -> Tuple[int, int]:
        """A span's self time, and what was taken out of it and of the spans below it."""
        children_ns, _, wanted_ns, taken_ns, _ = kept
        spent_ns = busy_ns - children_ns if busy_ns > children_ns else 0
        here_ns = min(int(wanted_ns), spent_ns)
        return spent_ns - here_ns, taken_ns + here_ns

    def _first_of(self, site: CallSite) -> SiteEvents:
        counted = self._of_sites[site] = SiteEvents(site, self.calibration)
        return counted

    def _count(self) -> None:
        of_sites, self._of_sites = self._of_sites, {}
        for site, counted in of_sites.items():
            self._clocked_ns += counted.clocked_ns
            by_kind = self._by_kind[site.of_method]
            for kind, number, degree in counted.events():
                self._events[kind, degree] = self._events.get((kind, degree), 0) + number
                by_kind[kind] = by_kind.get(kind, 0) + number

    def events(self) -> List[Event]:
        """How many events there were of each kind of :mod:`nutrace.prices`, at each degree of coldness."""
        self._count()
        return [Event(kind, number, degree) for (kind, degree), number in self._events.items()]

    def clocked_ns(self) -> int:
        """What was clocked of these events, ns; their prices are of the rest."""
        self._count()
        return self._clocked_ns

    def of_methods(self, kind: str) -> float:
        """The part of a kind's events that are calls of methods."""
        self._count()
        of_methods, others = (self._by_kind[each].get(kind, 0) for each in (True, False))
        return of_methods / ((of_methods + others) or 1)

    def forget_ended(self) -> None:
        """Keep memory bounded: a generator that outlives the span above it leaves that span's sum behind.

        The program may give spans any number of names.
        """
        if len(self._of_sites) > _MOST_SITES:
            self._count()
        if len(self._above) > _MOST_OPEN:
            self._above = {span: kept for span, kept in self._above.items() if not span.ended}

    def _keep(self, span: Record) -> List[Any]:
        kept = self._above[span] = [0, self._is_inside(span), 0.0, 0, 0]
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

    def _step(self, details: Optional[SpanDetails], busy_ns: int) -> None:
        if len(self.step_ns) < _MOST_STEPS:
            self.step_ns.append(busy_ns)
        interval = None if details is None else details.attributes.get(semconv.STEP_INTERVAL_S)
        if isinstance(interval, (int, float)):
            self.simulated_s += interval
            self.over_real_time += busy_ns > interval * 1e9
