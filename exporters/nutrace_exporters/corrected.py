"""What every surface says about nutrace's own time in the times that it shows."""

from __future__ import annotations

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.correction import CORRECTED, RAW
from nutrace_exporters.labels import duration


def correction_of(trace: Trace) -> str:
    """Whether times were corrected, and by how much; "" for traces of other programs.

    Of a part of a trace, the amount is that of the part.
    """
    if trace.correction.state == CORRECTED:
        return f"{duration(sum(trace.own_ns))} of nutrace's own time taken out of the spans"
    if not any(semconv.RUN_ID in resource.attributes for resource in trace.resources):
        return ""
    if trace.correction.state == RAW:
        return "none: times as recorded, with nutrace's own time in them (--raw)"
    return "none: the file does not say what nutrace's own time was"
