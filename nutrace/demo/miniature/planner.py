"""Planners: the interface, and a planner that follows its lane by the intelligent driver model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from nutrace.demo.miniature.history import HistoryBuffer
from nutrace.demo.miniature.road_map import Polyline, RoadMap
from nutrace.demo.miniature.state import EgoState, Iteration, Point, TrackedObject, TrafficLight, Trajectory

_EGO_LENGTH, _EGO_WIDTH, _REAR_TO_CENTRE = 5.18, 2.3, 1.461


@dataclass(frozen=True)
class PlannerInput:
    """The input of a planner at each step."""

    iteration: Iteration
    history: HistoryBuffer
    traffic_lights: List[TrafficLight]


@dataclass(frozen=True)
class Obstacle:
    """An object on the path: where it begins, in metres along the path, and its speed along it in m/s."""

    begin: float
    speed: float


class AbstractPlanner:
    """The interface of a planner.

    Parameters
    ----------
    options:
        The configuration's group ``planner``. A class of its own may ignore it.
    """

    def __init__(self, options: Dict[str, Any]) -> None:
        self.options = options

    def name(self) -> str:
        """The planner's name."""
        return type(self).__name__

    def initialize(self, road_map: RoadMap, route: List[int]) -> None:
        """Prepare for the first step; called once."""
        raise NotImplementedError

    def compute_planner_trajectory(self, current_input: PlannerInput) -> Trajectory:
        """Return the planned trajectory; called at every step."""
        raise NotImplementedError


class IDMPlanner(AbstractPlanner):
    """Keeps to the lane it starts in, follows the vehicle ahead, and stops at red lights."""

    def __init__(self, options: Dict[str, Any]) -> None:
        super().__init__(options)
        self._map: RoadMap
        self._route: List[int] = []
        self._path: Polyline
        self._path_connectors: List[int] = []
        self._has_path = False

    def initialize(self, road_map: RoadMap, route: List[int]) -> None:
        self._map = road_map
        self._route = route
        self._has_path = False

    def compute_planner_trajectory(self, current_input: PlannerInput) -> Trajectory:
        ego, observation = current_input.history.current_state
        if not self._has_path:
            self._find_path(ego)
            self._has_path = True
        obstacles = self._construct_occupancy_map(ego, observation)
        self._annotate_occupancy_map(current_input.traffic_lights, obstacles)
        return self._get_planned_trajectory(ego, obstacles)

    def _find_path(self, ego: EgoState) -> None:
        points: List[Point] = []
        self._path_connectors = []
        here = (ego.x, ego.y)
        for roadblock in self._route:
            candidates = self._map.lanes_of(roadblock)
            if not candidates:
                continue
            lane = self._map.lane_at(here, candidates)
            baseline = self._map.baseline(lane)
            self._path_connectors.append(lane)
            points += baseline.points[1:] if points else baseline.points
            here = baseline.points[-1]
        self._path = Polyline(points)

    def _construct_occupancy_map(self, ego: EgoState, observation: List[TrackedObject]) -> List[Obstacle]:
        """Return the objects near the ego vehicle that lie on the path."""
        half_width = _EGO_WIDTH / 2
        obstacles = []
        for other in observation:
            if math.hypot(other.x - ego.x, other.y - ego.y) > self.options["occupancy_map_radius"]:
                continue
            begin, left, right = _extent(self._path, other.corners())
            if left < -half_width or right > half_width:
                continue
            heading = self._path.at(begin)[2]
            speed = other.vx * math.cos(heading) + other.vy * math.sin(heading)
            obstacles.append(Obstacle(begin, speed))
        return obstacles

    def _annotate_occupancy_map(self, lights: List[TrafficLight], obstacles: List[Obstacle]) -> None:
        """Add the connectors on the path whose light is red."""
        for light in lights:
            if light.status == "red" and light.connector in self._path_connectors:
                polygon = self._map.connector_polygon(light.connector)
                if polygon:
                    obstacles.append(Obstacle(_extent(self._path, polygon)[0], 0.0))

    def _get_planned_trajectory(self, ego: EgoState, obstacles: List[Obstacle]) -> Trajectory:
        interval = self.options["planned_trajectory_sample_interval"]
        along, _ = self._path.project((ego.x, ego.y))
        speed, time_us = ego.speed, ego.time_us
        states = [self._state(time_us, along, speed, ego.accel)]
        for sample in range(self.options["planned_trajectory_samples"]):
            lead = self._get_leading_object(along, obstacles, sample * interval)
            along, speed, accel = self._solve_policy(along, speed, lead, interval)
            time_us += round(interval * 1e6)
            states.append(self._state(time_us, along, speed, accel))
        return Trajectory(states)

    def _get_leading_object(self, along: float, obstacles: List[Obstacle], seconds: float) -> Obstacle:
        """Return the nearest obstacle ahead after `seconds`, or the end of the path."""
        nearest = Obstacle(self._path.lengths[-1], 0.0)
        for obstacle in obstacles:
            begin = obstacle.begin + obstacle.speed * seconds
            if along < begin < nearest.begin:
                nearest = Obstacle(begin, obstacle.speed)
        return nearest

    def _solve_policy(
        self, along: float, speed: float, lead: Obstacle, seconds: float
    ) -> Tuple[float, float, float]:
        """Integrate the intelligent driver model by Euler's method in steps of 10 ms."""
        option = self.options
        front = _EGO_LENGTH / 2 + _REAR_TO_CENTRE
        gap, accel = lead.begin - along - front, 0.0
        softness = 2 * math.sqrt(option["accel_max"] * option["decel_max"])
        for _ in range(round(seconds / 0.01)):
            wanted = option["min_gap_to_lead_agent"] + max(
                0.0, speed * option["headway_time"] + speed * (speed - lead.speed) / softness
            )
            free = (speed / option["target_velocity"]) ** 4
            accel = option["accel_max"] * (1 - free - (wanted / max(gap, 0.1)) ** 2)
            accel = max(accel, -2 * option["decel_max"])
            speed = max(0.0, speed + accel * 0.01)
            along += speed * 0.01
            gap += (lead.speed - speed) * 0.01
        return along, speed, accel

    def _state(self, time_us: int, along: float, speed: float, accel: float) -> EgoState:
        x, y, heading = self._path.at(along)
        return EgoState(time_us, x, y, heading, speed, accel)


def _extent(path: Polyline, corners: List[Point]) -> Tuple[float, float, float]:
    """Return where an area begins along a path, and how far it reaches to the left and to the right."""
    places = [path.project(corner) for corner in corners]
    offsets = [offset for _, offset in places]
    return min(along for along, _ in places), max(offsets), min(offsets)
