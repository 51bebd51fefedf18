"""Propagation as a speedup: makes less on the way from a plan to the next state.

Nothing is computed twice there, see tests/benchmarks/propagation_share.py. What costs time are states and
lists that are made for a few of their numbers, and the garbage collector, which the growing history wakes.
"""

from __future__ import annotations

import functools
import gc
from dataclasses import dataclass
from typing import Any, ClassVar, Mapping, Tuple

from nutrace import semconv
from nutrace.speedups import options
from nutrace.speedups.known_code import check_parameters
from nutrace.speedups.noting import note
from nutrace.speedups.options import option
from nutrace.speedups.propagation.frozen_heap import FrozenHeap
from nutrace.speedups.propagation.tracked_poses import lines, poses
from nutrace.speedups.speedup import Make, Misfit, Replacement, Switch

#: Where a simulation runs from its first step to its last: targets, and the distributions they come with.
PLACES = (
    ("nuplan.planning.simulation.runner.simulations_runner:SimulationRunner.run", "nuplan-devkit"),
    ("nutrace.demo.miniature.runner:SimulationRunner.run", "nutrace"),
)
_POSES = (
    "nuplan.planning.simulation.controller.tracker.tracker_utils:get_interpolated_reference_trajectory_poses"
)
_LINES = "nuplan.planning.simulation.observation.idm.utils:path_to_linestring"


@dataclass(frozen=True)
class Options(options.Options):
    """Options of propagation."""

    speedup: ClassVar[str] = "propagation"

    freeze: int = option(
        1, "1 keeps older objects out of garbage collections; 0 collects as Python does", least=0, most=1
    )


class PropagationPart:
    """The heap and where it is frozen, and the functions that make less."""

    def __init__(self, options: Options) -> None:
        self.heap = FrozenHeap()
        places = [
            (method, self._run, "self", package) for method, package in (PLACES if options.freeze else ())
        ]
        places += [
            (_POSES, poses, "trajectory discretization_time", "nuplan-devkit"),
            (_LINES, lines, "path", "nuplan-devkit"),
        ]
        self.replacements: Tuple[Replacement, ...] = tuple(
            Replacement(target, _checked(make, parameters), distribution=package)
            for target, make, parameters, package in places
        )

    def stats(self) -> Mapping[str, int]:
        """The heap's figures."""
        return self.heap.stats()

    def close(self) -> None:
        """Unfreeze."""
        self.heap.close()

    def _run(self, original: Any, switch: Switch) -> Any:
        if not hasattr(gc, "freeze"):
            raise Misfit("this Python's garbage collector cannot leave objects out")
        heap = self.heap
        heap.watch()

        @functools.wraps(original)
        def run(self: Any) -> Any:
            if not switch:
                return original(self)
            token = heap.hold()
            note("simulation", semconv.OBJECTS_FROZEN, heap.stats()["objects_frozen"])
            try:
                return original(self)
            finally:
                heap.release(token)

        return run


def _checked(make: Make, parameters: str) -> Make:
    """`make`, for functions with these parameters only."""

    def replace(original: Any, switch: Switch) -> Any:
        check_parameters(original, parameters)
        return make(original, switch)

    return replace


build = PropagationPart
