"""Scenarios: fifteen seconds of a log, read by queries, and the builder that finds them."""

from __future__ import annotations

from itertools import chain, islice, zip_longest
from typing import Any, Dict, Iterator, List

from nutrace.demo.miniature import queries
from nutrace.demo.miniature.metadata import Tag, read_log_metadata, read_tags
from nutrace.demo.miniature.road_map import RoadMap
from nutrace.demo.miniature.state import EgoState, TrackedObject, TrafficLight
from nutrace.synthetic.road import PITCH_M, SPEED_LIMIT_MPS

_SWEEP_S = 0.05
_ROAD_BLOCKS = 24  # more than a scenario can reach that begins with the log


class AbstractScenario:
    """The interface of a scenario."""

    token: str
    scenario_type: str
    log_name: str
    database_interval: float

    def get_number_of_iterations(self) -> int:
        """Return the number of frames, which is one more than the number of steps."""
        raise NotImplementedError

    def get_time_point(self, iteration: int) -> int:
        """Return the time of a frame, in microseconds since 1970."""
        raise NotImplementedError

    def get_ego_state_at_iteration(self, iteration: int) -> EgoState:
        """Return the recorded ego state."""
        raise NotImplementedError

    def get_tracked_objects_at_iteration(self, iteration: int) -> List[TrackedObject]:
        """Return the recorded objects."""
        raise NotImplementedError

    def get_traffic_light_status_at_iteration(self, iteration: int) -> Iterator[TrafficLight]:
        """Yield the recorded traffic lights."""
        raise NotImplementedError

    def get_route_roadblock_ids(self) -> List[int]:
        """Return the route."""
        raise NotImplementedError

    def get_ego_past_trajectory(self, seconds: float) -> Iterator[EgoState]:
        """Yield the recorded ego states before the first frame."""
        raise NotImplementedError

    def get_expert_ego_trajectory(self) -> Iterator[EgoState]:
        """Yield the recorded ego states of all frames."""
        raise NotImplementedError


class LogScenario(AbstractScenario):
    """A scenario of a log file: every call of a method queries the database."""

    def __init__(
        self, log_file: str, log_name: str, road_map: RoadMap, tag: Tag, options: Dict[str, Any]
    ) -> None:
        self.log_file = log_file
        self.log_name = log_name
        self.token = tag.token.hex()
        self.scenario_type = tag.type
        self.database_interval = _SWEEP_S * options["subsample"]
        self.map_api = road_map
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

    def get_scenarios(self, options: Dict[str, Any], past_s: float = 0.0) -> List[LogScenario]:
        """Return as many scenarios as the options say, or all, of their types in turn.

        Left out are those that do not lie in the log with the `past_s` seconds before them.
        """
        log = read_log_metadata(self.log_file)
        first_us, last_us = queries.get_log_times(self.log_file)
        begin_us = round((options["offset_s"] - past_s) * 1e6)
        end_us = round((options["offset_s"] + options["frames"] * options["subsample"] * _SWEEP_S) * 1e6)
        by_type = [read_tags(self.log_file, each) for each in options["type"].split(",")]
        tags: Dict[bytes, Tag] = {}  # a frame with several tags is one scenario
        for tag in chain.from_iterable(zip_longest(*by_type)):
            if tag and first_us <= tag.time_us + begin_us and tag.time_us + end_us <= last_us:
                tags.setdefault(tag.token, tag)
        chosen = list(islice(tags.values(), options.get("count")))
        # As the devkit's, all scenarios share one map, of which a layer is loaded once.
        latest_s = (max((tag.time_us for tag in chosen), default=first_us) - first_us) / 1e6
        road_map = RoadMap(log.map_name, _ROAD_BLOCKS + int(latest_s * SPEED_LIMIT_MPS / PITCH_M))
        return [LogScenario(self.log_file, log.name, road_map, tag, options) for tag in chosen]
