"""The head of a report on several scenarios: how they went, what was slow, what their workers need."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Optional, Tuple

from nutrace.analysis.evaluation.lanes import Lanes, lanes_of
from nutrace.analysis.evaluation.scenario_rows import ScenarioRow, in_order, scenario_rows
from nutrace.analysis.evaluation.worker_memory import WorkerMemory, worker_memory
from nutrace.analysis.memory import Readings
from nutrace.trace import Trace


@dataclass(frozen=True)
class Evaluation:
    """A run of several scenarios.

    Attributes
    ----------
    rows:
        The scenarios, that with the longest wall time first.
    median_wall_ns:
        The wall time that half of the scenarios exceed.
    lanes:
        What the workers did.
    memory:
        What these need, None if the run did not record it.
    """

    rows: Tuple[ScenarioRow, ...]
    median_wall_ns: float
    lanes: Optional[Lanes]
    memory: Optional[WorkerMemory]


def evaluation(trace: Trace, found: Readings) -> Optional[Evaluation]:
    """The head of a report on a run; None if it has one scenario, or none.

    `found` is what :func:`nutrace.analysis.memory.readings` returned for the trace.
    """
    if len(trace.simulations) < 2:
        return None
    lanes = lanes_of(trace)
    rows = scenario_rows(trace, found, lanes)
    return Evaluation(
        rows=tuple(in_order(rows, "wall")),
        median_wall_ns=median(row.wall_ns for row in rows),
        lanes=lanes,
        memory=worker_memory(trace, found),
    )
