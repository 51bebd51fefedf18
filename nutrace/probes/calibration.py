"""What recording an event costs here and now: the prices that a run file states.

Three kinds are measured when tracing starts, by real wrappers around functions that do little. It takes some
5 ms. The prices of the others follow from what one call costs: see :mod:`nutrace.probes.shipped_prices`.
"""

from __future__ import annotations

import contextvars
import statistics
from typing import Any, Callable, Iterator, List, NamedTuple, Tuple

from nutrace.patching.switch import Switch
from nutrace.prices import CALL, MERGED, RESUMPTION, Calibration, Price
from nutrace.probes import wrappers
from nutrace.probes.shipped_prices import with_shipped
from nutrace.probes.wrapped import put_around
from nutrace.recording.buffers import Buffer, local
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import MOST_TIMES, Record
from nutrace.recording.context import current
from nutrace.recording.span import CallSite, Span

_ROUNDS = 5
_LITTLE = 10  # numbers that are added up in a call
_CALLS = 200
#: So many merged calls add up their times once, as they do in a long run.
_MERGED_CALLS = MOST_TIMES

#: Does a number of events, with wrapped functions or without.
_Events = Callable[[int], None]


class _Round(NamedTuple):
    """A number of events below an outer span, in ns: the outer span's time, and that of its children."""

    outer_ns: int
    children_ns: int


def calibrated() -> Calibration:
    """The prices of all kinds, as they are in this thread now.

    The recorder must be there, and record nothing else of this thread meanwhile. Nothing of what happens
    here is written or counted.
    """
    return contextvars.Context().run(_calibrated)


def _calibrated() -> Calibration:
    switch = Switch()
    switch.on()
    one, other, merged = (put_around(_little(), wrappers.around(_site()), switch) for _ in range(3))
    values = put_around(_values, wrappers.generator(_site()), switch)
    bare, bare_other = _little(), _little()
    return with_shipped(
        {
            # Two functions in turn, so that none is merged.
            CALL: _price(_in_turn(one, other), _in_turn(bare, bare_other), _half_a_loop, _CALLS),
            MERGED: _price(_again(merged), _again(bare), _loop, _MERGED_CALLS),
            RESUMPTION: _price(_through(values), _through(_values), _through(_values), _CALLS),
        }
    )


def _site() -> CallSite:
    return CallSite("calibration", "other")


def _little() -> Callable[[int], int]:
    """A function that does a little: around one that does nothing, a probe finds kinder caches."""

    def little(number: int) -> int:
        total = 0
        for each in range(number):
            total += each
        return total

    return little


def _values(number: int) -> Iterator[None]:
    for _ in range(number):
        yield None


def _in_turn(one: Callable[[int], int], other: Callable[[int], int]) -> _Events:
    def events(number: int) -> None:
        for _ in range(number // 2):
            one(_LITTLE)
            other(_LITTLE)

    return events


def _again(function: Callable[[int], int]) -> _Events:
    def events(number: int) -> None:
        for _ in range(number):
            function(_LITTLE)

    return events


def _through(values: Callable[[int], Iterator[None]]) -> _Events:
    def events(number: int) -> None:
        for _ in values(number):
            pass

    return events


def _loop(number: int) -> None:
    for _ in range(number):
        pass


def _half_a_loop(number: int) -> None:
    _loop(number // 2)


def _price(events: _Events, bare: _Events, loop: _Events, number: int) -> Price:
    """The price of each of `number` events: what they take beyond what they take `bare`.

    Parameters
    ----------
    loop:
        The part of `bare` that is the outer span's own time.
    """
    rounds: List[_Round] = []
    bare_ns: List[int] = []
    loop_ns: List[int] = []
    for _ in range(_ROUNDS):
        bare_ns.append(_time_ns(bare, number))
        loop_ns.append(_time_ns(loop, number))
        rounds.append(_round(events, number))
    outside = [(outer_ns - children_ns - min(loop_ns)) / number for outer_ns, children_ns in rounds]
    totals = [(outer_ns - min(bare_ns)) / number for outer_ns, _ in rounds]
    best, outside_ns = max(min(totals), 0.0), max(min(outside), 0.0)
    spread = statistics.median(totals) / best if best else 1.0
    return Price(outside_ns, max(best - outside_ns, 0.0), spread)


def _time_ns(work: _Events, number: int) -> int:
    began = now_ns()
    work(number)
    return now_ns() - began


def _round(events: _Events, number: int) -> _Round:
    outer = Span(_site(), None)
    outer.id = 1  # as a span has that something refers to; it is in no file
    buffer = Buffer()  # what is recorded here goes nowhere else
    before: Tuple[Any, Any] = local.buffer, local.spans
    local.buffer, local.spans = buffer, buffer.spans
    current.set(outer)
    try:
        outer_ns = _time_ns(events, number)
    finally:
        current.set(None)
        local.buffer, local.spans = before
    return _Round(outer_ns, sum(map(_busy_ns, buffer.spans)))


def _busy_ns(record: Record) -> int:
    if type(record) is not Span:
        return record.sum_ns  # type: ignore[union-attr]
    details = record.details
    return record.ended - record.started if details is None or details.busy_ns is None else details.busy_ns
