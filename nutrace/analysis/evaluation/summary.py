"""The head of a report on several scenarios: how they went, what was slow, what their workers need."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Optional, Tuple

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
    workers, processes:
        How many workers simulated, and in how many processes.
    memory:
        What these need, None if the run did not record it.
    """

    rows: Tuple[ScenarioRow, ...]
    median_wall_ns: float
    workers: int
    processes: int
    memory: Optional[WorkerMemory]


def evaluation(trace: Trace, found: Readings) -> Optional[Evaluation]:
    """The head of a report on a run; None if it has one scenario, or none.

    `found` is what :func:`nutrace.analysis.memory.readings` returned for the trace.
    """
    rows = scenario_rows(trace, found)
    if len(rows) < 2:
        return None
    return Evaluation(
        rows=tuple(in_order(rows, "wall")),
        median_wall_ns=median(row.wall_ns for row in rows),
        workers=len({row.worker for row in rows}),
        processes=len({each.resource for each in found.scenarios}),
        memory=worker_memory(trace, found),
    )
