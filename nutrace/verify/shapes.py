"""Where a simulation's results pass by: in the devkit, and in the miniature, which is made like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping


@dataclass(frozen=True)
class Shape:
    """A program that simulates.

    Parameters
    ----------
    runner:
        Its class's ``run``, as a probe's target: one scenario with one planner, which it has as
        ``simulation`` and ``planner``.
    simulation:
        The class whose ``initialize``, ``get_planner_input`` and ``propagate`` are the steps; an
        instance has ``scenario`` and ``history``.
    samples:
        Name of the history's attribute that holds a sample for each step.
    outputs:
        A function, as a probe's target, that knows the folder of the outputs.
    folder:
        That folder, from the function's arguments.
    distribution:
        Which package it is.
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
