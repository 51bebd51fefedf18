"""What probes would cost, from the run that counted their calls.

The traced process has estimated its own cost: what a call of a probe takes in its interpreter, times the
calls, and the CPU time of its writing thread. Each probe has its part of that, by its calls and spans.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from nutrace import semconv
from nutrace.suggestions.counting import Counted, Counts
from nutrace.trace import Trace
from nutrace.trace.bounds import whole

#: The part of its own time, and of a step, that a probe may cost. Beyond it, times are not what they were.
MOST = 0.02
_WRITING = 4.0  # to write a span, in calls of a probe
_RESUMPTION = 0.7  # to resume a generator, in calls of a probe


@dataclass(frozen=True)
class Price:
    """What the probe on a function costs, in the steps, or in the whole run if it has none.

    Attributes
    ----------
    calls, cost_ns:
        Per step, or per run.
    of_function, of_step:
        The cost as a part of the function's own total time, and of the step or run.
    """

    calls: float
    cost_ns: float
    of_function: float
    of_step: float


def unit_ns(trace: Trace) -> Optional[float]:
    """What a call of a probe has cost in this run, in ns; None if the file does not say."""
    estimated = recorded = 0
    for resource in trace.resources:
        estimated += max(whole(resource.attributes.get(semconv.OVERHEAD_NS)), 0)
        recorded += max(whole(resource.attributes.get(semconv.SPANS_RECORDED)), 0)
    units = recorded + _RESUMPTION * sum(trace.yielded) + _WRITING * len(trace)
    return estimated / units if estimated and units else None


def price(counted: Counted, counts: Counts, unit: float) -> Price:
    """The price of a probe, at `unit` ns for a call."""
    cost = unit * (counted.calls + _RESUMPTION * counted.yielded + _WRITING * counted.records)
    runs = counts.steps or 1
    return Price(
        calls=counted.calls / runs,
        cost_ns=cost / runs,
        of_function=cost / counted.busy_ns if counted.busy_ns else 0.0,
        of_step=cost / counts.step_ns if counts.step_ns else 0.0,
    )
