"""A scenario: fifteen seconds of a log, answered by queries; and who finds them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from nutrace.demo.miniature import queries
from nutrace.demo.miniature.metadata import Tag, read_log_metadata, read_tags
from nutrace.demo.miniature.road_map import RoadMap
from nutrace.demo.miniature.state import EgoState, TrackedObject, TrafficLight

_SWEEP_S = 0.05
_ROAD_BLOCKS = 24  # more than a scenario can reach


class AbstractScenario:
    """What a simulation asks of a scenario."""

    token: str
    scenario_type: str
    log_name: str
    database_interval: float

    def get_number_of_iterations(self) -> int:
        """Frames, one more than steps."""
        raise NotImplementedError

    def get_time_point(self, iteration: int) -> int:
        """Microseconds since 1970 of a frame."""
        raise NotImplementedError

    def get_ego_state_at_iteration(self, iteration: int) -> EgoState:
        """What the driver did."""
        raise NotImplementedError

    def get_tracked_objects_at_iteration(self, iteration: int) -> List[TrackedObject]:
        """What was seen."""
        raise NotImplementedError

    def get_traffic_light_status_at_iteration(self, iteration: int) -> Iterator[TrafficLight]:
        """What the lights showed."""
        raise NotImplementedError

    def get_route_roadblock_ids(self) -> List[int]:
        """Where to go."""
        raise NotImplementedError

    def get_ego_past_trajectory(self, seconds: float) -> Iterator[EgoState]:
        """What the driver did before the first frame."""
        raise NotImplementedError

    def get_expert_ego_trajectory(self) -> Iterator[EgoState]:
        """What the driver did in all frames."""
        raise NotImplementedError


class LogScenario(AbstractScenario):
    """A scenario of a log file: every method asks the database anew."""

    def __init__(
        self, log_file: str, log_name: str, map_name: str, tag: Tag, options: Dict[str, Any]
    ) -> None:
        self.log_file = log_file
        self.log_name = log_name
        self.token = tag.token.hex()
        self.scenario_type = tag.type
        self.database_interval = _SWEEP_S * options["subsample"]
        self.map_api = RoadMap(map_name, _ROAD_BLOCKS)
        self._anchor = tag.token
        first_us = tag.time_us + round(options["offset_s"] * 1e6)
        self._first_us = first_us
        self._step = options["subsample"]
        self._tokens = list(queries.get_sweep_tokens(log_file, first_us, self._step, options["frames"]))

    def get_number_of_iterations(self) -> int:
        return len(self._tokens)

    def get_time_point(self, iteration: int) -> int:
        return queries.get_sweep_timestamp(self.log_file, self._tokens[iteration])

    def get_ego_state_at_iteration(self, iteration: int) -> EgoState:
        return queries.get_ego_state(self.log_file, self._tokens[iteration])

    def get_tracked_objects_at_iteration(self, iteration: int) -> List[TrackedObject]:
        return list(queries.get_tracked_objects(self.log_file, self._tokens[iteration]))

    def get_traffic_light_status_at_iteration(self, iteration: int) -> Iterator[TrafficLight]:
        return queries.get_traffic_light_status(self.log_file, self._tokens[iteration])

    def get_route_roadblock_ids(self) -> List[int]:
        return queries.get_roadblock_ids(self.log_file, self._anchor)

    def get_ego_past_trajectory(self, seconds: float) -> Iterator[EgoState]:
        before_us = self._first_us - round(seconds * 1e6)
        count = round(seconds / self.database_interval)
        tokens = list(queries.get_sweep_tokens(self.log_file, before_us, self._step, count))
        return queries.get_ego_states(self.log_file, tokens)

    def get_expert_ego_trajectory(self) -> Iterator[EgoState]:
        return queries.get_ego_states(self.log_file, self._tokens)


class ScenarioBuilder:
    """Finds scenarios in a log."""

    def __init__(self, log_file: str) -> None:
        self.log_file = log_file

    def get_scenarios(self, options: Dict[str, Any]) -> List[LogScenario]:
        """The scenarios whose tag has the wanted type."""
        log = read_log_metadata(self.log_file)
        tags = read_tags(self.log_file, options["type"])
        return [LogScenario(self.log_file, log.name, log.map_name, tag, options) for tag in tags]
