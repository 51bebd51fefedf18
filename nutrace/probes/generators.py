"""Generators and coroutines: their cost is the time inside, over all resumptions.

A generator runs within the code that resumes it, so its span lies below the span that is current at the
resumption. If that changes on the way, the first span ends and another one continues it: the time of each
part is charged where it was spent, and the call is counted once. If a probed function returns a generator
that has not begun, the function's span goes on as the generator's: the two are one call.
"""

from __future__ import annotations

import weakref
from _thread import get_ident
from types import GeneratorType
from typing import Any, Generator, Mapping

from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.probes.blocks import close_dangling
from nutrace.probes.given import site_of_given
from nutrace.probes.resumptions import Account
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, leave
from nutrace.recording.span import CallSite, Span, ids, process_state

_NOTHING: Mapping[str, Any] = {}


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
    account = Account()
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
    account = Account()
    account.site = site
    account.call = span
    account.under = state
    process_state.emit(span)
    return _start(target, account)


def is_driven(generator: GeneratorType[Any, Any, Any]) -> bool:
    """Whether it is one of ours already: a function that hands on a probed generator."""
    return generator.gi_code is _drive.__code__


def _start(target: Any, account: Account) -> Generator[Any, Any, Any]:
    driver: Any = _drive(target, account)
    if type(target) is GeneratorType:
        driver.__name__, driver.__qualname__ = target.__name__, target.__qualname__
        account.driver = weakref.ref(driver)
    else:
        account.coroutine = weakref.ref(driver)
    return driver  # type: ignore[no-any-return]


@passed_over
def _drive(
    target: Any,
    account: Account,
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
        span = account.span
        attached = attached and state is under
        if not attached:
            outer = state
        if span is None or state is not under or mine != thread():
            span = account.begin(state, clock())
            under, mine = state, account.thread
            busy, yielded, _ = account.spent
        # The clock is read after a span becomes current, and after that ends: a collection may strike in
        # `set_current`, and is below the span that was current until then.
        if inner is not None:
            set_current(inner)
            began = clock()
            account.was_away(inner, began - last)
        else:
            if not attached:
                set_current(span)
            began = clock()
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
            leave_traceback(error)
            span.fail(error)
            account.close(abandoned=closing)
            argument = None  # it may be this error: no cycle through its traceback
            raise
        left = get()
        if left is span or account.holds(left):
            attached = False
            inner = None
            if left is not span:
                inner = account.inner = left
            under = outer
            set_current(outer)
        else:
            attached = True
            inner = None
            under = left
        last = clock()
        busy += last - began
        yielded += 1
        account.spent = busy, yielded, last
        left = argument = None
        try:
            # A variable would keep what is yielded alive till the next one.
            argument = yield (value, value := None)[0]
            resume = send
            closing = False
        except BaseException as error:  # thrown in, or GeneratorExit of a close: the target decides
            leave_traceback(error)
            resume = target.throw
            argument = error
            closing = isinstance(error, GeneratorExit)


def traced_coroutine(target: Any, site: CallSite, noted: Mapping[str, Any] = _NOTHING) -> Any:
    """A coroutine that does what `target` does, measuring the time inside and not the time it waits."""
    traced: Any = _traced(_Awaitable(target, site, noted))
    traced.__name__ = target.__name__
    traced.__qualname__ = target.__qualname__
    return traced


@passed_over
async def _traced(awaitable: _Awaitable) -> Any:
    try:
        return await awaitable
    except BaseException as error:
        leave_traceback(error)
        raise


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
