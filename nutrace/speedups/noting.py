"""Attributes that speedups set on the spans around them."""

from __future__ import annotations

from typing import Any

from nutrace.recording.context import current
from nutrace.recording.span import Span


def note(component: str, name: str, value: Any) -> None:
    """Set an attribute on the current span, if it is one of that part of the simulation.

    Parameters
    ----------
    component:
        One of :data:`nutrace.semconv.COMPONENTS`. Without a probe around the call, the current span is
        another part's, such as the step's, and gets no attribute.
    """
    span = current.get()
    if isinstance(span, Span) and span.site.component == component:
        span.set_attribute(name, value)
