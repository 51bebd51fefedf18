"""Counts the events that the spans of one call site stand for, while they are written."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Tuple

from nutrace import semconv
from nutrace.prices import Calibration, events
from nutrace.recording.call_site import CallSite

_MANY = 2  # calls that are merged


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
    """

    __slots__ = (
        "call_ns",
        "calls",
        "error_ns",
        "errors",
        "merged",
        "merged_ns",
        "row_ns",
        "rows",
        "site",
        "value_ns",
        "values",
    )

    def __init__(self, site: CallSite, calibration: Calibration) -> None:
        self.site = site
        self.calls = self.merged = self.values = self.rows = self.errors = 0
        self.call_ns, self.merged_ns, self.value_ns, self.row_ns, self.error_ns = (
            sum(calibration.outside_ns(kind, site.of_method) for kind in kinds) for kinds in self._kinds()
        )

    def _kinds(self) -> Iterator[List[str]]:
        """The kinds of a call, of a call that is merged, of a value, of a row, and of an error."""
        name, by_api = self.site.name, self.site.scope[0] != semconv.SCOPE
        for found in (
            events(name, 1, by_api=by_api),
            events(name, _MANY, by_api=by_api),
            events(name, 0, yielded=1, by_api=by_api),
            events(name, 0, rows=1, by_api=by_api),
            events(name, 0, failed=True, by_api=by_api),
        ):
            yield [kind for kind, _ in found]

    def add(self, calls: int, attributes: Mapping[str, Any], failed: bool) -> float:
        """Count the events of a span; returns what they cost the span above."""
        self.calls += calls
        cost = calls * self.call_ns
        if failed:
            self.errors += 1
            cost += self.error_ns
        return cost + self._noted(attributes) if attributes else cost

    def add_merged(self, calls: int, attributes: Mapping[str, Any]) -> float:
        """The same for a composite."""
        if calls == 1:
            self.calls += 1
            cost = self.call_ns
        else:
            self.merged += calls
            cost = calls * self.merged_ns
        return cost + self._noted(attributes) if attributes else cost

    def _noted(self, attributes: Mapping[str, Any]) -> float:
        cost = 0.0
        if semconv.YIELDED in attributes:
            values = _whole(attributes[semconv.YIELDED])
            self.values += values
            cost = values * self.value_ns
        if semconv.DB_ROWS in attributes:
            rows = _whole(attributes[semconv.DB_ROWS]) - _whole(attributes.get(semconv.SQL_ROWS_AT_ONCE))
            self.rows += rows
            cost += rows * self.row_ns
        return cost

    def events(self) -> Iterator[Tuple[str, int]]:
        """All of them, by kind."""
        counts = self.calls, self.merged, self.values, self.rows, self.errors
        for count, kinds in zip(counts, self._kinds()):
            for kind in kinds if count else ():
                yield kind, count


def _whole(number: Any) -> int:
    return number if type(number) is int and number > 0 else 0  # the program may have set anything
