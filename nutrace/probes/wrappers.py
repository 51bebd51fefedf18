"""What stands around a probed function while it runs.

Each call looks up the current span, makes one object, makes it current, reads the clock, calls, reads the
clock, makes the span before it current again, and hands the span over. Names are bound as closure variables,
because a global costs a dictionary lookup in each call.
"""

from __future__ import annotations

import inspect
import types
from functools import partial
from typing import Any, Callable, Optional

from nutrace.patching.frames import can_leave, get_traceback, leave_traceback, passed_over, set_traceback
from nutrace.probes.blocks import TracedManager, close_dangling
from nutrace.probes.generators import drive, drive_given, is_driven, traced_coroutine
from nutrace.probes.notes import NOTHING, Args, Kwargs, Notes, Wrapped, Wrapper
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import settle, settle_step
from nutrace.recording.context import current, leave, start_under_context
from nutrace.recording.span import CallSite, Span, process_state


@passed_over
def around(site: CallSite, notes: Optional[Notes] = None) -> Wrapper:
    """The wrapper for functions that return.

    The time inside a generator that is returned, and has not begun yet, belongs to the call's span.
    """

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        try:
            return traced_call(site, wrapped, notes, instance)(*args, **kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise

    # If the function is known up front, this frame can be skipped.
    wrapper.traced = partial(traced_call, site, notes=notes)  # type: ignore[attr-defined]
    return wrapper


@passed_over
def _traced_call() -> Callable[..., Callable[..., Any]]:
    # Bound here and not below, so that all probes share them: what one call has brought into the
    # processor's caches is there for the next one, whichever probe it is of.
    get = current.get
    set_current = current.set
    kind = Span
    allocate = object.__new__
    generator_type = types.GeneratorType

    def traced_call(
        site: CallSite,
        wrapped: Wrapped,
        notes: Optional[Notes] = None,
        instance: Any = None,
    ) -> Callable[..., Any]:
        """A function that does what `wrapped` does, with a span around each call."""
        clock = now_ns
        hand_over = settle_step if site.step else settle

        def traced(*args: Any, **kwargs: Any) -> Any:
            noted = None if notes is None else notes.of_call(instance, args, kwargs)
            state = get()
            if state is None or type(state) is kind:
                # Span.__init__ by hand: its call would be a fifth of the whole cost.
                span = allocate(kind)
                span.site = site
                span.parent = state
                span.ended = 0
                span.id = 0
                span.details = None
            else:
                span = start_under_context(site, state)  # type: ignore[arg-type]
            if noted:
                span.ensure_details().attributes.update(noted)
            set_current(span)
            span.started = clock()
            try:
                result = wrapped(*args, **kwargs)
            except BaseException as error:
                span.ended = clock()
                if get() is span:  # as below, without a call: there may be no frame left for one
                    set_current(state)
                else:
                    leave(span, state)
                if can_leave:  # leave_traceback, without a frame for it
                    set_traceback(error, get_traceback(error).tb_next)  # type: ignore[union-attr]
                span.fail(error)
                close_dangling(span)
                process_state.emit(span)
                raise
            span.ended = clock()
            if get() is span:
                set_current(state)
            else:
                leave(span, state)
            if notes is not None:
                attributes = notes.of_result(instance, args, result)
                if attributes:
                    span.ensure_details().attributes.update(attributes)
            if type(result) is generator_type and _is_new(result):
                return drive_given(result, site, span, state)
            if span.details is not None:
                close_dangling(span)
            hand_over(span)
            return result

        return traced

    return traced_call


def _is_new(generator: types.GeneratorType[Any, Any, Any]) -> bool:
    """Whether nobody has begun or traced the generator."""
    return inspect.getgeneratorstate(generator) == inspect.GEN_CREATED and not is_driven(generator)


traced_call = _traced_call()


@passed_over
def generator(site: CallSite, notes: Optional[Notes] = None) -> Wrapper:
    """The wrapper for generator functions: a span has the time inside the generator, not its creation."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        noted = NOTHING if notes is None else notes.of_call(instance, args, kwargs)
        return drive(wrapped(*args, **kwargs), site, noted)

    return wrapper


@passed_over
def coroutine(site: CallSite, notes: Optional[Notes] = None) -> Wrapper:
    """The wrapper for coroutine functions: busy while it runs, not while it waits."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        noted = NOTHING if notes is None else notes.of_call(instance, args, kwargs)
        return traced_coroutine(wrapped(*args, **kwargs), site, noted)

    return wrapper


@passed_over
def context_manager(site: CallSite, notes: Optional[Notes] = None) -> Wrapper:
    """The wrapper for ``@contextmanager`` functions: the span is the with-block."""

    def wrapper(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        noted = NOTHING if notes is None else notes.of_call(instance, args, kwargs)
        return TracedManager(wrapped(*args, **kwargs), site, noted)

    return wrapper
