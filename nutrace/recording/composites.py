"""Composites: many short equal leaves as one record with count, sum, min, max and a sketch of their times.

Leaves are merged where they end, in their own thread. A hot leaf then leaves a number behind, and no object
that the recorder would have to write or the program's garbage collector to track. There are two ways in:

- :func:`settle` merges a leaf with the record that ended just before it, if that is of the same call
  site below the same parent: a run of equal siblings.
- :func:`tally` adds a leaf that has numbers of its own (objects copied, rows read) to the composite of
  its call site below its parent, whatever ended in between.

A thread's spans arrive in the order of their ends, children before parents. A span with a child thus
follows that child in the queue, and a span is known to be a leaf by the record before it. Spans with
anything of their own (attributes, an error, an id that somebody refers to) are never merged.
"""

from __future__ import annotations

from typing import Any, Deque, Dict, List, Mapping, Optional, Union

from nutrace import semconv
from nutrace.recording.buffers import LIMIT, Buffer, local
from nutrace.recording.span import CallSite, Parent, Span, SpanDetails, process_state
from nutrace.recording.stopwatch import Since, worked_ns
from nutrace.sketch import MOST_EXACT, Sketch, of_few

LONGEST_SERIES = 1000  # entries of a composite's series; the next leaf begins another composite
_MOST_OPEN = 256  # composites that a thread adds to at a time
MOST_TIMES = 256  # times that wait in a composite; adding them to its sketch takes 10 to 30 us

_EMPTY = Sketch()

_NOTHING: Mapping[str, Any] = {}


class _After(List[int]):
    """Times that come after those of a sketch."""

    __slots__ = ("sketch",)

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch


class Composite:
    """What `count` equal leaves stand for; start and end are readings of the recorder's clock.

    What each leaf took is kept as it is at first. The sketch takes many at a time, mostly in the thread that
    writes: one by one, where the leaves end, would make a probe a quarter dearer.

    Parameters
    ----------
    first:
        The first of the leaves.
    took:
        Its cost in nanoseconds.
    """

    __slots__ = (
        "details",
        "ended",
        "id",
        "numbers",
        "parent",
        "series",
        "site",
        "started",
        "times",
    )

    def __init__(self, first: Span, took: int) -> None:
        self.site: CallSite = first.site
        self.parent: Optional[Parent] = first.parent
        self.started = first.started
        self.ended = first.ended
        self.details: Optional[SpanDetails] = None
        self.id = 0
        self.times = [took]  # ns; those that are not in a sketch yet
        self.numbers: Dict[str, Any] = {}  # attributes that add up
        # Attributes that have an entry for each leaf; few composites have any.
        self.series: Optional[Dict[str, List[Any]]] = None
        # A task or thread that was begun inside the leaf may refer to it: `ids` gives it our id.
        first.parent = self  # type: ignore[assignment]

    def add(self, span: Span, took: int) -> None:
        """Count one more leaf."""
        times = self.times
        times.append(took)
        # A statement may have begun before one that ended first: it stays open between its fetches.
        if span.started < self.started:
            self.started = span.started
        if span.ended > self.ended:
            self.ended = span.ended
        span.parent = self  # type: ignore[assignment]
        if len(times) >= MOST_TIMES:
            self.folded()

    @property
    def _sketch(self) -> Sketch:
        times = self.times
        return times.sketch if isinstance(times, _After) else _EMPTY

    @property
    def count(self) -> int:
        """How many leaves it stands for."""
        return self._sketch.calls + len(self.times)

    @property
    def sum_ns(self) -> int:
        """Their cost in nanoseconds."""
        times = self.times
        # Most collections stand alone; an iterator for each could itself set off the next one.
        return self._sketch.sum_ns + (times[0] if len(times) == 1 else sum(times))

    def folded(self) -> Sketch:
        """The sketch of all leaves so far."""
        times = self.times
        if times:
            # One assignment, as Ctrl-C may strike before it or after: no leaf is lost, none counts twice.
            self.times = times = _After(self._sketch.plus(times))
        return self._sketch

    def attributes(self) -> Dict[str, Any]:
        """What the leaves have noted, and how many they are."""
        attributes: Dict[str, Any] = {**self.numbers, **(self.series or _NOTHING)}
        count = self.count
        if count > 1:
            sketch = self.folded() if count > MOST_EXACT else of_few(self.times)
            attributes[semconv.COMPOSITE_COUNT] = count
            attributes[semconv.COMPOSITE_MIN_NS] = sketch.min_ns
            attributes[semconv.COMPOSITE_MAX_NS] = sketch.max_ns
            pairs = sketch.pairs()
            if pairs:
                attributes[semconv.COMPOSITE_TIMES] = pairs
        if count > 1 or self.sum_ns != self.ended - self.started:
            attributes[semconv.BUSY_NS] = self.sum_ns
        return attributes


Record = Union[Span, Composite]


def settle(span: Span) -> None:
    """Hand over an ended span: merged with the equal leaf that ended just before it, or on its own."""
    buffer = local.buffer
    spans, lock = buffer.spans, buffer.lock
    took = span.ended - span.started
    try:
        last = spans[-1]
        if (
            last.site is span.site
            and last.parent is span.parent
            and not (last.id or span.id)
            and span.details is None
            and took <= process_state.longest_ns
            and (lock.acquire(True, buffer.patience_s) or buffer.waited_in_vain())
        ):
            try:
                if type(last) is not Composite:
                    last = _begin_run(last, spans)
                if last is spans[-1]:  # else a finalizer or signal handler came in between
                    last.add(span, took)
                    return
            finally:
                lock.release()
    except IndexError:  # nothing waits
        pass
    spans.append(span)
    if len(spans) >= LIMIT:
        process_state.drain_full_queue(spans)


def settle_step(span: Span) -> None:
    """The same for the span of a step, whose end is the time to write."""
    settle(span)
    process_state.step_ended()


def _begin_run(first: Span, spans: Deque[Record]) -> Optional[Composite]:
    """Put a composite in the place of `first`, a span at the end of the queue, if it is a short leaf."""
    took = first.ended - first.started
    if first.details is not None or took > process_state.longest_ns:
        return None
    # A child that was written already has given `first` an id; one that was not stands before it.
    if len(spans) > 1 and spans[-2].parent is first:
        return None
    last = spans.pop()
    if last is not first:  # a finalizer or signal handler came in between
        spans.append(last)
        return None
    composite = Composite(first, took)
    spans.append(composite)
    return composite


def tally(
    span: Span,
    numbers: Mapping[str, Any] = _NOTHING,
    series: Mapping[str, Any] = _NOTHING,
    busy_ns: Optional[int] = None,
    since: Optional[Since] = None,
) -> None:
    """Hand over an ended span, added to the composite of its call site if it is a short leaf.

    Parameters
    ----------
    span:
        It ended in this thread, and is no longer current.
    numbers:
        Attributes that add up.
    series:
        Attributes that are listed, one entry (a number or a text) for each leaf. On a span that
        stands for itself they are lists of one.
    busy_ns:
        Its cost in nanoseconds, if that is not its duration.
    since:
        When its probe began to work, if it is to be noted how long that took besides the span's cost.
    """
    took = span.ended - span.started if busy_ns is None else busy_ns
    buffer = local.buffer
    spans, lock = buffer.spans, buffer.lock
    if _is_short_leaf(span, took, spans) and (
        lock.acquire(True, buffer.patience_s) or buffer.waited_in_vain()
    ):
        try:
            sums = _add_to_open(span, took, numbers, series, buffer)
            if since is not None:
                sums[semconv.CLOCKED_NS] = sums.get(semconv.CLOCKED_NS, 0) + worked_ns(since, took)
        except Exception:  # what the span measured has succeeded, and the program goes on
            process_state.fault("adding up a span")
        finally:
            lock.release()
    else:
        details = span.ensure_details()
        if busy_ns is not None:
            details.busy_ns = busy_ns
        details.attributes.update(numbers)
        details.attributes.update((name, [entry]) for name, entry in series.items())
        if since is not None:
            details.attributes[semconv.CLOCKED_NS] = worked_ns(since, took)
        spans.append(span)
    if len(spans) >= LIMIT:
        process_state.drain_full_queue(spans)


def _is_short_leaf(span: Span, took: int, spans: Deque[Record]) -> bool:
    # A child that was written already has given `span` an id; one that was not is the last in the queue.
    if took > process_state.longest_ns or span.details is not None or span.id:
        return False
    try:
        return spans[-1].parent is not span
    except IndexError:  # nothing waits
        return True


def _add_to_open(
    span: Span, took: int, numbers: Mapping[str, Any], series: Mapping[str, Any], buffer: Buffer
) -> Dict[str, Any]:
    """Add `span` to the composite of its call site below its parent, or begin one; returns its numbers."""
    if buffer.parent is not span.parent:
        buffer.parent = span.parent
        buffer.open.clear()
    site = span.site
    composite: Optional[Composite] = buffer.open.get(site)
    if composite is not None:
        composite.add(span, took)
    else:
        if len(buffer.open) >= _MOST_OPEN:
            buffer.open.clear()
        composite = buffer.open[site] = Composite(span, took)
        buffer.spans.append(composite)
    sums = composite.numbers
    for name, number in numbers.items():
        sums[name] = sums.get(name, 0) + number
    if series:
        if composite.series is None:
            composite.series = {}
        for name, entry in series.items():
            composite.series.setdefault(name, []).append(entry)
        if composite.count >= LONGEST_SERIES:
            buffer.open.pop(site, None)
    return sums
