"""Generators and coroutines: the cost is the time inside, over all resumptions.

A generator runs within whoever resumes it, so its span lies below the span that is current at the
resumption. If that changes on the way, the first span ends and another continues it: each part's
time is charged where it was spent, and the call is counted once.
"""

from __future__ import annotations

from types import GeneratorType
from typing import Any, Generator, Mapping, Optional

from opentelemetry.context.context import Context

from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, start_under_context
from nutrace.recording.span import Site, Span, home, ids

_NOTHING: Mapping[str, Any] = {}


class _Account:
    """The span that a generator's time is being added to, and the first of its call."""

    __slots__ = ("busy", "call", "counted", "last", "noted", "site", "span", "under", "yielded")

    def __init__(self, site: Site, noted: Mapping[str, Any], call: Optional[Span], counted: bool) -> None:
        self.site = site
        self.noted = noted
        self.call = call
        self.counted = counted
        self.span: Optional[Span] = None
        self.under: Any = None  # what was current when the span began
        self.busy = 0
        self.yielded = 0
        self.last = 0  # clock reading when the generator was last left

    def enter(self, state: Any, now: int) -> Span:
        """The span for a resumption at `now` below `state`: the one there is, or a new one."""
        span = self.span
        if span is not None:
            if state is self.under:
                return span
            self.close()
        if isinstance(state, Context):
            span = start_under_context(self.site, state)
        else:
            span = Span(self.site, state)
            if state is not None and not state.id:
                # Our span may outlive the one above it, which must not be merged away till then.
                ids.assign(state)
        extra = span.more()
        extra.attributes.update(self.noted)
        if self.call is None:
            self.call = span
        else:
            extra.continues = self.call
        span.started = now
        self.span = span
        self.under = state
        self.busy = 0
        self.yielded = 0
        return span

    def leave(self, began: int) -> None:
        """The generator was left just now; it had been entered at `began`."""
        self.last = now_ns()
        self.busy += self.last - began

    def close(self) -> None:
        """End the span at the last moment inside the generator, and hand it over."""
        span = self.span
        if span is not None and not span.ended:
            extra = span.more()
            extra.busy_ns = self.busy
            if self.counted:
                extra.attributes[semconv.YIELDED] = self.yielded
            span.ended = self.last
            home.hand_over(span)
        self.span = None


def drive(
    target: Any,
    site: Site,
    noted: Mapping[str, Any] = _NOTHING,
    *,
    call: Optional[Span] = None,
    counted: bool = True,
) -> Generator[Any, Any, Any]:
    """A generator that does what `target` (a generator or coroutine) does, and measures it.

    `call` is the span that has already counted the call, if one has; `counted` says whether yields
    are values (a generator's) or an event loop's business (a coroutine's).
    """
    if call is not None:
        call.more()
    traced = _drive(target, _Account(site, noted, call, counted))
    if type(target) is GeneratorType:
        traced.__name__ = target.__name__
        traced.__qualname__ = target.__qualname__
    return traced


def is_driven(generator: GeneratorType[Any, Any, Any]) -> bool:
    """Whether it is one of ours already: a function that hands on a probed generator."""
    return generator.gi_code is _drive.__code__


def _drive(target: Any, account: _Account) -> Generator[Any, Any, Any]:
    get = current.get
    set_current = current.set
    clock = now_ns
    resume = target.send
    argument: Any = None
    while True:
        state = get()
        began = clock()
        span = account.span
        if span is None or state is not account.under:
            span = account.enter(state, began)
        set_current(span)
        try:
            item = resume(argument)
        except StopIteration as stop:
            account.leave(began)
            set_current(state)
            account.close()
            return stop.value
        except BaseException as error:
            account.leave(began)
            set_current(state)
            span.fail(error)
            account.close()
            raise
        account.last = last = clock()
        set_current(state)
        account.busy += last - began
        account.yielded += 1
        try:
            argument = yield item
            resume = target.send
        except GeneratorExit:
            _abandon(target, account)
            raise
        except BaseException as error:  # thrown in by the consumer: the target decides
            resume = target.throw
            argument = error


def _abandon(target: Any, account: _Account) -> None:
    """Close a generator before its end; what its finally-blocks cost is part of it."""
    state = current.get()
    began = now_ns()
    span = account.enter(state, began)
    current.set(span)
    try:
        target.close()
    except BaseException as error:
        span.fail(error)
        raise
    finally:
        account.leave(began)
        current.set(state)
        span.more().attributes[semconv.ABANDONED] = True
        account.close()


async def traced_coroutine(target: Any, site: Site) -> Any:
    """Await `target`, measuring the time inside it and not the time it waits."""
    return await _Awaitable(target, site)


class _Awaitable:
    __slots__ = ("_site", "_target")

    def __init__(self, target: Any, site: Site) -> None:
        self._target = target
        self._site = site

    def __await__(self) -> Generator[Any, Any, Any]:
        return drive(self._target, self._site, counted=False)
