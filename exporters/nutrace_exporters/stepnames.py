"""Names for simulations and steps in formats that show each of them by itself."""

from __future__ import annotations

from typing import Dict

from nutrace.trace import Trace
from nutrace_exporters.labels import label


def step_names(trace: Trace) -> Dict[int, str]:
    """For each step its name with its iteration, ``simulation.step 10``, by the number of its span.

    If the trace has several scenarios, their steps and simulations have their numbers as well:
    ``simulation.step 10 of scenario 3``.
    """
    several = len(trace.simulations) > 1
    names = {}
    for span, (number, iteration) in zip(trace.step_indices, trace.step_addresses):
        names[span] = f"{trace.name[span]} {iteration}" + (f" of scenario {number}" if several else "")
    if several:
        for scenario in trace.simulations:
            if scenario.span is not None:
                names[scenario.span] = f"{trace.name[scenario.span]} of scenario {scenario.number}"
    return {span: label(name) for span, name in names.items()}
