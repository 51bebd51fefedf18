"""Generators and coroutines: the cost is the time inside, over all resumptions.

A generator runs within whoever resumes it, so its span lies below the span that is current at the
resumption. If that changes on the way, the first span ends and another continues it: each part's
time is charged where it was spent, and the call is counted once. The span of a probed function that
gives a generator goes on as the generator's: the two are one call.
"""

from __future__ import annotations

from _thread import get_ident
from types import GeneratorType
from typing import Any, Deque, Generator, Iterator, Mapping, Optional, Set

from opentelemetry.context.context import Context

from nutrace import semconv
from nutrace.probes.blocks import close_dangling
from nutrace.recording.buffers import LIMIT, Buffer, local
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, parent_in, start_under_context
from nutrace.recording.span import CallSite, Span, ids, process_state

_NOTHING: Mapping[str, Any] = {}
_MOST_GIVEN = 16  # generators that the calls of one function give are told apart


class _Account:
    """The span that a generator's time is being added to, and the first of its call.

    What is as usual stays with the class: where caches are cold, setting it takes longer than all else here.
    """

    site: CallSite
    noted: Mapping[str, Any] = _NOTHING
    counted = True
    call: Optional[Span] = None
    span: Optional[Span] = None
    under: Any = None  # what was current when the span began
    thread = 0  # that the span began in, and its queue
    buffer: Buffer
    spent = (0, 0, 0)  # nanoseconds inside, values yielded, clock reading when the generator was last left

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
        if given is not None:
            # The span of the call that gave the generator goes on, if it was handed over just now.
            queue = self.buffer.spans
            try:
                last: Span = queue.pop()
                if last is given:
                    self.span = last
                    self.spent = last.ended - last.started, 0, now
                    last.ended = 0
                    return last
                queue.append(last)
            except IndexError:  # it is written
                pass
        self.span = self._enter(state, now)
        return self.span

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

    def inside(self, state: Any) -> Any:
        """`state`, which the generator left current when it yielded, if that lies below its own span."""
        return state if any(node is self.span for node in _open_from(state)) else None

    def away(self, inner: Any, away_ns: int) -> None:
        """The spans from `inner` up to its own were away for so long: they are open around the yield."""
        for node in _open_from(inner):
            if node is self.span:
                break
            node.ensure_details().away_ns += away_ns

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
            queue = local.spans
            queue.append(span)
            if len(queue) >= LIMIT:
                process_state.drain_full_queue(queue)
        self.span = None
        _suspended.discard(self)


#: Generators begun and not ended: at the end of a recording some may still wait to be resumed.
_suspended: Set[_Account] = set()


def close_suspended() -> int:
    """At the end of a recording: hand over, as unfinished, what is still suspended; says how many."""
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
    """A generator that does what `target` (a generator or coroutine) does, and measures it.

    `counted` says whether yields are values (a generator's) or an event loop's business (a coroutine's).
    """
    account = _Account()
    account.site = site
    account.noted = noted
    account.counted = counted
    traced = _drive(target, account)
    if type(target) is GeneratorType:
        named: Any = traced
        named.__name__, named.__qualname__ = target.__name__, target.__qualname__
    return traced


def drive_given(
    target: GeneratorType[Any, Any, Any], site: CallSite, span: Span, state: Any, queue: Deque[Any]
) -> Generator[Any, Any, Any]:
    """Likewise, for a generator that a call gave: `span` is the call's, ended just now, below `state`.

    It goes to its thread's `queue`. The first resumption takes it back, as a rule, and adds the time inside.
    """
    span.site = site = site.given.get(target.gi_code) or _site_of_given(target, site)
    details = span.ensure_details()
    if details.dangling is not None:
        close_dangling(span)
    if type(state) is Span and not state.id:
        ids.assign(state)  # as in `begin`
    account = _Account()
    account.site = site
    account.call = span
    account.under = state
    queue.append(span)
    if len(queue) >= LIMIT:
        process_state.drain_full_queue(queue)
    traced = _drive(target, account)
    named: Any = traced
    named.__name__, named.__qualname__ = target.__name__, target.__qualname__
    return traced


def _site_of_given(generator: GeneratorType[Any, Any, Any], site: CallSite) -> CallSite:
    """The site of calls that give such a generator: it says whose, if that is another function."""
    code = generator.gi_code
    function, file, line = site.target
    if len(site.given) >= _MOST_GIVEN or (file, line) == (code.co_filename, code.co_firstlineno):
        return site
    try:
        qualified = getattr(code, "co_qualname", generator.__qualname__)  # 3.11; what is set may be anything
        if type(qualified) is not str or qualified.rpartition(".")[2] != code.co_name:
            qualified = code.co_name
        module = generator.gi_frame and dict.get(generator.gi_frame.f_globals, "__name__")
        given = {
            semconv.GIVEN_FUNCTION: f"{module}.{qualified}" if type(module) is str and module else qualified,
            semconv.GIVEN_FILE: code.co_filename,
            semconv.GIVEN_LINE: code.co_firstlineno,
        }
    except Exception:  # law 1
        process_state.fault("naming a generator")
        return site
    twin = site.given[code] = CallSite(
        site.name,
        site.component,
        function=function,
        file=file,
        line=line,
        kind=site.kind,
        scope=site.scope,
        attributes={**site.attributes, **given},
    )
    return twin


def is_driven(generator: GeneratorType[Any, Any, Any]) -> bool:
    """Whether it is one of ours already: a function that hands on a probed generator."""
    return generator.gi_code is _drive.__code__


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
    inner: Any = None  # what the generator left current, if not its span: a block around one of its yields
    mine = busy = yielded = last = 0
    while True:
        state = get()
        began = clock()
        span = account.span
        if span is None or state is not under or mine != thread():
            span = account.begin(state, began)
            under, mine = state, account.thread
            busy, yielded, _ = account.spent
        if inner is None:
            set_current(span)
        else:
            account.away(inner, began - last)
            set_current(inner)
        try:
            value = resume(argument)
        except StopIteration as stop:
            last = clock()
            account.spent = busy + last - began, yielded, last
            set_current(state)
            account.close(abandoned=closing)
            argument = None
            return stop.value
        except BaseException as error:
            last = clock()
            account.spent = busy + last - began, yielded, last
            set_current(state)
            span.fail(error)
            account.close(abandoned=closing)
            argument = None  # it may be this error: no cycle through its traceback
            raise
        last = clock()
        busy += last - began
        yielded += 1
        account.spent = busy, yielded, last
        inner = get()
        inner = None if inner is span else account.inside(inner)
        set_current(state)
        argument = None
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
        # Closed or cancelled before its start, or never awaited, which Python says of the outer
        # coroutine: of this one it must not say so as well.
        if self._target is not None:
            self._target.close()
