"""Callbacks: objects that are told when a simulation and its steps begin and end."""

from __future__ import annotations

import os
from typing import Sequence

from nutrace.demo.miniature.history import History
from nutrace.demo.miniature.metrics import MetricsEngine
from nutrace.demo.miniature.planner import AbstractPlanner
from nutrace.demo.miniature.simulation import SimulationSetup
from nutrace.demo.miniature.simulation_log import SimulationLog


class AbstractCallback:
    """A callback whose events do nothing; subclasses override the ones they need."""

    def on_simulation_start(self, setup: SimulationSetup) -> None:
        """Before the first step."""

    def on_step_start(self, setup: SimulationSetup, planner: AbstractPlanner) -> None:
        """Before a step."""

    def on_step_end(self, setup: SimulationSetup, planner: AbstractPlanner) -> None:
        """After a step."""

    def on_simulation_end(self, setup: SimulationSetup, planner: AbstractPlanner, history: History) -> None:
        """After the last step."""


class MultiCallback(AbstractCallback):
    """Passes each event on to several callbacks."""

    def __init__(self, callbacks: Sequence[AbstractCallback]) -> None:
        self.callbacks = list(callbacks)

    def on_simulation_start(self, setup: SimulationSetup) -> None:
        for callback in self.callbacks:
            callback.on_simulation_start(setup)

    def on_step_start(self, setup: SimulationSetup, planner: AbstractPlanner) -> None:
        for callback in self.callbacks:
            callback.on_step_start(setup, planner)

    def on_step_end(self, setup: SimulationSetup, planner: AbstractPlanner) -> None:
        for callback in self.callbacks:
            callback.on_step_end(setup, planner)

    def on_simulation_end(self, setup: SimulationSetup, planner: AbstractPlanner, history: History) -> None:
        for callback in self.callbacks:
            callback.on_simulation_end(setup, planner, history)


class SimulationLogCallback(AbstractCallback):
    """Writes the simulation's log when it ends."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def on_simulation_end(self, setup: SimulationSetup, planner: AbstractPlanner, history: History) -> None:
        path = os.path.join(self.directory, f"{setup.scenario.token}.pkl.xz")
        SimulationLog(path, setup.scenario.token, planner, history).save_to_file()


class MetricCallback(AbstractCallback):
    """Computes and writes the metrics when the simulation ends."""

    def __init__(self, engine: MetricsEngine) -> None:
        self.engine = engine

    def on_simulation_end(self, setup: SimulationSetup, planner: AbstractPlanner, history: History) -> None:
        results = self.engine.compute(history, setup.scenario)
        self.engine.write_to_files(results, setup.scenario.token)
