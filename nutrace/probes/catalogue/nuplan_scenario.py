"""Scenarios: the queries that a simulation asks of one, and how they are found and built."""

from __future__ import annotations

from nutrace.probes.catalogue.devkit_probe import devkit_probe

_SCENARIO_BUILDER = "nuplan.planning.scenario_builder"
_SCENARIO = f"{_SCENARIO_BUILDER}.abstract_scenario:AbstractScenario"
_FILTERS = f"{_SCENARIO_BUILDER}.nuplan_db.nuplan_scenario_filter_utils"

# Called a few times per step: time points 3 / 3, traffic lights 2 / 3, tracked objects 1 / 2. NuPlanScenario
# returns the generator of a query for traffic lights and trajectories. The time in it then counts as this
# call's, and at `fine` as the query's.
_QUERIES = (
    "get_lidar_to_ego_transform",
    "get_mission_goal",
    "get_route_roadblock_ids",
    "get_expert_goal_state",
    "get_time_point",
    "get_tracked_objects_at_iteration",
    "get_tracked_objects_within_time_window_at_iteration",
    "get_sensors_at_iteration",
    "get_ego_state_at_iteration",
    "get_traffic_light_status_at_iteration",
    "get_past_traffic_light_status_history",
    "get_future_traffic_light_status_history",
    "get_expert_ego_trajectory",
    "get_ego_trajectory_slice",
    "get_future_timestamps",
    "get_past_timestamps",
    "get_ego_future_trajectory",
    "get_ego_past_trajectory",
    "get_past_sensors",
    "get_past_tracked_objects",
    "get_future_tracked_objects",
)

# is_simulation_running asks for it, and it is the length of a list: 4 / 5.
_ATTRIBUTES = ("get_number_of_iterations",)

QUERIES = tuple(
    devkit_probe(f"{_SCENARIO}.{method}", "scenario", f"scenario.{method}", level, subclasses=True)
    for methods, level in ((_QUERIES, "normal"), (_ATTRIBUTES, "fine"))
    for method in methods
)

BUILDING = tuple(
    devkit_probe(target, "scenario", name, level, subclasses)
    for target, name, level, subclasses in (
        (
            f"{_SCENARIO_BUILDER}.abstract_scenario_builder:AbstractScenarioBuilder.get_scenarios",
            "scenario.build",
            "coarse",
            True,
        ),
        (
            "nuplan.common.utils.distributed_scenario_filter:DistributedScenarioFilter.get_scenarios",
            "scenario.distribute",
            "coarse",
            False,
        ),
        (f"{_FILTERS}:get_scenarios_from_db_file", "scenario.extract_from_log", "normal", False),
        (f"{_FILTERS}:FilterWrapper.run", "scenario.filter", "normal", False),
    )
)

PROBES = QUERIES + BUILDING
