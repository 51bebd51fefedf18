"""Attributes of speedups on the spans that they touch."""

from __future__ import annotations

from typing import Any

from nutrace.recording.context import current
from nutrace.recording.span import Span


def note(component: str, name: str, value: Any) -> None:
    """Set an attribute on the current span, if it is one of that part of the simulation.

    Parameters
    ----------
    component:
        One of :data:`nutrace.semconv.COMPONENTS`: whoever calls without a probe around it would
        otherwise write on a span that is none of its business, such as the step's.
    """
    span = current.get()
    if isinstance(span, Span) and span.site.component == component:
        span.set_attribute(name, value)
