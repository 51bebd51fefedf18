"""How many scenarios a run simulated, and which of them did not go as they should."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Tuple

from nutrace.trace import Scenario, Trace
from nutrace.trace.addresses import CUT_SHORT, FAILED, FINISHED


@dataclass(frozen=True)
class Scenarios:
    """The scenarios of a trace.

    Attributes
    ----------
    count, finished, failed, cut_short:
        All of them, and those with each outcome.
    retried:
        Simulations that repeat an earlier one of the same token and planner.
    remarkable:
        Those that failed, were cut short or repeat an earlier one, by number. Their ``steps`` are the
        finished ones.
    """

    count: int
    finished: int
    failed: int
    cut_short: int
    retried: int
    remarkable: Tuple[Scenario, ...]


def scenarios_of(trace: Trace) -> Scenarios:
    """The scenarios of a trace, or of a part of it."""
    every = trace.simulations
    outcomes = [scenario.outcome for scenario in every]
    steps = finished_steps(trace)
    return Scenarios(
        count=len(every),
        finished=outcomes.count(FINISHED),
        failed=outcomes.count(FAILED),
        cut_short=outcomes.count(CUT_SHORT),
        retried=sum(scenario.attempt > 1 for scenario in every),
        remarkable=tuple(
            replace(each, steps=tuple(steps.get(each.number, ())))
            for each in every
            if each.outcome != FINISHED or each.attempt > 1
        ),
    )


def finished_steps(trace: Trace) -> Dict[int, List[int]]:
    """The finished steps of each scenario, by its number."""
    steps: Dict[int, List[int]] = {}
    for step in trace.finished_steps:
        steps.setdefault(trace.addresses.scenario_of[step], []).append(step)
    return steps
