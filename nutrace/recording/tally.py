"""Tallies: all short leaves of one site below one span as one record, with numbers added up.

:mod:`nutrace.recording.compression` merges equal leaves that follow each other. A deep copy or a
statement comes between others of its kind, and bears numbers of its own (objects copied, rows read):
each site has a tally of its own below each parent, until the recorder writes it.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from nutrace.recording.buffers import LIMIT, forgotten, local
from nutrace.recording.compression import Composite
from nutrace.recording.span import CallSite, Parent, Span, process_state

LONGEST = 1000  # entries of a tally's series; then the next one begins
_MOST = 256  # tallies that a thread adds to at a time
_TRIES = 200


class Tally(Composite):
    """A composite that is added to wherever it stands in its thread's queue.

    `key` is in its hands who may change it: its thread takes it to add, the recorder to write.
    """

    __slots__ = ("key", "numbers", "series")

    def __init__(
        self, site: CallSite, parent: Optional[Parent], started: int, ended: int, busy_ns: int
    ) -> None:
        # Composite's own takes a span, which not every leaf of a tally was.
        self.site = site
        self.parent = parent
        self.started = started
        self.ended = ended
        self.details = None
        self.id = 0
        self.count = 1
        self.sum_ns = self.min_ns = self.max_ns = busy_ns
        self.numbers: Dict[str, int] = {}
        self.series: Dict[str, List[Any]] = {}
        self.key: List[bool] = []  # its maker adds first

    def note(self, numbers: Mapping[str, int], series: Mapping[str, Any]) -> None:
        """Add numbers up, and append one entry to each series."""
        for name, number in numbers.items():
            self.numbers[name] = self.numbers.get(name, 0) + number
        for name, entry in series.items():
            self.series.setdefault(name, []).append(entry)

    def close(self) -> None:
        """Nobody adds any more; called before it is written."""
        for _ in range(_TRIES):
            try:
                self.key.pop()
                return
            except IndexError:  # its thread is adding; or was, when a signal handler began to write
                time.sleep(0)


class _Open(threading.local):
    """The tallies that this thread can add to: all below one parent."""

    parent: Optional[Parent] = None
    forgotten = 0
    tallies: Dict[CallSite, Tally]

    def __init__(self) -> None:
        self.tallies = {}


_open = _Open()


def settle(
    span: Span,
    busy_ns: Optional[int] = None,
    numbers: Mapping[str, int] = {},
    series: Mapping[str, Any] = {},
) -> None:
    """Hand over an ended span, in a tally of its site if it is a short leaf.

    Parameters
    ----------
    span:
        It ended in this thread, and is current no more.
    busy_ns:
        Its cost, if that is not its duration.
    numbers:
        Attributes that add up.
    series:
        Attributes that are listed, one entry for each call: numbers or texts. On a span that stands
        for itself they are lists of one.
    """
    took = span.ended - span.started if busy_ns is None else busy_ns
    tally, new = take_or_begin(span, took)
    if tally is not None:
        tally.note(numbers, series)
        if new:
            enqueue(tally)
        else:
            tally.key.append(True)
        return
    details = span.ensure_details()
    if busy_ns is not None:
        details.busy_ns = busy_ns
    details.attributes.update(numbers)
    details.attributes.update((name, [entry]) for name, entry in series.items())
    process_state.emit(span)


def tick(site: CallSite, parent: Optional[Parent], started: int, ended: int) -> Optional[Tally]:
    """Count a short leaf that need not be a span, if there is a tally that it belongs to."""
    took = ended - started
    if took > process_state.longest_ns:
        return None
    tally = _own(site, parent)
    if tally is not None:
        tally.add(started, ended, took)
        tally.key.append(True)
    return tally


def count_leaf(
    site: CallSite, parent: Optional[Span], started: int, ended: int, name: str, entry: Any
) -> None:
    """Hand over a leaf that was never current, with one entry to a series: no span is made of a short one."""
    took = ended - started
    if took > process_state.longest_ns:
        span = Span(site, parent)
        span.started, span.ended = started, ended
        settle(span, series={name: entry})
        return
    tally = _own(site, parent)
    if tally is None:
        tally = Tally(site, parent, started, ended, took)
        tally.series[name] = [entry]
        enqueue(tally)
        return
    tally.add(started, ended, took)
    tally.series[name].append(entry)
    if tally.count >= LONGEST:
        _open.tallies.pop(site, None)
    tally.key.append(True)


def tick_span(span: Span, name: str = "", number: int = 0) -> bool:
    """As :func:`settle` with at most one number, if `span` is a short leaf and has a tally to go to."""
    tally = take(span, span.ended - span.started)
    if tally is None:
        return False
    if name:
        tally.numbers[name] = tally.numbers.get(name, 0) + number
    tally.key.append(True)
    return True


def take(span: Span, took: int) -> Optional[Tally]:
    """The tally that a short leaf belongs to, with the leaf counted in, if there is one.

    Its key is in the caller's hands, who adds to its numbers and series and gives the key back.
    """
    if took > process_state.longest_ns or not _is_bare_leaf(span):
        return None
    tally = _own(span.site, span.parent)
    if tally is not None:
        _count_in(tally, span, took)
    return tally


def take_or_begin(span: Span, took: int) -> Tuple[Optional[Tally], bool]:
    """Likewise; or a new one, for :func:`enqueue`, and whether it is. None if `span` stands for itself."""
    if took > process_state.longest_ns or not _is_bare_leaf(span):
        return None, False
    tally = _own(span.site, span.parent)
    if tally is not None:
        _count_in(tally, span, took)
        return tally, False
    tally = Tally(span.site, span.parent, span.started, span.ended, took)
    span.parent = tally  # type: ignore[assignment]
    return tally, True


def _count_in(tally: Tally, span: Span, took: int) -> None:
    tally.add(span.started, span.ended, took)
    # A task or thread that was begun inside may still name it: `ids` gives it the tally's id.
    span.parent = tally  # type: ignore[assignment]
    if tally.series and tally.count >= LONGEST:
        _open.tallies.pop(span.site, None)


def _own(site: CallSite, parent: Optional[Parent]) -> Optional[Tally]:
    """The open tally of `site` below `parent` in this thread; its key is now the caller's."""
    mine = vars(_open)  # once: each look at a thread's own attribute takes its time
    if mine.get("parent") is not parent or mine.get("forgotten") != forgotten[0]:
        return None
    tally: Optional[Tally] = mine["tallies"].get(site)
    if tally is not None:
        try:
            tally.key.pop()  # atomic: from here on it is ours, or the recorder has it
        except IndexError:
            return None
    return tally


def enqueue(tally: Tally) -> None:
    """A new tally is whole: more leaves may come to it, and the recorder may have it."""
    mine = vars(_open)
    if mine.get("parent") is not tally.parent or mine.get("forgotten") != forgotten[0]:
        mine["parent"] = tally.parent
        mine["forgotten"] = forgotten[0]
        mine["tallies"] = {tally.site: tally}
    else:
        tallies = mine["tallies"]
        if len(tallies) >= _MOST:
            tallies.clear()
        tallies[tally.site] = tally
    spans = local.spans
    spans.append(tally)
    tally.key.append(True)
    if len(spans) >= LIMIT:
        process_state.drain_full_queue(spans)


def _is_bare_leaf(span: Span) -> bool:
    if span.details is not None or span.id:
        return False  # a child that was written already has given it an id
    try:
        return local.spans[-1].parent is not span
    except IndexError:
        return True
