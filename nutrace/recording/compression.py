"""Runs of short equal siblings become one composite span with count, sum, min and max.

Done while draining, not on the hot path. Within one thread spans arrive in the order of their
ends, children before parents, so a run is a sequence of neighbours with one site and one parent,
and a span is a leaf if the one before it is not its child.
"""

from __future__ import annotations

from typing import Iterator, List, Optional, Union

from nutrace.recording.span import Span


class Composite:
    """What `count` equal leaves in a row stand for; times in nanoseconds of the recorder's clock."""

    __slots__ = ("count", "ended", "first", "max_ns", "min_ns", "sum_ns")

    def __init__(self, first: Span, second: Span) -> None:
        one = first.ended - first.started
        other = second.ended - second.started
        self.first = first
        self.ended = second.ended
        self.count = 2
        self.sum_ns = one + other
        self.min_ns = min(one, other)
        self.max_ns = max(one, other)

    def add(self, span: Span) -> None:
        """Take one more leaf in."""
        took = span.ended - span.started
        self.count += 1
        self.sum_ns += took
        self.ended = span.ended
        if took < self.min_ns:
            self.min_ns = took
        elif took > self.max_ns:
            self.max_ns = took


Record = Union[Span, Composite]


def compress(spans: List[Span], longest_ns: int) -> Iterator[Record]:
    """Yield `spans` in order with their runs merged; leaves longer than `longest_ns` stay alone.

    `spans` are those of one thread, in the order of their ends.
    """
    held: Optional[Record] = None  # a leaf or a run that may still grow
    before: Optional[Span] = None
    for span in spans:
        mergeable = (
            span.extra is None
            and not span.id  # an id means that somebody refers to it
            and span.ended - span.started <= longest_ns
            and (before is None or before.parent is not span)
        )
        before = span
        if not mergeable:
            if held is not None:
                yield held
                held = None
            yield span
            continue
        if held is None:
            held = span
        elif isinstance(held, Composite):
            if held.first.site is span.site and held.first.parent is span.parent:
                held.add(span)
            else:
                yield held
                held = span
        elif held.site is span.site and held.parent is span.parent:
            held = Composite(held, span)
        else:
            yield held
            held = span
    if held is not None:
        yield held
