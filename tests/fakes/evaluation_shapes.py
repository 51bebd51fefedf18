"""What a generated evaluation is made of: the spans of a step and of a scenario as the devkit's have them.

Names, places, shares of time and attributes are those of a traced simulation with IDM agents, with a pool of
connections: most statements come without a connect and a close.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Tuple

_PLANNING = "nuplan.planning."


class Kind(NamedTuple):
    """What the spans of a function have in common. `query` is the text of a statement."""

    name: str
    component: str
    function: str
    line: int
    query: str = ""

    @property
    def file(self) -> str:
        """The file of the function's module."""
        parts = self.function.split(".")[:-1]
        while not parts[-1][:1].islower():  # a class
            parts.pop()
        return f"/home/user/nuplan-devkit/{'/'.join(parts)}.py"


class Call(NamedTuple):
    """A span and those below it.

    Attributes
    ----------
    kind:
        None for a collection of garbage.
    begin, share:
        Where it lies in the time of the span above, from 0 to 1.
    chance:
        How often it occurs, from 0 to 1.
    """

    kind: Optional[Kind]
    begin: float
    share: float
    below: Sequence[Call] = ()
    chance: float = 1.0


def _statement(begin: float, share: float, query: str) -> Tuple[Call, ...]:
    function, line = "nuplan.database.nuplan_db.query_session.execute_many", 21
    opened = Kind("sqlite3.connect", "database", function, 16)
    asked = Kind("sqlite3.statement", "database", function, line, query)
    closed = Kind("sqlite3.close", "database", function, 27)
    return (
        Call(opened, begin / 2, begin / 3, chance=0.15),
        Call(asked, begin, share),
        Call(closed, begin + share, 0.04, chance=0.15),
    )


def _of_scenario(name: str, line: int, begin: float, share: float, query: str) -> Call:
    module = f"{_PLANNING}scenario_builder.nuplan_db.nuplan_scenario.NuPlanScenario"
    kind = Kind(f"scenario.{name}", "scenario", f"{module}.{name}", line)
    return Call(kind, begin, share, _statement(0.2, 0.6, query))


_TIME = "SELECT timestamp FROM lidar_pc WHERE token = ?"
_LIGHTS = (
    "SELECT CASE WHEN tl.status == ? THEN ? WHEN tl.status == ? THEN ? WHEN tl.status == ? THEN ? ELSE ? END "
    "AS status, tl.lane_connector_id, lp.timestamp AS timestamp FROM lidar_pc AS lp INNER JOIN "
    "traffic_light_status AS tl ON lp.token = tl.lidar_pc_token WHERE lp.token = ?"
)
_OBJECTS = (
    "SELECT c.name AS category_name, lb.x, lb.y, lb.z, lb.yaw, lb.width, lb.length, lb.height, lb.vx, lb.vy, "
    "lb.token, lb.track_token, lp.timestamp FROM lidar_box AS lb INNER JOIN track AS t ON t.token = "
    "lb.track_token INNER JOIN category AS c ON c.token = t.category_token INNER JOIN lidar_pc AS lp ON "
    "lp.token = lb.lidar_pc_token WHERE lp.token = ?"
)
_EGO = (
    "SELECT ep.x, ep.y, ep.qw, ep.qx, ep.qy, ep.qz, lp.timestamp, ep.vx, ep.vy, ep.acceleration_x, "
    "ep.acceleration_y FROM ego_pose AS ep INNER JOIN lidar_pc AS lp ON lp.ego_pose_token = ep.token WHERE "
    "lp.token = ?"
)

_SIMULATION = f"{_PLANNING}simulation.simulation.Simulation"
_COPY = Kind(
    "copy.deepcopy", "deepcopy", f"{_PLANNING}simulation.planner.idm_planner.IDMPlanner._construct", 120
)

_COLLECTION = Call(None, 0.1, 0.15, chance=0.4)

STEP = Call(
    Kind(
        "simulation.step",
        "simulation",
        f"{_PLANNING}simulation.callback.multi_callback.MultiCallback.on_step_start",
        40,
    ),
    0.0,
    1.0,
    (
        Call(
            Kind("simulation.get_planner_input", "simulation", f"{_SIMULATION}.get_planner_input", 123),
            0.002,
            0.03,
            (
                _of_scenario("get_time_point", 248, 0.01, 0.37, _TIME),
                _of_scenario("get_traffic_light_status_at_iteration", 384, 0.4, 0.58, _LIGHTS),
            ),
        ),
        Call(
            Kind(
                "planner.compute",
                "planner",
                f"{_PLANNING}simulation.planner.idm_planner.IDMPlanner.compute_planner_trajectory",
                67,
            ),
            0.035,
            0.33,
            (Call(_COPY, 0.3, 0.05, chance=0.3),),
        ),
        Call(
            Kind("simulation.propagate", "propagate", f"{_SIMULATION}.propagate", 142),
            0.37,
            0.62,
            (
                _of_scenario("get_time_point", 248, 0.01, 0.02, _TIME),
                _of_scenario("get_traffic_light_status_at_iteration", 384, 0.035, 0.025, _LIGHTS),
                Call(
                    Kind(
                        "controller.update",
                        "controller",
                        f"{_PLANNING}simulation.controller.two_stage_controller.TwoStageController.update_state",
                        44,
                    ),
                    0.07,
                    0.19,
                    (_COLLECTION,),
                ),
                Call(
                    Kind(
                        "observation.update",
                        "observation",
                        f"{_PLANNING}simulation.observation.idm_agents.IDMAgents.update_observation",
                        123,
                    ),
                    0.27,
                    0.7,
                    (_of_scenario("get_tracked_objects_at_iteration", 293, 0.8, 0.05, _OBJECTS),),
                ),
            ),
        ),
    ),
)

_METRICS = ("ego_lane_change", "ego_jerk", "ego_acceleration", "ego_yaw_rate", "no_ego_at_fault_collisions")

#: Before the steps of a scenario, and after them.
BEFORE = Call(
    Kind("simulation.initialize", "simulation", f"{_SIMULATION}.initialize", 97),
    0.0,
    0.95,
    tuple(
        _of_scenario("get_ego_state_at_iteration", 300, 0.05 + 0.09 * number, 0.08, _EGO)
        for number in range(10)
    ),
)
AFTER = Call(
    Kind(
        "callback.on_simulation_end",
        "callback",
        f"{_PLANNING}simulation.callback.metric_callback.MetricCallback.on_simulation_end",
        88,
    ),
    0.02,
    0.95,
    tuple(
        Call(
            Kind(
                "metrics.compute_metric",
                "metrics",
                f"{_PLANNING}metrics.evaluation_metrics.common.{metric}.Statistics.compute",
                169,
            ),
            0.02 + 0.18 * number,
            0.15,
        )
        for number, metric in enumerate(_METRICS)
    ),
)

RUN = Kind(
    "simulation.run",
    "simulation",
    f"{_PLANNING}simulation.runner.simulations_runner.SimulationRunner.run",
    74,
)
LOADED = Kind("pickle.loads", "deepcopy", "ray._private.serialization.SerializationContext._deserialize", 180)
LAYER = Kind("map.load_layer", "map", "nuplan.database.maps_db.gpkg_mapsdb.GPKGMapsDB.load_vector_layer", 240)

#: What the driver does, with the part of its time before and after the workers'.
DRIVER = (
    Kind("config.compose", "config", "hydra._internal.hydra.Hydra.compose_config", 541),
    Kind(
        "simulation.build",
        "simulation",
        f"{_PLANNING}script.builders.simulation_builder.build_simulations",
        31,
    ),
    Kind("simulation.run_runners", "simulation", f"{_PLANNING}script.utils.run_runners", 123),
    Kind("worker.map", "worker", f"{_PLANNING}utils.multithreading.worker_pool.WorkerPool.map", 104),
    Kind(
        "metrics.aggregate",
        "metrics",
        f"{_PLANNING}metrics.aggregator.weighted_average_metric_aggregator.WeightedAverageMetricAggregator.__call__",
        257,
    ),
)

TYPES = (
    *("following_lane_with_lead", "near_multiple_vehicles", "traversing_pickup_dropoff", "changing_lane"),
    *("starting_left_turn", "starting_right_turn", "stopping_with_lead", "waiting_for_pedestrian_to_cross"),
    *("high_magnitude_speed", "low_magnitude_speed", "high_lateral_acceleration", "behind_long_vehicle"),
    *("stationary_in_traffic", "starting_straight_traffic_light_intersection_traversal"),
)
