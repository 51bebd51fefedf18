"""What tracing costs the program, estimated from what one probe costs here and now."""

from __future__ import annotations

import time

from nutrace.probes import wrappers
from nutrace.recording.buffers import local
from nutrace.recording.span import CallSite
from nutrace.recording.totals import Totals

_CALLS = 500
_RESUMPTION = 0.7  # of what a call costs


def cost_ns(totals: Totals) -> int:
    """Nanoseconds that the probes took of the program's threads: at least."""
    return int(_call_ns() * (totals.recorded + _RESUMPTION * totals.yielded))


def _call_ns() -> float:
    """The cost of one call: the best of three rounds."""

    def nothing() -> None:
        return None

    traced = wrappers.traced_call(CallSite("calibration", "other"), nothing)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter_ns()
        for _ in range(_CALLS):
            traced()
        best = min(best, (time.perf_counter_ns() - began) / _CALLS)
        local.spans.clear()
    return best
