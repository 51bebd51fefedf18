"""Propagation on the devkit: nothing made on the way from a plan to the next state that nobody uses.

Nothing is computed twice there: see tests/benchmarks/propagation_share.py. What its spans do show is states
and lists that are made for a few of their numbers; and, in whichever span it strikes, the garbage collector,
which the growing history wakes.
"""

from __future__ import annotations

import functools
import gc
import inspect
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Tuple

from nutrace import semconv
from nutrace.patching import Replacement, Switch
from nutrace.speedups.bounds import at_least, at_most
from nutrace.speedups.frozen_heap import FrozenHeap
from nutrace.speedups.noting import note
from nutrace.speedups.speedup import Misfit
from nutrace.speedups.tracked_poses import lines, poses

__all__ = ["FrozenHeap", "Options", "Part", "build"]

_NAME = "propagation"
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
class Options:
    """What it does.

    Parameters
    ----------
    freeze:
        1, or 0 for a program that wants its garbage collected as ever.

    Raises
    ------
    SettingsError
        If it is anything else.
    """

    freeze: int = 1

    def __post_init__(self) -> None:
        at_least(_NAME, "freeze", self.freeze, 0)
        at_most(_NAME, "freeze", self.freeze, 1)


class Part:
    """The heap and where it is frozen, and the functions that make less."""

    def __init__(self, options: Options) -> None:
        self.heap = FrozenHeap()
        self.replacements: Tuple[Replacement, ...] = (
            *(
                Replacement(method, _taking(self._around, "self"), distribution=distribution)
                for method, distribution in (PLACES if options.freeze else ())
            ),
            Replacement(
                _POSES, _taking(poses, "trajectory discretization_time"), distribution="nuplan-devkit"
            ),
            Replacement(_LINES, _taking(lines, "path"), distribution="nuplan-devkit"),
        )

    def stats(self) -> Mapping[str, int]:
        """The heap's figures."""
        return self.heap.stats()

    def close(self) -> None:
        """Thaw."""
        self.heap.close()

    def _around(self, original: Any, switch: Switch) -> Any:
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


def _taking(make: Callable[[Any, Switch], Any], parameters: str) -> Callable[[Any, Switch], Any]:
    """`make`, for functions with these parameters."""

    def stand_in(original: Any, switch: Switch) -> Any:
        if list(inspect.signature(original).parameters) != parameters.split():
            wanted = ", ".join(parameters.split())
            raise Misfit(f"{original.__qualname__} takes other arguments than ({wanted})")
        return make(original, switch)

    return stand_in


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)
