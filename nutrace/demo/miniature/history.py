"""The past of a simulation: a buffer for planners, and the whole history for the log and metrics."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Deque, List, Tuple

from nutrace.demo.miniature.scenario import AbstractScenario
from nutrace.demo.miniature.state import EgoState, Iteration, TrackedObject, TrafficLight, Trajectory


class HistoryBuffer:
    """The last seconds of ego states and observations."""

    def __init__(self, size: int) -> None:
        self._ego_states: Deque[EgoState] = deque(maxlen=size)
        self._observations: Deque[List[TrackedObject]] = deque(maxlen=size)

    @classmethod
    def initialize_from_scenario(cls, scenario: AbstractScenario, seconds: float) -> HistoryBuffer:
        """Return a buffer filled with the seconds of the log before the first frame."""
        buffer = cls(round(seconds / scenario.database_interval))
        first = scenario.get_tracked_objects_at_iteration(0)
        for state in scenario.get_ego_past_trajectory(seconds):
            buffer.append(state, first)
        return buffer

    @property
    def current_state(self) -> Tuple[EgoState, List[TrackedObject]]:
        """The newest entry."""
        return self._ego_states[-1], self._observations[-1]

    def append(self, ego_state: EgoState, observation: List[TrackedObject]) -> None:
        """Add an entry; a full buffer drops its oldest one."""
        self._ego_states.append(ego_state)
        self._observations.append(observation)


@dataclass(frozen=True)
class Sample:
    """The results of one step."""

    iteration: Iteration
    ego_state: EgoState
    trajectory: Trajectory
    observation: List[TrackedObject]
    traffic_lights: List[TrafficLight]


@dataclass
class History:
    """All samples of a simulation."""

    samples: List[Sample] = field(default_factory=list)

    def add_sample(self, sample: Sample) -> None:
        """Add a step's sample."""
        self.samples.append(sample)
