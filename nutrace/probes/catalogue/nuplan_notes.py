"""Readers of attributes for the spans of the simulation loop.

They run in the simulation's thread, between its own statements, so they read plain attributes only: they must
not query the database, nor change anything.
"""

from __future__ import annotations

import gc
import time
from typing import Any, Dict, Mapping, Tuple

from nutrace.recording.clock import now_ns
from nutrace.recording.memory import gpu_bytes, peak_bytes, resident_bytes
from nutrace.semconv import (
    CPU_PROCESS,
    CPU_PROCESS_START,
    CPU_THREAD,
    CPU_THREAD_START,
    GC_OFF,
    MEMORY,
    MEMORY_GPU,
    MEMORY_PEAK,
    MEMORY_START,
    PLANNER_CLASS,
    PLANNER_NAME,
    SCENARIO_LOG,
    SCENARIO_TOKEN,
    SCENARIO_TYPE,
    SCENARIOS_PLANNED,
    STEP_INDEX,
    STEP_INTERVAL_S,
)

# To read the resident memory takes 6 us, which would show in the shortest steps.
_BETWEEN_READINGS_NS = 100_000_000
_next_reading_ns = 0


def note_runners(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """How many simulations ``execute_runners(runners, ...)`` has to run."""
    return {SCENARIOS_PLANNED: len(kwargs["runners"] if "runners" in kwargs else args[0])}


def note_run(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """Scenario and planner of ``SimulationRunner.run(self)``, and the state of the process at its start."""
    scenario = instance.scenario
    planner = type(instance.planner)
    return {
        SCENARIO_TOKEN: scenario.token,
        SCENARIO_TYPE: scenario.scenario_type,
        SCENARIO_LOG: scenario.log_name,
        PLANNER_NAME: instance.planner.name(),
        PLANNER_CLASS: f"{planner.__module__}.{planner.__qualname__}",
        **_if_known(MEMORY_START, resident_bytes()),
        CPU_THREAD_START: time.thread_time_ns(),
        CPU_PROCESS_START: time.process_time_ns(),
        **({} if gc.isenabled() else {GC_OFF: True}),
    }


def note_run_end(instance: Any, result: Any) -> Dict[str, Any]:
    """Processor time and memory at the end of ``SimulationRunner.run(self)``.

    The peak is that of the process so far. It is noted here because Ray kills its workers: they never write
    the one that a process writes at its end.
    """
    return {
        CPU_THREAD: time.thread_time_ns(),
        CPU_PROCESS: time.process_time_ns(),
        **_resident(),
        MEMORY_PEAK: peak_bytes(),
    }


def _resident() -> Dict[str, Any]:
    return {**_if_known(MEMORY, resident_bytes()), **_if_known(MEMORY_GPU, gpu_bytes())}


def note_step_end(instance: Any, result: Any) -> Dict[str, Any]:
    """Memory at the end of a step, ten times a second at most."""
    global _next_reading_ns
    now = now_ns()
    if now < _next_reading_ns:
        return {}
    _next_reading_ns = now + _BETWEEN_READINGS_NS
    return _resident()


def _if_known(key: str, value: Any) -> Dict[str, Any]:
    return {} if value is None else {key: value}


def note_step(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """Index and simulated seconds of ``MultiCallback.on_step_start(self, setup, planner)``.

    ``time_controller.get_iteration()`` would query the database for the time of the iteration, so the index
    is read from the attribute in which ``StepSimulationTimeController`` keeps it. With a time controller that
    keeps it elsewhere, steps have no index.
    """
    setup = args[0] if args else kwargs["setup"]
    noted = {STEP_INTERVAL_S: float(setup.scenario.database_interval)}
    index = getattr(setup.time_controller, "current_iteration_index", None)
    if index is not None:
        noted[STEP_INDEX] = int(index)
    return noted
