"""The simulation: what a step does, between the calls of the runner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from nutrace.demo.miniature.controller import AbstractEgoController
from nutrace.demo.miniature.history import History, HistoryBuffer, Sample
from nutrace.demo.miniature.observation import AbstractObservation
from nutrace.demo.miniature.planner import PlannerInput
from nutrace.demo.miniature.scenario import LogScenario
from nutrace.demo.miniature.state import Iteration, Trajectory


class StepTimeController:
    """Counts the iterations of a scenario."""

    def __init__(self, scenario: LogScenario) -> None:
        self.scenario = scenario
        self.current_iteration_index = 0

    def get_iteration(self) -> Iteration:
        """The iteration now; its time is asked of the scenario."""
        index = self.current_iteration_index
        return Iteration(index, self.scenario.get_time_point(index))

    def next_iteration(self) -> Optional[Iteration]:
        """Move on; ``None`` after the last one."""
        self.current_iteration_index += 1
        return None if self.reached_end() else self.get_iteration()

    def reached_end(self) -> bool:
        """Whether there is no iteration after the current one."""
        return self.current_iteration_index >= self.scenario.get_number_of_iterations() - 1


@dataclass(frozen=True)
class SimulationSetup:
    """The parts of a simulation."""

    scenario: LogScenario
    time_controller: StepTimeController
    observation: AbstractObservation
    controller: AbstractEgoController
    history_seconds: float


class Simulation:
    """Holds the state of a run; the runner calls it."""

    def __init__(self, setup: SimulationSetup) -> None:
        self.setup = setup
        self.scenario = setup.scenario
        self.history = History()
        self._buffer: HistoryBuffer

    def initialize(self) -> None:
        """Fill the history from the log and set the observation up."""
        self.history = History()
        self._buffer = HistoryBuffer.initialize_from_scenario(self.scenario, self.setup.history_seconds)
        self.setup.observation.initialize()
        self._buffer.append(self.setup.controller.get_state(), self.setup.observation.get_observation())

    def is_running(self) -> bool:
        """Whether there is a step left."""
        return not self.setup.time_controller.reached_end()

    def get_planner_input(self) -> PlannerInput:
        """What the planner is to know at this step."""
        iteration = self.setup.time_controller.get_iteration()
        lights = list(self.scenario.get_traffic_light_status_at_iteration(iteration.index))
        return PlannerInput(iteration, self._buffer, lights)

    def propagate(self, trajectory: Trajectory) -> None:
        """Take the step: note what was, and move everybody on."""
        iteration = self.setup.time_controller.get_iteration()
        ego_state, observation = self._buffer.current_state
        lights = list(self.scenario.get_traffic_light_status_at_iteration(iteration.index))
        self.history.add_sample(Sample(iteration, ego_state, trajectory, observation, lights))
        following = self.setup.time_controller.next_iteration()
        if following is None:
            return
        self.setup.controller.update_state(iteration, following, ego_state, trajectory)
        self.setup.observation.update_observation(iteration, following, self._buffer)
        self._buffer.append(self.setup.controller.get_state(), self.setup.observation.get_observation())
