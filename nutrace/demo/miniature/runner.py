"""Run simulations: the loop of steps, the worker, and the functions that build them."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, Sequence, Type, TypeVar

from nutrace.demo.miniature.callback import (
    AbstractCallback,
    MetricCallback,
    MultiCallback,
    SimulationLogCallback,
)
from nutrace.demo.miniature.config import ConfigError, compose, group
from nutrace.demo.miniature.controller import KinematicBicycleModel, LQRTracker, TwoStageController
from nutrace.demo.miniature.metrics import MetricsEngine
from nutrace.demo.miniature.observation import TracksObservation
from nutrace.demo.miniature.planner import AbstractPlanner, IDMPlanner
from nutrace.demo.miniature.scenario import LogScenario, ScenarioBuilder
from nutrace.demo.miniature.simulation import Simulation, SimulationSetup, StepTimeController

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class RunnerReport:
    """The result of a run."""

    scenario_token: str
    planner_name: str
    steps: int


class SimulationRunner:
    """Runs one scenario with one planner."""

    def __init__(self, simulation: Simulation, planner: AbstractPlanner, callback: AbstractCallback) -> None:
        self.simulation = simulation
        self.planner = planner
        self.callback = callback

    @property
    def scenario(self) -> LogScenario:
        """The simulated scenario."""
        return self.simulation.scenario

    def run(self) -> RunnerReport:
        """Simulate from the first step to the last."""
        setup, callback = self.simulation.setup, self.callback
        self.simulation.initialize()
        self.planner.initialize(self.scenario.map_api, self.scenario.get_route_roadblock_ids())
        callback.on_simulation_start(setup)
        while self.simulation.is_running():
            callback.on_step_start(setup, self.planner)
            planner_input = self.simulation.get_planner_input()
            trajectory = self.planner.compute_planner_trajectory(planner_input)
            self.simulation.propagate(trajectory)
            callback.on_step_end(setup, self.planner)
        callback.on_simulation_end(setup, self.planner, self.simulation.history)
        return RunnerReport(self.scenario.token, self.planner.name(), len(self.simulation.history.samples))


class SequentialWorker:
    """Runs tasks one after another."""

    def map(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> List[Result]:
        """Return the results in the order of the tasks."""
        return [function(task) for task in tasks]


def build_simulation(scenario: LogScenario, config: Dict[str, Any]) -> Simulation:
    """Build the simulation of a scenario."""
    options = group(config, "controller")
    tracker = LQRTracker(options["tracker"], options["motion_model"]["wheel_base"])
    controller = TwoStageController(scenario, tracker, KinematicBicycleModel(options["motion_model"]))
    history_seconds = group(config, "history")["duration_s"]
    observation = TracksObservation(scenario)
    time_controller = StepTimeController(scenario)
    return Simulation(SimulationSetup(scenario, time_controller, observation, controller, history_seconds))


def build_runner(scenario: LogScenario, config: Dict[str, Any], directory: str) -> SimulationRunner:
    """Build a runner with its own planner and callbacks."""
    metrics = MetricsEngine(group(config, "metrics"), os.path.join(directory, "metrics"))
    logs = SimulationLogCallback(os.path.join(directory, "simulation_log"))
    callback = MultiCallback([logs, MetricCallback(metrics)])
    return SimulationRunner(build_simulation(scenario, config), build_planner(config), callback)


def build_planner(config: Dict[str, Any]) -> AbstractPlanner:
    """Build the planner of the class that the configuration names."""
    options = group(config, "planner")
    return (planner_class(options["class"]) if options["class"] else IDMPlanner)(options)


def planner_class(path: str) -> Type[AbstractPlanner]:
    """Import the class of a planner, written as ``package.module.Class``.

    Raises
    ------
    ConfigError
        If there is no such class, or it is no :class:`AbstractPlanner`.
    """
    name, _, class_name = path.rpartition(".")
    try:
        module = importlib.import_module(name)
    except ValueError:
        raise ConfigError(f"planner.class={path}: write package.module.Class") from None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it imports is not
        raise ConfigError(f"planner.class={path}: there is no module {error.name}") from None
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, AbstractPlanner)):
        raise ConfigError(f"planner.class={path}: {name} has no AbstractPlanner {class_name}")
    return found


def run_simulation(log_file: str, directory: str, overrides: Sequence[str] = ()) -> List[RunnerReport]:
    """Simulate the scenarios of a log; write simulation logs and metrics into a directory.

    Raises
    ------
    ConfigError
        If an override or the planner's class is wrong, or the log has no scenario of the types.
    """
    config = compose(overrides)
    options = group(config, "scenario")
    scenarios = ScenarioBuilder(log_file).get_scenarios(options, group(config, "history")["duration_s"])
    if not scenarios:
        raise ConfigError(f"{log_file} has no whole scenario of the types {options['type']}")
    runners = [build_runner(scenario, config, directory) for scenario in scenarios]
    return SequentialWorker().map(_run, runners)


def _run(runner: SimulationRunner) -> RunnerReport:
    return runner.run()
