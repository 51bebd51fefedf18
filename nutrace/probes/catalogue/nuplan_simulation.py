"""The simulation loop of the nuPlan devkit: run, step, propagation, observation, controller, history.

Comments in the catalogue give calls per step as ``a / b``: SimplePlanner in open loop, and the IDM planner
in closed loop with 12 reactive agents. They were measured with the devkit 1.2.2, 20 tracked objects and 23
traffic lights. All probes of `normal` together make 16 / 22 spans and resume generators 46 / 69 times; beside
them there are 7 / 8 statements with a connection each.
"""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe
from nutrace.probes.catalogue.nuplan_notes import (
    note_run,
    note_run_end,
    note_runners,
    note_step,
    note_step_end,
)
from nutrace.semconv import RUN_SPAN, RUNNERS_SPAN, STEP_SPAN

_SIMULATION = "nuplan.planning.simulation"
_OBSERVATION = f"{_SIMULATION}.observation.abstract_observation:AbstractObservation"
_CONTROLLER = f"{_SIMULATION}.controller.abstract_controller:AbstractEgoController"
_MOTION_MODEL = f"{_SIMULATION}.controller.motion_model.abstract_motion_model:AbstractMotionModel"
_IDM = f"{_SIMULATION}.observation.idm"
_IDM_MANAGER = f"{_IDM}.idm_agent_manager:IDMAgentManager"
_IDM_AGENT = f"{_IDM}.idm_agent:IDMAgent"
_OCCUPANCY = f"{_SIMULATION}.occupancy_map.abstract_occupancy_map:OccupancyMap"
_MULTI_CALLBACK = f"{_SIMULATION}.callback.multi_callback:MultiCallback"


LOOP = (
    devkit_probe(
        f"{_SIMULATION}.runner.simulations_runner:SimulationRunner.run",
        "simulation",
        RUN_SPAN,
        "coarse",
        subclasses=True,
        note=note_run,
        note_result=note_run_end,
    ),
    # SimulationRunner.run has no function for a step: a step lies between these two calls.
    devkit_probe(
        f"{_MULTI_CALLBACK}.on_step_start",
        "simulation",
        STEP_SPAN,
        "coarse",
        until=f"{_MULTI_CALLBACK}.on_step_end",
        note=note_step,
        note_result=note_step_end,
    ),
    # The functions that are sent to workers (run_simulation, run_metric_engine, _save_log_to_file,
    # get_scenarios_from_log_file) have no probe, because Ray and process pools pickle them. The functions
    # that they call have probes.
    devkit_probe(
        f"{_SIMULATION}.runner.executor:execute_runners",
        "simulation",
        RUNNERS_SPAN,
        "coarse",
        note=note_runners,
    ),
    devkit_probe(
        f"{_SIMULATION}.simulation:Simulation.initialize", "simulation", "simulation.initialize", "coarse"
    ),
    devkit_probe(
        f"{_SIMULATION}.simulation:Simulation.get_planner_input",
        "simulation",
        "simulation.get_planner_input",
        "coarse",
    ),
    devkit_probe(
        f"{_SIMULATION}.simulation:Simulation.propagate", "propagate", "simulation.propagate", "coarse"
    ),
)

HISTORY = (
    devkit_probe(
        f"{_SIMULATION}.history.simulation_history_buffer:SimulationHistoryBuffer.initialize_from_scenario",
        "history",
        "history.initialize",
        "coarse",
    ),
    devkit_probe(
        f"{_SIMULATION}.history.simulation_history_buffer:SimulationHistoryBuffer.append",
        "history",
        "history.append",
        "fine",  # 8 us, less than half of what its span costs in a step
    ),
    devkit_probe(
        f"{_SIMULATION}.history.simulation_history:SimulationHistory.add_sample",
        "history",
        "history.add_sample",
        "fine",  # an append to a list
    ),
)

OBSERVATION = (
    devkit_probe(
        f"{_OBSERVATION}.initialize", "observation", "observation.initialize", "coarse", subclasses=True
    ),
    devkit_probe(
        f"{_OBSERVATION}.update_observation", "observation", "observation.update", "coarse", subclasses=True
    ),
    devkit_probe(
        f"{_OBSERVATION}.get_observation", "observation", "observation.get", "coarse", subclasses=True
    ),
)

IDM_AGENTS = (
    devkit_probe(
        f"{_IDM}.idm_agents_builder:build_idm_agents_on_map_rails",
        "observation",
        "idm_agents.build",
        "normal",
    ),
    # 93 % of observation.update, which is enough at `normal`.
    devkit_probe(f"{_IDM_MANAGER}.propagate_agents", "observation", "idm_agents.propagate", "fine"),
    devkit_probe(f"{_IDM_MANAGER}.get_active_agents", "observation", "idm_agents.get_active", "fine"),
    # Called for each agent: 0 / 12, and 0 / 28 for the policy, which the IDM planner calls as well.
    devkit_probe(f"{_IDM_AGENT}.plan_route", "observation", "idm_agent.plan_route", "fine"),
    devkit_probe(f"{_IDM_AGENT}.propagate", "observation", "idm_agent.propagate", "fine"),
    devkit_probe(
        f"{_IDM_AGENT}.get_agent_with_planned_trajectory", "observation", "idm_agent.get_trajectory", "fine"
    ),
    devkit_probe(
        f"{_IDM}.idm_policy:IDMPolicy.solve_forward_euler_idm_policy",
        "observation",
        "idm_policy.solve",
        "fine",
    ),
    # Geometry, which the agents and the IDM planner ask for: 0 / 28 and 0 / 19. At `fine` the planner's share
    # of it and of the policy is counted as the observation's.
    devkit_probe(
        f"{_OCCUPANCY}.intersects", "observation", "occupancy_map.intersects", "fine", subclasses=True
    ),
    devkit_probe(
        f"{_OCCUPANCY}.get_nearest_entry_to",
        "observation",
        "occupancy_map.get_nearest_entry_to",
        "fine",
        subclasses=True,
    ),
)

CONTROLLER = (
    devkit_probe(f"{_CONTROLLER}.update_state", "controller", "controller.update", "coarse", subclasses=True),
    # 2 us once a step: a span costs many times that.
    devkit_probe(f"{_CONTROLLER}.get_state", "controller", "controller.get_state", "fine", subclasses=True),
    # 98 % of controller.update, which is enough at `normal`.
    devkit_probe(
        f"{_SIMULATION}.controller.tracker.abstract_tracker:AbstractTracker.track_trajectory",
        "controller",
        "tracker.track",
        "fine",
        subclasses=True,
    ),
    devkit_probe(
        f"{_SIMULATION}.controller.tracker.ilqr.ilqr_solver:ILQRSolver.solve",
        "controller",
        "tracker.solve_ilqr",
        "normal",
    ),
    # TwoStageController calls this once a step (40 / 1), but SimplePlanner rolls its own plan out with the
    # same model: at `normal` the planner's time would be shown as the controller's.
    devkit_probe(f"{_MOTION_MODEL}.propagate_state", "controller", "motion_model.propagate", "fine", True),
    devkit_probe(f"{_MOTION_MODEL}.get_state_dot", "controller", "motion_model.get_state_dot", "fine", True),
)

PROBES = LOOP + HISTORY + OBSERVATION + IDM_AGENTS + CONTROLLER
