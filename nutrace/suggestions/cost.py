"""What probes would cost, from the run that counted their calls.

The traced process has measured what a call of a probe takes in its interpreter. Each probe costs that for
each of its calls, and a multiple for each span that is written. A call was measured in a loop; between a
program's own work it takes longer, as the processor's caches hold other things. In PDM-Closed, 9,000 calls a
step took 2.2 times as long (`devkit_overhead.py --toggle` says how).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Optional

from nutrace import semconv
from nutrace.prices import CALL, parse
from nutrace.suggestions.counting import Counted, Counts
from nutrace.trace import Trace
from nutrace.trace.bounds import whole

#: The part of its own time, and of a step, that a probe may cost. Beyond it, times are not what they were.
MOST = 0.02
# In calls of a probe in a loop:
_CALL = 2.0  # a call between other work
_RESUMPTION = 0.7  # to resume a generator
_WRITING = 4.0  # to write a span


@dataclass(frozen=True)
class Price:
    """What the probe on a function costs, in the steps, or in the whole run if it has none.

    Attributes
    ----------
    calls, cost_ns:
        Per step, or per run; the cost is that of calls, and of writing their spans on another thread.
    of_function:
        The cost of its calls alone as a part of the function's total time: what probing adds to it.
    of_step:
        The whole cost as a part of the step, or run.
    """

    calls: float
    cost_ns: float
    of_function: float
    of_step: float


def unit_ns(trace: Trace) -> Optional[float]:
    """What a call of a probe takes in a loop in the run's interpreter, in ns; None if it does not say."""
    stated = [
        prices[CALL].total_ns
        for prices in (parse(resource.attributes.get(semconv.OWN_PRICES)) for resource in trace.resources)
        if CALL in prices
    ]
    if stated:
        return fmean(stated)
    estimated = recorded = 0
    for resource in trace.resources:
        estimated += max(whole(resource.attributes.get(semconv.OVERHEAD_NS)), 0)
        recorded += max(whole(resource.attributes.get(semconv.SPANS_RECORDED)), 0)
    units = recorded + _RESUMPTION * sum(trace.yielded) + _WRITING * len(trace)
    return estimated / units if estimated and units else None


def calling_ns(unit: float, calls: float, yielded: float) -> float:
    """What calls of a probe add to their function's time, where a call in a loop takes `unit` ns."""
    return unit * _CALL * (calls + _RESUMPTION * yielded)


def price(counted: Counted, counts: Counts, unit: float, total_ns: float, step_ns: float) -> Price:
    """The price of a probe.

    Parameters
    ----------
    unit:
        The cost of a call in a loop, in ns.
    total_ns, step_ns:
        The time of the function, and of a step, in a step of the sampled run; 0 if it has none. The run that
        counts may be slower, on a busy machine and with all its probes: the shorter of the times is taken.
    """
    runs = counts.steps or 1
    calling = calling_ns(unit, counted.calls, counted.yielded) / runs
    cost = calling + unit * _WRITING * counted.records / runs
    times = [time for time in (counted.busy_ns / runs, total_ns) if time]
    steps = [time for time in (counts.step_ns / runs, step_ns) if time]
    return Price(
        calls=counted.calls / runs,
        cost_ns=cost,
        of_function=calling / min(times) if times else 0.0,
        of_step=cost / min(steps) if steps else 0.0,
    )
