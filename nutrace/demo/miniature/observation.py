"""Observation: the objects around the ego vehicle, here taken from the log."""

from __future__ import annotations

from typing import List

from nutrace.demo.miniature.history import HistoryBuffer
from nutrace.demo.miniature.scenario import AbstractScenario
from nutrace.demo.miniature.state import Iteration, TrackedObject


class AbstractObservation:
    """The interface of an observation."""

    def initialize(self) -> None:
        """Prepare for the first step; called once."""
        raise NotImplementedError

    def update_observation(self, current: Iteration, following: Iteration, history: HistoryBuffer) -> None:
        """Advance from one iteration to the next."""
        raise NotImplementedError

    def get_observation(self) -> List[TrackedObject]:
        """Return the objects at the current iteration."""
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
