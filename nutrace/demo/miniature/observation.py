"""What the ego vehicle sees: here, what the log says was there."""

from __future__ import annotations

from typing import List

from nutrace.demo.miniature.history import HistoryBuffer
from nutrace.demo.miniature.scenario import AbstractScenario
from nutrace.demo.miniature.state import Iteration, TrackedObject


class AbstractObservation:
    """What a simulation asks of the world around the ego vehicle."""

    def initialize(self) -> None:
        """Called once, before the first step."""
        raise NotImplementedError

    def update_observation(self, current: Iteration, following: Iteration, history: HistoryBuffer) -> None:
        """Move on from one iteration to the next."""
        raise NotImplementedError

    def get_observation(self) -> List[TrackedObject]:
        """What is there now."""
        raise NotImplementedError


class TracksObservation(AbstractObservation):
    """The tracks of the log; they do not react to the ego vehicle."""

    def __init__(self, scenario: AbstractScenario) -> None:
        self.scenario = scenario
        self._index = 0

    def initialize(self) -> None:
        self._index = 0

    def update_observation(self, current: Iteration, following: Iteration, history: HistoryBuffer) -> None:
        self._index = following.index

    def get_observation(self) -> List[TrackedObject]:
        return self.scenario.get_tracked_objects_at_iteration(self._index)
