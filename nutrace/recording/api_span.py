"""The part of a span that only users of OpenTelemetry's API call; nutrace's own probes take shorter ways."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Mapping, Optional, Type, TypeVar, Union, cast

from opentelemetry import trace as otel
from opentelemetry.util import types

from nutrace.recording import failures
from nutrace.recording.clock import now_ns
from nutrace.recording.process_state import process_state

if TYPE_CHECKING:
    from nutrace.recording.span import Span, SpanDetails

Self = TypeVar("Self", bound="ApiSpan")


class ApiSpan:
    """Methods of ``opentelemetry.trace.Span``; times are Unix nanoseconds."""

    __slots__ = ()

    if TYPE_CHECKING:  # what Span has
        ended: int
        details: Optional[SpanDetails]

        def ensure_details(self) -> SpanDetails: ...

        def end(self) -> None: ...

        def fail(self, error: BaseException) -> None: ...

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if error is not None and self.is_recording():
            self.fail(error)
        self.end()

    def is_recording(self) -> bool:
        return not self.ended

    def set_attribute(self, key: str, value: types.AttributeValue) -> None:
        if not self.ended:
            self.ensure_details().attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, types.AttributeValue]) -> None:
        if not self.ended:
            self.ensure_details().attributes.update(attributes)

    def add_event(
        self, name: str, attributes: types.Attributes = None, timestamp: Optional[int] = None
    ) -> None:
        if not self.ended:
            noted = dict(attributes or {})
            self._add_event(name, failures.event_of(noted) if name == "exception" else noted, timestamp)

    def _add_event(self, name: str, noted: Mapping[str, Any], timestamp: Optional[int]) -> None:
        at = now_ns() if timestamp is None else int(timestamp) - process_state.offset_ns
        self.ensure_details().add_event(name, at, noted)

    def add_link(self, context: otel.SpanContext, attributes: types.Attributes = None) -> None:
        if not self.ended and context is not None:
            self.ensure_details().add_link(context.trace_id, context.span_id, dict(attributes or {}))

    def update_name(self, name: str) -> None:
        if not self.ended:
            self.ensure_details().name = name

    def set_status(
        self, status: Union[otel.Status, otel.StatusCode], description: Optional[str] = None
    ) -> None:
        if self.ended:
            return
        if isinstance(status, otel.Status):
            code, description = status.status_code, status.description
        else:
            code = status
        self.ensure_details().status = (code.value, failures.status_text(description) if description else "")

    def record_exception(
        self,
        exception: BaseException,
        attributes: types.Attributes = None,
        timestamp: Optional[int] = None,
        escaped: bool = False,
    ) -> None:
        if self.ended:
            return
        at = now_ns()
        try:
            noted = failures.note(exception, cast("Span", self), attributes)
            if escaped:
                noted["exception.escaped"] = True
            self._add_event("exception", noted, timestamp)
            process_state.own_time(failures.OWN, at)
        except Exception:  # the program's own error handling goes on
            process_state.fault("noting an exception")
