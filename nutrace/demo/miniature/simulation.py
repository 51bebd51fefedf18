"""The simulation: its state, and the work of a step."""

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
        """Return the current iteration; its time comes from the scenario."""
        index = self.current_iteration_index
        return Iteration(index, self.scenario.get_time_point(index))

    def next_iteration(self) -> Optional[Iteration]:
        """Advance and return the next iteration, or ``None`` after the last one."""
        self.current_iteration_index += 1
        return None if self.reached_end() else self.get_iteration()

    def reached_end(self) -> bool:
        """Whether the current iteration is the last one."""
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
    """The state of a run; the runner calls its methods."""

    def __init__(self, setup: SimulationSetup) -> None:
        self.setup = setup
        self.scenario = setup.scenario
        self.history = History()
        self._buffer: HistoryBuffer

    def initialize(self) -> None:
        """Fill the history from the log and initialize the observation."""
        self.history = History()
        self._buffer = HistoryBuffer.initialize_from_scenario(self.scenario, self.setup.history_seconds)
        self.setup.observation.initialize()
        self._buffer.append(self.setup.controller.get_state(), self.setup.observation.get_observation())

    def is_running(self) -> bool:
        """Whether there is a step left."""
        return not self.setup.time_controller.reached_end()

    def get_planner_input(self) -> PlannerInput:
        """Return the planner's input for this step."""
        iteration = self.setup.time_controller.get_iteration()
        lights = list(self.scenario.get_traffic_light_status_at_iteration(iteration.index))
        return PlannerInput(iteration, self._buffer, lights)

    def propagate(self, trajectory: Trajectory) -> None:
        """Add the step to the history, and advance the ego vehicle and the observation."""
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
