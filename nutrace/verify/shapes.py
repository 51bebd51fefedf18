"""Which functions the results of a simulation pass through: in the devkit and in the miniature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping


@dataclass(frozen=True)
class Shape:
    """The functions of one kind of program; targets are written as ``module:name``.

    Parameters
    ----------
    runner:
        The method that simulates one scenario with one planner. Its object has the attributes
        ``simulation`` and ``planner``.
    simulation:
        The class whose methods ``initialize``, ``get_planner_input`` and ``propagate`` make the steps.
        An instance has the attributes ``scenario`` and ``history``.
    samples:
        Name of the history's attribute with a sample for each step.
    outputs:
        A function whose arguments name the folder of the outputs.
    folder:
        Takes that folder from the function's arguments.
    distribution:
        Name of the package that has all this.
    """

    runner: str
    simulation: str
    samples: str
    outputs: str
    folder: Callable[[Mapping[str, Any]], Any]
    distribution: str


SHAPES = (
    Shape(
        runner="nuplan.planning.simulation.runner.simulations_runner:SimulationRunner.run",
        simulation="nuplan.planning.simulation.simulation:Simulation",
        samples="data",
        outputs="nuplan.planning.script.builders.folder_builder:build_simulation_experiment_folder",
        folder=lambda arguments: arguments["cfg"].output_dir,
        distribution="nuplan-devkit",
    ),
    Shape(
        runner="nutrace.demo.miniature.runner:SimulationRunner.run",
        simulation="nutrace.demo.miniature.simulation:Simulation",
        samples="samples",
        outputs="nutrace.demo.miniature.runner:run_simulation",
        folder=lambda arguments: arguments["directory"],
        distribution="nutrace",
    ),
)
