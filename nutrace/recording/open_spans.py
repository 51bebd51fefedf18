"""Open spans: they are announced in the file while the program runs, as it may be killed.

The context of other threads cannot be read, so an open span is known from the moment on when a span below it
is written. It is announced then, as if it ended at that moment. From time to time the innermost of the known
ones are announced again: readers end an unfinished span at the latest sign of life below it.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Set

from nutrace.recording.composites import Record
from nutrace.recording.context import current, span_in
from nutrace.recording.span import Span, ids

# Suspended generators may stay open by the thousand; the lines that say so must stay few.
_MOST_SIGNS = 64


class OpenSpans:
    """The open ancestors of what was written, by id.

    Parameters
    ----------
    since_ns:
        Clock reading; spans that began before it are another recording's, or the parent process's.
    every_ns:
        How often the innermost are announced again.
    """

    def __init__(self, since_ns: int, every_ns: int) -> None:
        self._since_ns = since_ns
        self._every_ns = every_ns
        self._last_sign_ns = since_ns
        self._announced: Dict[int, Span] = {}
        self._fresh: Dict[int, Span] = {}

    def written(self, records: Iterable[Record]) -> None:
        """Note that `records` were written: they are no longer open, and the spans above them are known."""
        announced, fresh = self._announced, self._fresh
        passed: Set[int] = set()  # id() of spans from which on nothing is new
        beside: Any = self  # the parent of the record before: siblings follow each other
        for record in records:
            if record.id in announced:
                del announced[record.id]
            elif record.id in fresh:
                del fresh[record.id]
            span = record.parent
            if span is beside:
                continue
            beside = span
            while isinstance(span, Span) and id(span) not in passed:
                passed.add(id(span))
                if span.id in announced or span.id in fresh:
                    break
                if not span.ended and self._is_ours(span):
                    ids.assign(span)
                    fresh[span.id] = span
                span = span.parent

    def begun(self, span: Span) -> None:
        """Announce `span` the next time, whatever was written below it."""
        if not span.ended and span.id not in self._announced:
            self._fresh[span.id] = span

    def due(self, now: int) -> List[Span]:
        """What to announce at the clock reading `now`: the new ones, and the innermost if it is time."""
        fresh = {key: span for key, span in self._fresh.items() if not span.ended}
        self._fresh = {}
        self._announced.update(fresh)
        if now - self._last_sign_ns >= self._every_ns:
            self._last_sign_ns = now
            fresh.update((span.id, span) for span in self._innermost())
        return list(fresh.values())

    def _innermost(self) -> List[Span]:
        still = [span for span in self._announced.values() if not span.ended]
        above = {id(span.parent) for span in still}
        innermost = [span for span in still if id(span) not in above]
        return sorted(innermost, key=lambda span: span.started)[-_MOST_SIGNS:]

    def known(self) -> Set[Span]:
        """All that may still be open: the known ones, and those that this thread is inside of."""
        spans = {*self._announced.values(), *self._fresh.values(), *chain()}
        return {span for span in spans if not span.ended and self._is_ours(span)}

    def _is_ours(self, span: Span) -> bool:
        # If a signal handler raised just before the span was started, it is current and has no start.
        return getattr(span, "started", 0) >= self._since_ns


def chain() -> Iterator[Span]:
    """The spans of ours that this thread is inside of, innermost first."""
    node = span_in(current.get())
    while isinstance(node, Span):
        yield node
        node = node.parent
