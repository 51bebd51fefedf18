"""Generators and coroutines: their cost is the time inside, over all resumptions.

A generator runs within whoever resumes it, so its span lies below the span that is current at the
resumption. If that changes on the way, the first span ends and another one continues it: the time of each
part is charged where it was spent, and the call is counted once. If a probed function returns a generator
that has not begun, the function's span goes on as the generator's: the two are one call.
"""

from __future__ import annotations

import weakref
from _thread import get_ident
from types import GeneratorType
from typing import Any, Generator, Iterator, Mapping, Optional, Set

from opentelemetry.context.context import Context

from nutrace import semconv
from nutrace.probes.blocks import close_dangling
from nutrace.probes.given import site_of_given
from nutrace.recording.buffers import Buffer, local
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, leave, parent_in, start_under_context
from nutrace.recording.span import CallSite, Span, ids, process_state

_NOTHING: Mapping[str, Any] = {}


class _Account:
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
    thread = 0  # that the span began in
    buffer: Buffer  # of that thread
    spent = (0, 0, 0)  # nanoseconds inside, values yielded, clock reading when the generator was last left
    driver: Optional[weakref.ref[Any]] = None  # the generator that the program has

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

    def close(self, abandoned: bool = False) -> None:
        """End the span at the last moment inside the generator, and hand it over."""
        span = self.span
        if span is not None and not span.ended:
            details = span.ensure_details()
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
_suspended: Set[_Account] = set()


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
    node: Any = parent_in(state) if isinstance(state, Context) else state
    while isinstance(node, Span) and not node.ended:
        yield node
        node = node.parent


def drive(
    target: Any,
    site: CallSite,
    noted: Mapping[str, Any] = _NOTHING,
    *,
    counted: bool = True,
) -> Generator[Any, Any, Any]:
    """A generator that does what `target` does, and measures it.

    Parameters
    ----------
    target:
        A generator or coroutine.
    noted:
        Attributes of its span.
    counted:
        Whether yields are values (a generator's) or an event loop's business (a coroutine's).
    """
    account = _Account()
    account.site = site
    account.noted = noted
    account.counted = counted
    return _start(target, account)


def drive_given(
    target: GeneratorType[Any, Any, Any], site: CallSite, span: Span, state: Any
) -> Generator[Any, Any, Any]:
    """A generator that does what `target` does, and measures it as part of the call that returned it.

    Parameters
    ----------
    site:
        Of the call.
    span:
        The call's, which ended just now below `state`. It is handed over; the first resumption takes it
        back if it can, and adds the time inside the generator to it.
    """
    span.site = site = site_of_given(target, site)
    details = span.ensure_details()
    if details.dangling is not None:
        close_dangling(span)
    if type(state) is Span and not state.id:
        ids.assign(state)  # as in `begin`
    account = _Account()
    account.site = site
    account.call = span
    account.under = state
    process_state.emit(span)
    return _start(target, account)


def is_driven(generator: GeneratorType[Any, Any, Any]) -> bool:
    """Whether it is one of ours already: a function that hands on a probed generator."""
    return generator.gi_code is _drive.__code__


def _start(target: Any, account: _Account) -> Generator[Any, Any, Any]:
    driver: Any = _drive(target, account)
    if type(target) is GeneratorType:
        driver.__name__, driver.__qualname__ = target.__name__, target.__qualname__
        account.driver = weakref.ref(driver)
    return driver  # type: ignore[no-any-return]


def _drive(
    target: Any,
    account: _Account,
    get: Any = current.get,
    set_current: Any = current.set,
    thread: Any = get_ident,
) -> Generator[Any, Any, Any]:
    clock = now_ns
    send = resume = target.send
    argument: Any = None
    closing = False
    under: Any = None
    inner: Any = None  # the span or context below its own that it left current at its last yield
    attached = False  # whether it left another context current, which then is the consumer's as well
    outer: Any = None  # what is to be current when it has ended
    mine = busy = yielded = last = 0
    while True:
        state = get()
        began = clock()
        span = account.span
        attached = attached and state is under
        if not attached:
            outer = state
        if span is None or state is not under or mine != thread():
            span = account.begin(state, began)
            under, mine = state, account.thread
            busy, yielded, _ = account.spent
        if inner is not None:
            account.was_away(inner, began - last)
            set_current(inner)
        elif not attached:
            set_current(span)
        try:
            if closing and account.is_dropped():
                # Somebody else may hold the target and go on with it. If nobody does, this ends it.
                target = send = resume = argument = None
                raise StopIteration
            value = resume(argument)
        except StopIteration as stop:
            last = clock()
            account.spent = busy + last - began, yielded, last
            leave(span, outer)
            account.close(abandoned=closing)
            argument = None
            return stop.value
        except BaseException as error:
            last = clock()
            account.spent = busy + last - began, yielded, last
            leave(span, outer)
            span.fail(error)
            account.close(abandoned=closing)
            argument = None  # it may be this error: no cycle through its traceback
            raise
        last = clock()
        busy += last - began
        yielded += 1
        account.spent = busy, yielded, last
        left = get()
        attached = left is not span and not account.holds(left)
        inner = None if attached or left is span else left
        if attached:
            under = left
        else:
            under = outer
            set_current(outer)
        left = argument = None
        try:
            # A variable would keep what is yielded alive till the next one.
            argument = yield (value, value := None)[0]
            resume = send
            closing = False
        except BaseException as error:  # thrown in, or GeneratorExit of a close: the target decides
            resume = target.throw
            argument = error
            closing = isinstance(error, GeneratorExit)


def traced_coroutine(target: Any, site: CallSite, noted: Mapping[str, Any] = _NOTHING) -> Any:
    """A coroutine that does what `target` does, measuring the time inside and not the time it waits."""
    traced: Any = _traced(_Awaitable(target, site, noted))
    traced.__name__ = target.__name__
    traced.__qualname__ = target.__qualname__
    return traced


async def _traced(awaitable: _Awaitable) -> Any:
    return await awaitable


class _Awaitable:
    __slots__ = ("_noted", "_site", "_target")

    def __init__(self, target: Any, site: CallSite, noted: Mapping[str, Any]) -> None:
        self._target = target
        self._site = site
        self._noted = noted

    def __await__(self) -> Generator[Any, Any, Any]:
        target, self._target = self._target, None
        return drive(target, self._site, self._noted, counted=False)

    def __del__(self) -> None:
        # The coroutine was closed before its start or never awaited. Python says so of the outer one, and
        # must not say it of this one as well.
        if self._target is not None:
            self._target.close()
