"""What a generator's resumptions add up to: the time inside, on the span that it was spent below."""

from __future__ import annotations

import weakref
from _thread import get_ident
from typing import Any, Iterator, Mapping, Optional, Set

from opentelemetry.context.context import Context

from nutrace import semconv
from nutrace.probes.blocks import close_dangling
from nutrace.recording.buffers import Buffer, local
from nutrace.recording.context import span_in, start_under_context
from nutrace.recording.span import CallSite, Span, ids, process_state

_NOTHING: Mapping[str, Any] = {}


class Account:
    """The span that a generator's time is being added to, and the first span of its call.

    The usual values are the class's: setting them on each object would take longer than all else here where
    the processor's caches are cold.
    """

    site: CallSite
    noted: Mapping[str, Any] = _NOTHING
    counted = True  # whether yields are values; a coroutine's are an event loop's business
    call: Optional[Span] = None
    span: Optional[Span] = None
    under: Any = None  # what was current when the span began
    inner: Any = None  # the span or context below its own that it left current when it last did leave one
    thread = 0  # that the span began in
    buffer: Buffer  # of that thread
    spent = (0, 0, 0)  # nanoseconds inside, values yielded, clock reading when the generator was last left
    driver: Optional[weakref.ref[Any]] = None  # the generator that the program has
    coroutine: Optional[weakref.ref[Any]] = None  # instead, what drives a coroutine

    def begin(self, state: Any, now: int) -> Span:
        """The span for a resumption at `now` below `state`; the one there was ends."""
        if self.span is not None:
            self.close()
        given = self.call if not self.thread and state is self.under else None
        self.thread = get_ident()
        self.buffer = local.buffer
        self.under = state
        self.spent = 0, 0, now
        _suspended.add(self)
        if given is not None and self._take_back(given, now):
            self.span = given
        else:
            self.span = self._enter(state, now)
        self.span.ensure_details().driven = self
        return self.span

    def _take_back(self, given: Span, now: int) -> bool:
        """Let the span of the call that gave the generator go on, if it was handed over just now."""
        queue = self.buffer.spans
        try:
            last: Span = queue.pop()
        except IndexError:  # it is written
            return False
        if last is not given:
            queue.append(last)
            return False
        self.spent = given.ended - given.started, 0, now
        given.ended = 0
        return True

    def _enter(self, state: Any, now: int) -> Span:
        if isinstance(state, Context):
            span = start_under_context(self.site, state)
        else:
            span = Span(self.site, state)
            if state is not None and not state.id:
                # Our span may outlive the one above it, which must not be merged away till then.
                ids.assign(state)
        details = span.ensure_details()
        if self.noted:
            details.attributes.update(self.noted)
        if self.call is None:
            self.call = span
        else:
            details.continues = self.call
        span.started = now
        return span

    def holds(self, left: Any) -> bool:
        """Whether `left`, which was current when the generator yielded, lies below its own span."""
        return any(node is self.span for node in _open_from(left))

    def was_away(self, inner: Any, away_ns: int) -> None:
        """Note on the open spans below its own, from `inner` upwards, how long they were suspended."""
        for node in _open_from(inner):
            if node is self.span:
                break
            node.ensure_details().away_ns += away_ns

    def is_dropped(self) -> bool:
        """Whether a ``GeneratorExit`` came because the program has let go of the generator."""
        return self.driver is not None and self.driver() is None

    def suspended(self) -> Iterator[Span]:
        """Its open spans while nobody is inside the generator: from what it left current up to its own.

        A generator that the program has let go of is inside: it is just being closed.
        """
        reference = self.driver or self.coroutine
        generator = None if reference is None else reference()
        if generator is None or generator.gi_running:
            return
        if self.holds(self.inner):
            for node in _open_from(self.inner):
                if node is self.span:
                    break
                yield node
        if self.span is not None:
            yield self.span

    def close(self, abandoned: bool = False) -> None:
        """End the span at the last moment inside the generator, and hand it over."""
        span = self.span
        if span is not None and not span.ended:
            details = span.ensure_details()
            details.driven = None
            details.busy_ns, yielded, span.ended = self.spent
            if self.counted:
                details.attributes[semconv.YIELDED] = yielded
            if abandoned:
                details.attributes[semconv.ABANDONED] = True
            if self.thread != get_ident():
                details.thread_id = self.buffer.thread_id
            if details.dangling is not None:
                close_dangling(span)
            process_state.emit(span)
        self.span = None
        _suspended.discard(self)


#: Generators begun and not ended: at the end of a recording some may still wait to be resumed.
_suspended: Set[Account] = set()


def close_suspended() -> int:
    """At the end of a recording: hand over, as unfinished, what is still suspended; returns how many."""
    accounts = list(_suspended)
    for account in accounts:
        if account.span is not None:
            account.span.ensure_details().unfinished = True
            account.close()
    return len(accounts)


def forget_suspended() -> None:
    """In a forked child: what was spent so far is the parent process's."""
    for account in list(_suspended):
        account.span = None
    _suspended.clear()


def _open_from(state: Any) -> Iterator[Span]:
    """Our open spans from `state` upwards."""
    node: Any = span_in(state)
    while isinstance(node, Span) and not node.ended:
        yield node
        node = node.parent
