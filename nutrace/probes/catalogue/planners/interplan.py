"""interPlan (mh0797/interPlan), which has changed copies of a few classes of the devkit.

What is copied from the devkit has the names that it has there.
"""

from __future__ import annotations

from functools import partial

from nutrace.probes.probe import Probe

_SIMULATION = "interplan.planning.simulation"
_LOOP = f"{_SIMULATION}.interplan_simulation:Simulation"
_IDM = f"{_SIMULATION}.observation.idm"
_MOBIL = f"{_SIMULATION}.planner.idm_mobil_planner:IDMMobilPlanner"
_SCENARIO = "interplan.planning.scenario_builder"

_probe = partial(Probe, distribution="interPlan")

PROBES = (
    _probe(f"{_LOOP}.initialize", "simulation", "simulation.initialize", "coarse"),
    _probe(f"{_LOOP}.get_planner_input", "simulation", "simulation.get_planner_input", "coarse"),
    _probe(f"{_LOOP}.propagate", "propagate", "simulation.propagate", "coarse"),
    _probe(
        f"{_IDM}.idm_modified_agents_builder:build_idm_agents_on_map_rails", "observation", "idm_agents.build"
    ),
    _probe(
        f"{_IDM}.idm_modified_agent_manager:IDMAgentManager.propagate_agents",
        "observation",
        "idm_agents.propagate",
        "fine",
    ),
    # Once a scenario: agents are put on the road, or taken off it.
    _probe(
        f"{_SCENARIO}.scenario_modifier.agents_modifier:AgentsModifier.get_initial_tracked_objects_and_ego_speed",
        "scenario",
        "interplan.modify_agents",
    ),
    _probe(
        f"{_SCENARIO}.scenario_modifier.agents_modifier:AgentsModifier.get_tracked_objects_at_iteration",
        "scenario",
        "interplan.get_modified_objects",
    ),
    _probe(f"{_MOBIL}.update_observations", "planner", "mobil.update_observations"),
    _probe(f"{_MOBIL}._get_planned_trajectory", "planner", "mobil.get_planned_trajectory"),
)
