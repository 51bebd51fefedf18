"""The hot path: what stands around a probed function while it runs.

Each call is: look up the current span, make one object, set the variable, read the clock, call,
read the clock, set the variable back, then merge with the equal call before or append. Names are bound as closure variables because a
global costs a dictionary lookup each.
"""

from __future__ import annotations

import types
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import wrapt
from opentelemetry.context.context import Context

from nutrace.probes.generators import drive, is_driven, traced_coroutine
from nutrace.recording.buffers import LIMIT, local
from nutrace.recording.clock import now_ns
from nutrace.recording.compression import merge
from nutrace.recording.context import current, start_under_context
from nutrace.recording.span import Site, Span, home

Wrapped = Callable[..., Any]
Args = Tuple[Any, ...]
Kwargs = Dict[str, Any]
#: wrapt's calling convention: (wrapped, instance, args, kwargs).
Wrapper = Callable[[Wrapped, Any, Args, Kwargs], Any]
Noter = Callable[[Any, Args, Kwargs], Mapping[str, Any]]
ResultNoter = Callable[[Any, Any], Mapping[str, Any]]

#: Empty while nothing is traced. wrapt tests its truth in C and calls the original if it is false,
#: so a decorated function costs next to nothing while off, and an append turns all of them on.
switch: List[bool] = []


def start(site: Site) -> Tuple[Span, Any]:
    """Make a span current; returns it and what to give back to :data:`current` afterwards."""
    state = current.get()
    span = start_under_context(site, state) if isinstance(state, Context) else Span(site, state)
    current.set(span)
    span.started = now_ns()
    return span, state


def stop(span: Span, state: Any) -> None:
    """End a span that :func:`start` made."""
    if not span.ended:
        span.ended = now_ns()
        current.set(state)
        home.hand_over(span)


def note(span: Span, attributes: Mapping[str, Any]) -> None:
    """Put attributes on a span; nothing is made for none."""
    if attributes:
        span.more().attributes.update(attributes)


def around(site: Site, noter: Optional[Noter] = None, result_noter: Optional[ResultNoter] = None) -> Wrapper:
    """The wrapper for functions that return; a returned generator is followed until its end."""
    get = current.get
    set_current = current.set
    clock = now_ns
    kind = Span
    allocate = object.__new__
    generator_type = types.GeneratorType

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        state = get()
        if state is None or type(state) is kind:
            # Span.__init__ by hand: its call would be a fifth of the whole cost.
            span = allocate(kind)
            span.site = site
            span.parent = state
            span.ended = 0
            span.id = 0
            span.extra = None
        else:
            span = start_under_context(site, state)  # type: ignore[arg-type]
        set_current(span)
        if noter is not None:
            _guarded(noter, span, instance, args, kwargs)
        span.started = clock()
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            span.ended = clock()
            set_current(state)
            span.fail(error)
            _close_dangling(span)
            home.hand_over(span)
            raise
        span.ended = clock()
        set_current(state)
        if result_noter is not None:
            _guarded_result(result_noter, span, instance, result)
        if type(result) is generator_type and not is_driven(result):
            result = drive(result, site, call=span)
        if span.extra is not None:
            _close_dangling(span)
        queue = local.spans
        if queue:
            try:
                last = queue[-1]
            except IndexError:  # the recorder emptied it in this moment
                pass
            else:
                if last.site is site and last.parent is state and merge(span, last, queue):
                    return result
        queue.append(span)
        if len(queue) >= LIMIT:
            home.relieve(queue)
        return result

    return traced


def generator(
    site: Site, noter: Optional[Noter] = None, result_noter: Optional[ResultNoter] = None
) -> Wrapper:
    """The wrapper for generator functions: the span is the generator's life, not its creation."""

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        made = wrapped(*args, **kwargs)
        noted: Mapping[str, Any] = {}
        if noter is not None:
            try:
                noted = dict(noter(instance, args, kwargs))
            except Exception:
                home.fault(f"reading attributes for {site.name}")
        return drive(made, site, noted)

    return traced


def coroutine(
    site: Site, noter: Optional[Noter] = None, result_noter: Optional[ResultNoter] = None
) -> Wrapper:
    """The wrapper for coroutine functions: busy while it runs, not while it waits."""

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        return traced_coroutine(wrapped(*args, **kwargs), site)

    return traced


def context_manager(
    site: Site, noter: Optional[Noter] = None, result_noter: Optional[ResultNoter] = None
) -> Wrapper:
    """The wrapper for ``@contextmanager`` functions: the span is the with-block."""

    def traced(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        return _TracedManager(wrapped(*args, **kwargs), site)

    return traced


class _TracedManager(wrapt.ObjectProxy):  # type: ignore[misc]
    """A context manager whose block is a span."""

    def __init__(self, manager: Any, site: Site) -> None:
        super().__init__(manager)
        self._self_site = site

    def __enter__(self) -> Any:
        self._self_span, self._self_state = start(self._self_site)
        try:
            return self.__wrapped__.__enter__()
        except BaseException as error:
            self._self_span.fail(error)
            stop(self._self_span, self._self_state)
            raise

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> Any:
        if error is not None:
            self._self_span.fail(error)
        try:
            return self.__wrapped__.__exit__(kind, error, trace)
        finally:
            stop(self._self_span, self._self_state)

    def __call__(self, function: Any) -> Any:  # used as a decorator: a fresh manager for each call
        recreate = self.__wrapped__._recreate_cm
        site = self._self_site

        def managed(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
            with _TracedManager(recreate(), site):
                return wrapped(*args, **kwargs)

        return wrapt.FunctionWrapper(function, managed)


class Bracket:
    """Two calls that open and close one span, such as a step; both lie inside it."""

    def __init__(self, site: Site, noter: Optional[Noter] = None) -> None:
        self.site = site
        self.noter = noter

    def open(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """Wrapper of the opening call."""
        _end_unclosed(self.site)
        state = current.get()
        span = start_under_context(self.site, state) if isinstance(state, Context) else Span(self.site, state)
        extra = span.more()  # steps are never merged
        if self.noter is not None:
            _guarded(self.noter, span, instance, args, kwargs)
        if isinstance(state, Span):
            state.more().dangling = span  # if nobody closes it, the end of the span above does
        extra.base = state if isinstance(state, Context) else None
        current.set(span)
        span.started = now_ns()
        return wrapped(*args, **kwargs)

    def close(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """Wrapper of the closing call; without an open span it is just the call."""
        span = self._open_span()
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            return wrapped(*args, **kwargs)
        finally:
            span.ended = now_ns()
            parent = span.parent
            if isinstance(parent, Span):
                parent.more().dangling = None
                current.set(parent)
            else:
                current.set(span.more().base)
            home.hand_over(span)
            home.step_ended()

    def _open_span(self) -> Optional[Span]:
        node: Any = current.get()
        while isinstance(node, Span):
            if node.site is self.site:
                return None if node.ended else node
            node = node.parent
        return None


def _end_unclosed(site: Site) -> None:
    """A bracket that opens twice without closing (an exception lay between) ends the first one."""
    state = current.get()
    if isinstance(state, Span) and state.site is site and not state.ended:
        state.more().unfinished = True
        state.ended = now_ns()
        if isinstance(state.parent, Span):
            state.parent.more().dangling = None
        current.set(state.parent if isinstance(state.parent, Span) else state.more().base)
        home.hand_over(state)


def _close_dangling(span: Span) -> None:
    extra = span.extra
    if extra is None or extra.dangling is None:
        return
    inner, extra.dangling = extra.dangling, None
    if not inner.ended:
        inner.more().unfinished = True
        inner.ended = span.ended
        home.hand_over(inner)


def _guarded(noter: Noter, span: Span, instance: Any, args: Args, kwargs: Kwargs) -> None:
    try:
        note(span, noter(instance, args, kwargs))
    except Exception:  # law 1, the guard around attribute readers
        home.fault(f"reading attributes for {span.site.name}")


def _guarded_result(noter: ResultNoter, span: Span, instance: Any, result: Any) -> None:
    try:
        note(span, noter(instance, result))
    except Exception:  # law 1, the guard around attribute readers
        home.fault(f"reading attributes for {span.site.name}")
