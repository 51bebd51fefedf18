"""The current span: one context variable for our probes and for OpenTelemetry.

OpenTelemetry keeps the current span in an immutable ``Context``; attaching one costs some two
microseconds. Our probes put their bare :class:`Span` into the variable instead, and the
``Context`` that contains it is built only when somebody asks OpenTelemetry for it. As there is
one variable, what was written last is current, and either kind nests in the other.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any, Optional, Union, cast

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.context.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

from nutrace.recording.span import Parent, Remote, Span

#: A bare span of ours, an OpenTelemetry context, or nothing.
State = Union[Span, Context, None]

current: ContextVar[State] = ContextVar("nutrace_current", default=None)


class RuntimeContext(ContextVarsRuntimeContext):
    """OpenTelemetry's runtime context over :data:`current`; `previous` held it before us."""

    def __init__(self, previous: Any) -> None:
        super().__init__()
        self.previous = previous

    def attach(self, context: Context) -> Token[Any]:
        return current.set(context)

    def get_current(self) -> Context:
        state = current.get()
        if state is None:
            return self.previous.get_current()  # type: ignore[no-any-return]
        if isinstance(state, Span):
            state.ensure_details()  # it may become a parent elsewhere: keep it whole
            base = base_of(state)
            span = cast(otel.Span, state)  # it is registered as one
            return otel.set_span_in_context(span, self.previous.get_current() if base is None else base)
        return state

    def detach(self, token: Token[Any]) -> None:
        try:
            current.reset(token)
        except (ValueError, RuntimeError):
            # Attached before we came, or in another context: the previous holder knows the token.
            self.previous.detach(token)


def base_of(span: Span) -> Optional[Context]:
    """The OpenTelemetry context that the span or one above it was started in, if that held baggage."""
    node: Optional[Parent] = span
    while node is not None and not isinstance(node, Remote):
        if node.details is not None and node.details.base is not None:
            base: Context = node.details.base
            return base
        node = node.parent
    return None


def parent_in(context: Context) -> Optional[Parent]:
    """The span that `context` holds, as a parent for one of ours."""
    span = otel.get_current_span(context)
    if isinstance(span, Span):
        return span
    held = span.get_span_context()
    return Remote(held.trace_id, held.span_id) if held.is_valid else None


def span_in(state: State) -> Optional[Parent]:
    """The span that is current in `state`."""
    return parent_in(state) if isinstance(state, Context) else state


def start_under_context(site: Any, state: Context) -> Span:
    """A span of ours below an OpenTelemetry context, which is the rarer case; it is not started yet."""
    span = Span(site, parent_in(state))
    if len(state) > (1 if otel.get_current_span(state) is not otel.INVALID_SPAN else 0):
        span.ensure_details().base = state
    return span


def span_below(site: Any, state: State) -> Span:
    """A span of ours below `state`; it is neither current nor started yet."""
    return start_under_context(site, state) if isinstance(state, Context) else Span(site, state)


def leave(span: Span, state: State) -> None:
    """End `span` as the current one: what was current before it, `state`, is so again.

    What the program has attached meanwhile and not detached stays, as it would without the span.
    """
    left = current.get()
    if left is span:
        current.set(state)
    elif isinstance(left, Context):
        held: Any = otel.get_current_span(left)
        if held is span:  # attached over our span, which must not stay current
            current.set(otel.set_span_in_context(_otel_span(state), left))
    elif left is not None:
        current.set(_still_open(left, span, state))


def _otel_span(state: State) -> otel.Span:
    if state is None:
        return otel.INVALID_SPAN
    if isinstance(state, Span):
        state.ensure_details()  # it may become a parent elsewhere: keep it whole
        return cast(otel.Span, state)
    return otel.get_current_span(state)


def _still_open(left: Span, span: Span, state: State) -> State:
    """What to make current if `left` was when `span` ended.

    A span below `span` was left open there, and is no longer current. Otherwise the program has detached
    what it had attached earlier, which made a span of ours current that may have ended since.
    """
    node: Optional[Parent] = left
    while isinstance(node, Span) and node is not span:
        node = node.parent
    if node is span:
        return state
    node = left
    while isinstance(node, Span) and node.ended:
        node = node.parent
    return node if isinstance(node, Span) else base_of(left)


def release() -> None:
    """After a recording: none of its spans stays current in this thread."""
    state = current.get()
    if isinstance(state, Span):
        current.set(base_of(state))


def install() -> None:
    """Make OpenTelemetry use :data:`current`."""
    runtime = otel_context._RUNTIME_CONTEXT
    if not isinstance(runtime, RuntimeContext):
        otel_context._RUNTIME_CONTEXT = RuntimeContext(runtime)


def uninstall() -> None:
    """Give OpenTelemetry back what it had."""
    runtime = otel_context._RUNTIME_CONTEXT
    if isinstance(runtime, RuntimeContext):
        otel_context._RUNTIME_CONTEXT = runtime.previous
