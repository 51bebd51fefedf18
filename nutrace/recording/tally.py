"""Tallies: all short leaves of one site below one span as one record, with numbers added up.

:mod:`nutrace.recording.compression` merges equal leaves that follow each other. A deep copy or a
statement comes between others of its kind, and bears numbers of its own (objects copied, rows read):
each site has a tally of its own below each parent, until the recorder writes it.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, List, Mapping, Optional

from nutrace.recording.buffers import LIMIT, forgotten, local
from nutrace.recording.compression import Composite
from nutrace.recording.span import Parent, Site, Span, home

LONGEST = 1000  # entries of a tally's series; then the next one begins
_MOST = 256  # tallies that a thread adds to at a time
_TRIES = 200


class Tally(Composite):
    """A composite that is added to wherever it stands in its thread's queue.

    `key` is in its hands who may change it: its thread takes it to add, the recorder to write.
    """

    __slots__ = ("key", "numbers", "series")

    def __init__(self, first: Span, busy_ns: int) -> None:
        super().__init__(first)
        self.sum_ns = self.min_ns = self.max_ns = busy_ns
        self.numbers: Dict[str, int] = {}
        self.series: Dict[str, List[Any]] = {}
        self.key: List[bool] = []  # its maker adds first

    def add(self, span: Span, busy_ns: int) -> None:
        """Take one more leaf in."""
        self.count += 1
        self.sum_ns += busy_ns
        # A statement may have begun before one that ended first: it lies open between its fetches.
        self.started = min(self.started, span.started)
        self.ended = max(self.ended, span.ended)
        self.min_ns = min(self.min_ns, busy_ns)
        self.max_ns = max(self.max_ns, busy_ns)

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
    tallies: Dict[Site, Tally]

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
    if took <= home.longest_ns and _is_bare_leaf(span):
        _count(span, took, numbers, series)
        return
    extra = span.more()
    if busy_ns is not None:
        extra.busy_ns = busy_ns
    extra.attributes.update(numbers)
    extra.attributes.update((name, [entry]) for name, entry in series.items())
    home.hand_over(span)


def tick(site: Site, parent: Optional[Parent], started: int, ended: int) -> Optional[Tally]:
    """Count a short leaf that need not be a span, if there is a tally that it belongs to."""
    took = ended - started
    mine = vars(_open)
    if took > home.longest_ns or mine.get("parent") is not parent or mine.get("forgotten") != forgotten[0]:
        return None
    tally: Optional[Tally] = mine["tallies"].get(site)
    if tally is None:
        return None
    try:
        tally.key.pop()
    except IndexError:
        return None
    tally.count += 1
    tally.sum_ns += took
    tally.ended = ended
    if took < tally.min_ns:
        tally.min_ns = took
    elif took > tally.max_ns:
        tally.max_ns = took
    tally.key.append(True)
    return tally


def take(span: Span, took: int) -> Optional[Tally]:
    """The tally that a short leaf belongs to, with the leaf counted in, if there is one.

    Its key is in the caller's hands, who adds to its numbers and series and gives the key back.
    """
    if span.extra is not None or span.id or took > home.longest_ns:
        return None
    mine = vars(_open)
    if mine.get("parent") is not span.parent or mine.get("forgotten") != forgotten[0]:
        return None
    tally: Optional[Tally] = mine["tallies"].get(span.site)
    if tally is None:
        return None
    try:
        if local.spans[-1].parent is span:
            return None
        tally.key.pop()
    except IndexError:
        return None
    tally.count += 1
    tally.sum_ns += took
    if span.started < tally.started:  # it lay open while others began and ended
        tally.started = span.started
    if span.ended > tally.ended:
        tally.ended = span.ended
    if took < tally.min_ns:
        tally.min_ns = took
    elif took > tally.max_ns:
        tally.max_ns = took
    span.parent = tally  # type: ignore[assignment]
    if tally.count >= LONGEST:
        mine["tallies"].pop(span.site, None)
    return tally


def tick_span(span: Span, name: str = "", number: int = 0) -> bool:
    """As :func:`settle` with at most one number, if `span` is a short leaf and has a tally to go to."""
    if span.extra is not None or span.id:
        return False
    took = span.ended - span.started
    parent = span.parent
    mine = vars(_open)
    if took > home.longest_ns or mine.get("parent") is not parent or mine.get("forgotten") != forgotten[0]:
        return False
    tally: Optional[Tally] = mine["tallies"].get(span.site)
    if tally is None:
        return False
    queue = local.spans
    try:
        if queue[-1].parent is span:
            return False
        tally.key.pop()
    except IndexError:
        return False
    tally.count += 1
    tally.sum_ns += took
    tally.ended = span.ended
    if took < tally.min_ns:
        tally.min_ns = took
    elif took > tally.max_ns:
        tally.max_ns = took
    if name:
        tally.numbers[name] = tally.numbers.get(name, 0) + number
    span.parent = tally  # type: ignore[assignment]
    tally.key.append(True)
    return True


def _is_bare_leaf(span: Span) -> bool:
    if span.extra is not None or span.id:
        return False  # a child that was written already has given it an id
    try:
        return local.spans[-1].parent is not span
    except IndexError:
        return True


def _count(span: Span, took: int, numbers: Mapping[str, int], series: Mapping[str, Any]) -> None:
    stale = _open.forgotten != forgotten[0]
    if _open.parent is not span.parent or stale or len(_open.tallies) >= _MOST:
        _open.parent = span.parent
        _open.forgotten = forgotten[0]
        _open.tallies = {}
    tally = _open.tallies.get(span.site)
    if tally is not None:
        try:
            tally.key.pop()  # atomic: from here on it is ours, or the recorder has it
        except IndexError:
            tally = None
        else:
            tally.add(span, took)
    fresh = tally is None
    if tally is None:
        tally = Tally(span, took)
    tally.note(numbers, series)
    # A task or thread that was begun inside may still name it: `ids` gives it the tally's id.
    span.parent = tally  # type: ignore[assignment]
    if not series or tally.count < LONGEST:
        _open.tallies[span.site] = tally
    else:
        _open.tallies.pop(span.site, None)
    if fresh:
        local.spans.append(tally)
    tally.key.append(True)
    if fresh and len(local.spans) >= LIMIT:
        home.relieve(local.spans)
