"""Counts the events that the spans of one call site stand for, while they are written."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping

from nutrace import semconv
from nutrace.prices import DEGREES, Calibration, Event, coldness, events
from nutrace.recording.call_site import CallSite

_MANY = 2  # calls that are merged
_CALL, _MERGED, _VALUE, _ROW, _ERROR = range(5)


class SiteEvents:
    """The events of a call site, and what one of them costs the span above.

    The rule of :func:`nutrace.prices.events` is asked once for each sort of event: it is the same for one
    value, row or error as for many.

    Parameters
    ----------
    site:
        The call site.
    calibration:
        What events cost.

    Attributes
    ----------
    calls, call_ns:
        Plain calls while caches were warm, which whoever counts them adds here, and what one costs.
    clocked_ns:
        What was clocked around the calls.
    """

    __slots__ = "_by_api", "_costs", "_counts", "call_ns", "calls", "clocked_ns", "site"

    def __init__(self, site: CallSite, calibration: Calibration) -> None:
        self.site = site
        self.calls = self.clocked_ns = 0
        self._by_api = site.scope[0] != semconv.SCOPE
        times = [calibration.prices.times(degree) for degree in range(DEGREES)]
        warm_ns = [
            sum(calibration.outside_ns(kind, site.of_method) for kind in each) for each in self._kinds()
        ]
        # Of each sort, by the degree of coldness.
        self._costs = [[cost_ns * each for each in times] for cost_ns in warm_ns]
        self._counts = [[0] * DEGREES for _ in warm_ns]
        self.call_ns = warm_ns[_CALL]

    def _kinds(self) -> Iterator[List[str]]:
        """The kinds of a call, of a call that is merged, of a value, of a row, and of an error."""
        name, by_api = self.site.name, self._by_api
        for found in (
            events(name, 1, by_api=by_api),
            events(name, _MANY, by_api=by_api),
            events(name, 0, yielded=1, by_api=by_api),
            events(name, 0, rows=1, by_api=by_api),
            events(name, 0, failed=True, by_api=by_api),
        ):
            yield [event.kind for event in found]

    def add(self, calls: int, ran: int, attributes: Mapping[str, Any], failed: bool = False) -> float:
        """Count the events of a span or composite; returns what they cost the span above.

        Parameters
        ----------
        calls, ran, failed:
            As in :func:`nutrace.prices.events`.
        attributes:
            What was noted on it.
        """
        cost = self._add(_CALL if calls == 1 else _MERGED, calls, ran) if calls else 0.0
        if failed:
            cost += self._add(_ERROR, 1, ran)
        if attributes:
            if semconv.CLOCKED_NS in attributes and not self._by_api:
                clocked_ns = _whole(attributes[semconv.CLOCKED_NS])
                self.clocked_ns += clocked_ns
                cost += clocked_ns
            if semconv.YIELDED in attributes:
                cost += self._add(_VALUE, _whole(attributes[semconv.YIELDED]), ran)
            if semconv.DB_ROWS in attributes:
                at_once = _whole(attributes.get(semconv.SQL_ROWS_AT_ONCE))
                cost += self._add(_ROW, _whole(attributes[semconv.DB_ROWS]) - at_once, ran)
        return cost

    def _add(self, sort: int, count: int, ran: int) -> float:
        degree = coldness(ran, count) if ran else 0
        self._counts[sort][degree] += count
        return count * self._costs[sort][degree]

    def events(self) -> Iterator[Event]:
        """All of them."""
        for sort, kinds in enumerate(self._kinds()):
            for degree, count in enumerate(self._counts[sort]):
                if sort == _CALL and not degree:
                    count += self.calls
                for kind in kinds if count else ():
                    yield Event(kind, count, degree)


def _whole(number: Any) -> int:
    return number if type(number) is int and number > 0 else 0  # the program may have set anything
