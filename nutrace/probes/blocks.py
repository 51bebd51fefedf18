"""Spans that two calls make, one opening and one closing them: with-blocks and bracketed pairs."""

from __future__ import annotations

import functools
from typing import Any, List, Mapping, Optional, Tuple

import wrapt

from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.probes.notes import Args, Kwargs, Notes, Wrapped
from nutrace.probes.switch import switch
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current, leave, span_below, span_in
from nutrace.recording.span import CallSite, Span, process_state


def start(site: CallSite) -> Tuple[Span, Any]:
    """Make a new span current; returns it, and what was current before, for :func:`stop`."""
    state = current.get()
    span = span_below(site, state)
    current.set(span)
    span.started = now_ns()
    return span, state


def stop(span: Span, state: Any) -> None:
    """End a span that :func:`start` made."""
    if span.ended:  # the end of the recording came before
        leave(span, state)
        return
    span.end_at(now_ns())
    leave(span, state)
    close_dangling(span)
    process_state.emit(span)


@passed_over
def timed(site: CallSite, wrapped: Wrapped, args: Args, kwargs: Kwargs) -> Tuple[Any, Span]:
    """Call `wrapped` with a span around it; returns the result and the span, for the caller to hand over.

    If the call raises, its span is handed over with the error.
    """
    span, state = start(site)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        span.ended = now_ns()
        leave(span, state)
        leave_traceback(error)
        span.fail(error)
        process_state.emit(span)
        raise
    span.ended = now_ns()
    leave(span, state)
    return result, span


def close_dangling(span: Span) -> None:
    """End the brackets that were opened directly below `span` and not closed; they count as unfinished."""
    details = span.details
    if details is None or details.dangling is None:
        return
    inner, details.dangling = details.dangling, None
    if not inner.ended:
        inner.ensure_details().unfinished = True
        inner.end_at(span.ended)
        close_dangling(inner)
        process_state.emit(inner)


@passed_over
class TracedManager(wrapt.ObjectProxy):  # type: ignore
    """A context manager whose block is a span."""

    def __init__(self, manager: Any, site: CallSite, noted: Mapping[str, Any]) -> None:
        super().__init__(manager)
        self._self_site = site
        self._self_noted = noted
        self._self_open: List[Tuple[Span, Any]] = []

    def __enter__(self) -> Any:
        span, state = start(self._self_site)
        if self._self_noted:
            span.ensure_details().attributes.update(self._self_noted)
        try:
            entered = self.__wrapped__.__enter__()
        except BaseException as error:
            leave_traceback(error)
            span.fail(error)
            stop(span, state)
            raise
        self._self_open.append((span, state))
        return entered

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> Any:
        span, state = self._self_open.pop()
        try:
            swallowed = self.__wrapped__.__exit__(kind, error, trace)
        except BaseException as leaving:
            leave_traceback(leaving)
            span.fail(leaving)
            raise
        else:
            if error is not None and not swallowed:
                span.fail(error)
            return swallowed
        finally:
            stop(span, state)

    def __call__(self, function: Any) -> Any:
        """Decorate `function`, as contextlib does: each call gets a fresh manager."""
        manager = self.__wrapped__
        site, noted = self._self_site, self._self_noted

        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            fresh = manager._recreate_cm()
            with TracedManager(fresh, site, noted) if switch else fresh:
                return function(*args, **kwargs)

        return inner


@passed_over
class Bracket:
    """A span that one call opens and another one closes, such as a step; both calls lie inside it."""

    def __init__(self, site: CallSite, notes: Optional[Notes] = None) -> None:
        self.site = site
        self._notes = notes

    def open(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """The wrapper of the opening call."""
        state: Any = current.get()
        if type(state) is Span and state.site is self.site:
            self._end_unclosed()
        noted = None if self._notes is None else self._notes.of_call(instance, args, kwargs)
        span, state = start(self.site)
        details = span.ensure_details()  # steps are never merged
        if noted:
            details.attributes.update(noted)
        if type(state) is Span:
            state.ensure_details().dangling = span  # closed with the span above, if not before
        elif state is not None:
            details.base = state
        try:
            return wrapped(*args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            span.fail(error)
            self._end(span)
            raise

    def close(self, wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        """The wrapper of the closing call; if no span is open it only calls."""
        span = self._open_span()
        if span is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
            if self._notes is not None:
                span.ensure_details().attributes.update(self._notes.of_result(instance, args, result))
            return result
        except BaseException as error:
            leave_traceback(error)
            span.fail(error)
            raise
        finally:
            self._end(span)

    def _end_unclosed(self) -> None:
        """End the current span of this bracket: it was opened again without being closed.

        If another span lies between, as in a recursive call, the two nest instead.
        """
        state = current.get()
        while isinstance(state, Span) and state.site is self.site:
            if not state.ended:  # an exception lay between
                state.ensure_details().unfinished = True
            self._end(state)
            state = current.get()

    def _open_span(self) -> Optional[Span]:
        """The innermost open span of this bracket in this thread."""
        node: Any = span_in(current.get())
        while isinstance(node, Span):
            if node.site is self.site:
                return None if node.ended else node
            node = node.parent
        return None

    def _end(self, span: Span) -> None:
        base = span.details.base if span.details is not None else None
        leave(span, span.parent if base is None and isinstance(span.parent, Span) else base)
        if span.ended:
            return
        span.end_at(now_ns())
        if isinstance(span.parent, Span):
            span.parent.ensure_details().dangling = None
        close_dangling(span)
        process_state.emit(span)
