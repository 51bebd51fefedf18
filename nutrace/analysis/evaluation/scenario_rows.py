"""The scenarios of an evaluation, a row each: what it took, where it ran, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from nutrace.analysis.evaluation.lanes import Lanes, lanes_of
from nutrace.analysis.evaluation.worker_names import outermost_spans, worker_names, worker_of
from nutrace.analysis.memory import Readings, readings
from nutrace.analysis.scenarios import finished_steps
from nutrace.analysis.steps import times_of_steps
from nutrace.trace import Scenario, Trace
from nutrace.trace.addresses import CUT_SHORT


@dataclass(frozen=True)
class ScenarioRow:
    """One simulation of a scenario.

    Attributes
    ----------
    scenario:
        Its number, token, type, log, planner, attempt and outcome.
    steps:
        How many steps were finished.
    step_mean_ns, step_p95_ns, realtime_factor:
        Of these, as in :class:`nutrace.analysis.steps.StepTimes`; None if there are none, or it is not known
        which time they simulate.
    wall_ns:
        From its start to its end. That is more than all steps: initializing, callbacks, metrics and what
        nutrace itself took are in it. If it was cut short, until it was last heard of.
    worker:
        What simulated it, as :func:`nutrace.analysis.evaluation.worker_names.worker_names` calls it.
    start_ns:
        Its start, from the start of the run.
    memory_start, memory_end:
        Bytes resident in its process when it began and ended; None if that was not read. If it did not come
        to its end, `memory_end` is the last reading.
    killed:
        Whether it was cut short because its process ended while the run went on.
    """

    scenario: Scenario
    steps: int
    step_mean_ns: Optional[float]
    step_p95_ns: Optional[int]
    realtime_factor: Optional[float]
    wall_ns: int
    worker: str
    start_ns: int
    memory_start: Optional[int]
    memory_end: Optional[int]
    killed: bool = False

    @property
    def outcome(self) -> str:
        """How it ended: finished, failed, or cut short."""
        return self.scenario.outcome

    @property
    def memory_gain(self) -> Optional[int]:
        """Bytes by which its process grew meanwhile; None if unknown."""
        if self.memory_start is None or self.memory_end is None:
            return None
        return self.memory_end - self.memory_start


def scenario_rows(
    trace: Trace, found: Optional[Readings] = None, lanes: Optional[Lanes] = None
) -> Tuple[ScenarioRow, ...]:
    """The scenarios of a whole trace, by their numbers.

    `found` and `lanes` are what :func:`nutrace.analysis.memory.readings` and
    :func:`nutrace.analysis.evaluation.lanes.lanes_of` returned for the trace, if the caller has it.
    """
    if lanes is None and any(scenario.outcome == CUT_SHORT for scenario in trace.simulations):
        lanes = lanes_of(trace)
    killed = set() if lanes is None else {lane.ended_in for lane in lanes.workers}
    names, finished = worker_names(trace), finished_steps(trace)
    memory = {each.number: each for each in (readings(trace) if found is None else found).scenarios}
    rows: List[ScenarioRow] = []
    for scenario in trace.simulations:
        steps = finished.get(scenario.number, [])
        times = times_of_steps(trace, steps, 0)
        worker = worker_of(trace, scenario)
        spans = outermost_spans(scenario)
        begin_ns = min((trace.start_ns[span] for span in spans), default=trace.begin_ns)
        end_ns = max((trace.end_ns[span] for span in spans), default=begin_ns)
        read = memory.get(scenario.number)
        rows.append(
            ScenarioRow(
                scenario=scenario,
                steps=times.count,
                step_mean_ns=times.mean_ns if steps else None,
                step_p95_ns=times.p95_ns if steps else None,
                realtime_factor=times.realtime_factor,
                wall_ns=end_ns - begin_ns,
                worker="" if worker is None else names[worker],
                start_ns=begin_ns - trace.begin_ns,
                memory_start=(read.start or None) if read else None,
                memory_end=(read.last or None) if read else None,
                killed=scenario.number in killed,
            )
        )
    return tuple(rows)


_Key = Callable[[ScenarioRow], Optional[float]]

#: What rows can be sorted by. Numbers begin with the largest, except the start and the number.
ORDERS: Dict[str, _Key] = {
    "wall": lambda row: -row.wall_ns,
    "step": lambda row: None if row.step_mean_ns is None else -row.step_mean_ns,
    "p95": lambda row: None if row.step_p95_ns is None else -row.step_p95_ns,
    "factor": lambda row: None if row.realtime_factor is None else -row.realtime_factor,
    "steps": lambda row: -row.steps,
    "memory": lambda row: None if row.memory_end is None else -row.memory_end,
    "gain": lambda row: None if row.memory_gain is None else -row.memory_gain,
    "start": lambda row: row.start_ns,
    "number": lambda row: row.scenario.number,
}


def in_order(rows: Sequence[ScenarioRow], order: str) -> List[ScenarioRow]:
    """The rows by one of :data:`ORDERS`; those without the figure are last."""
    key = ORDERS[order]

    def place(row: ScenarioRow) -> Tuple[bool, float, int]:
        value = key(row)
        return value is None, value or 0, row.scenario.number

    return sorted(rows, key=place)
