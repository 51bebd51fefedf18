"""What a run file holds, read back: one immutable tree of spans, in columns."""

from __future__ import annotations

from nutrace.trace.addresses import Scenario
from nutrace.trace.correction import Correction, Priced
from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.reader import load
from nutrace.trace.selection import parse_steps, select
from nutrace.trace.span import Event, Resource, Status, ThreadKey
from nutrace.trace.span_view import SpanView
from nutrace.trace.trace import Trace

__all__ = [
    "Correction",
    "Diagnostics",
    "Event",
    "Priced",
    "Resource",
    "Scenario",
    "SpanView",
    "Status",
    "ThreadKey",
    "Trace",
    "load",
    "parse_steps",
    "select",
]
