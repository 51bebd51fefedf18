"""Readers of attributes for the spans of the simulation loop.

They run in the simulation's thread, between its own statements, so they read plain attributes only: they must
not query the database, nor change anything.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from nutrace.semconv import (
    PLANNER_NAME,
    SCENARIO_LOG,
    SCENARIO_TOKEN,
    SCENARIO_TYPE,
    STEP_INDEX,
    STEP_INTERVAL_S,
)


def note_run(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """Scenario token, type and log, and the planner's name, of ``SimulationRunner.run(self)``."""
    scenario = instance.scenario
    return {
        SCENARIO_TOKEN: scenario.token,
        SCENARIO_TYPE: scenario.scenario_type,
        SCENARIO_LOG: scenario.log_name,
        PLANNER_NAME: instance.planner.name(),
    }


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
