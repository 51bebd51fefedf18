"""The miniature's probes. Their spans have the names that the devkit's parts have.

They are not in the catalogue, because the miniature exists only for the demo: :mod:`nutrace.demo.__main__`
adds them.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from nutrace.probes.catalogue.nuplan_notes import note_run, note_run_end, note_step, note_step_end
from nutrace.probes.probe import Probe
from nutrace.semconv import MAP_SPAN, RUN_SPAN, SCENARIOS_PLANNED, STEP_SPAN

_MINIATURE = "nutrace.demo.miniature"


def _note_tasks(instance: Any, args: Tuple[Any, ...], kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    """How many simulations ``map(function, tasks)`` has to run."""
    return {SCENARIOS_PLANNED: len(args[1])}


def _probe(target: str, component: str, name: str, level: str = "normal", subclasses: bool = False) -> Probe:
    return Probe(f"{_MINIATURE}.{target}", component, name, level, subclasses, distribution="nutrace")


def _family(target: str, component: str, name: str) -> Probe:
    return _probe(target, component, name, "coarse", subclasses=True)


_LOOP = (
    Probe(
        f"{_MINIATURE}.runner:SimulationRunner.run",
        "simulation",
        RUN_SPAN,
        "coarse",
        note=note_run,
        note_result=note_run_end,
        distribution="nutrace",
    ),
    Probe(
        f"{_MINIATURE}.callback:MultiCallback.on_step_start",
        "simulation",
        STEP_SPAN,
        "coarse",
        until=f"{_MINIATURE}.callback:MultiCallback.on_step_end",
        note=note_step,
        note_result=note_step_end,
        distribution="nutrace",
    ),
    _probe("simulation:Simulation.initialize", "simulation", "simulation.initialize", "coarse"),
    _probe("simulation:Simulation.get_planner_input", "simulation", "simulation.get_planner_input", "coarse"),
    _probe("simulation:Simulation.propagate", "propagate", "simulation.propagate", "coarse"),
    _probe("history:HistoryBuffer.initialize_from_scenario", "history", "history.initialize", "coarse"),
    _probe("history:HistoryBuffer.append", "history", "history.append"),
    _probe("history:History.add_sample", "history", "history.add_sample"),
)

_PLANNING = (
    _family("planner:AbstractPlanner.initialize", "planner", "planner.initialize"),
    _family("planner:AbstractPlanner.compute_planner_trajectory", "planner", "planner.compute"),
    _probe("planner:IDMPlanner._construct_occupancy_map", "planner", "planner.construct_occupancy_map"),
    _probe("planner:IDMPlanner._annotate_occupancy_map", "planner", "planner.annotate_occupancy_map"),
    _probe("planner:IDMPlanner._get_planned_trajectory", "planner", "planner.get_planned_trajectory"),
    _probe("planner:IDMPlanner._get_leading_object", "planner", "planner.get_leading_object", "fine"),
    _probe("planner:IDMPlanner._solve_policy", "planner", "planner.solve_policy", "fine"),
)

_MOTION = (
    _family("observation:AbstractObservation.initialize", "observation", "observation.initialize"),
    _family("observation:AbstractObservation.update_observation", "observation", "observation.update"),
    _family("observation:AbstractObservation.get_observation", "observation", "observation.get"),
    _family("controller:AbstractEgoController.update_state", "controller", "controller.update"),
    _family("controller:AbstractEgoController.get_state", "controller", "controller.get_state"),
    _family("controller:AbstractTracker.track_trajectory", "controller", "tracker.track"),
    _family("controller:AbstractMotionModel.propagate_state", "controller", "motion_model.propagate"),
)

_SCENARIO = (
    _probe("scenario:ScenarioBuilder.get_scenarios", "scenario", "scenario.build", "coarse"),
    *(
        _probe(f"scenario:AbstractScenario.{method}", "scenario", f"scenario.{method}", subclasses=True)
        for method in (
            "get_time_point",
            "get_ego_state_at_iteration",
            "get_tracked_objects_at_iteration",
            "get_traffic_light_status_at_iteration",
            "get_route_roadblock_ids",
            "get_ego_past_trajectory",
            "get_expert_ego_trajectory",
        )
    ),
)

_DATABASE = (
    *(
        _probe(f"queries:{function}", "database", f"database.{function}")
        for function in (
            "get_log_times",
            "get_sweep_tokens",
            "get_sweep_timestamp",
            "get_ego_state",
            "get_ego_states",
            "get_traffic_light_status",
            "get_tracked_objects",
            "get_roadblock_ids",
        )
    ),
    _probe("metadata:read_log_metadata", "database", "database.read_log_metadata"),
    _probe("metadata:read_tags", "database", "database.read_tags"),
    _probe("query_session:execute_many", "database", "database.execute_many", "fine"),
    _probe("query_session:execute_one", "database", "database.execute_one", "fine"),
)

_MAP = (
    _probe("road_map:RoadMap.load_layer", "map", "map.load_layer", "fine"),
    _probe("road_map:RoadMap.lanes_of", "map", "map.lanes_of"),
    _probe("road_map:RoadMap.lane_at", "map", "map.lane_at"),
    _probe("road_map:RoadMap.baseline", "map", "map.baseline"),
    _probe("road_map:RoadMap.connector_polygon", "map", "map.connector_polygon"),
    _probe("road_map:Polyline.project", "map", "map.project", "fine"),
)

_AROUND = (
    _probe("config:compose", "config", "config.compose", "coarse"),
    _probe("config:group", "config", "config.group"),
    _probe("runner:build_simulation", "simulation", "simulation.build", "coarse"),
    Probe(
        f"{_MINIATURE}.runner:SequentialWorker.map",
        "worker",
        MAP_SPAN,
        "coarse",
        note=_note_tasks,
        distribution="nutrace",
    ),
    _family("callback:AbstractCallback.on_simulation_start", "callback", "callback.on_simulation_start"),
    _family("callback:AbstractCallback.on_simulation_end", "callback", "callback.on_simulation_end"),
    _probe("metrics:MetricsEngine.compute", "metrics", "metrics.compute", "coarse"),
    _probe("metrics:AbstractMetric.compute", "metrics", "metrics.compute_metric", subclasses=True),
    _probe("metrics:MetricsEngine.write_to_files", "metrics", "metrics.write", "coarse"),
    _probe("simulation_log:SimulationLog.save_to_file", "serialization", "serialization.save_log", "coarse"),
    _probe("simulation_log:SimulationLog._dump_to_pickle", "serialization", "serialization.write_pickle"),
)

PROBES: Tuple[Probe, ...] = (
    *_LOOP,
    *_PLANNING,
    *_MOTION,
    *_SCENARIO,
    *_DATABASE,
    *_MAP,
    *_AROUND,
)
