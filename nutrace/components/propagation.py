"""Propagation on the devkit: no full garbage collections of what a simulation begins with, while it runs.

Of the work that is done between a plan and the next state, nothing is done twice: see
tests/benchmarks/propagation_share.py. What its spans do show, in whichever of them it strikes, is the
garbage collector, which the growing history wakes.
"""

from __future__ import annotations

import functools
import gc
import inspect
from dataclasses import dataclass
from typing import Any, Mapping, Tuple

from nutrace import semconv
from nutrace.components.component import Misfit
from nutrace.components.frozen_heap import FrozenHeap
from nutrace.components.noting import note
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch

__all__ = ["FrozenHeap", "Options", "Part", "build"]

#: Where a simulation runs from its first step to its last: targets, and the distributions they come with.
PLACES = (
    ("nuplan.planning.simulation.runner.simulations_runner:SimulationRunner.run", "nuplan-devkit"),
    ("nutrace.demo.miniature.runner:SimulationRunner.run", "nutrace"),
)


@dataclass(frozen=True)
class Options:
    """None: it is on, or it is not."""


class Part:
    """The heap, and where it is frozen."""

    def __init__(self, options: Options) -> None:
        self.heap = FrozenHeap()
        self.probes: Tuple[Probe, ...] = tuple(
            Probe(method, "simulation", stand_in=self._around, distribution=distribution)
            for method, distribution in PLACES
        )

    def stats(self) -> Mapping[str, int]:
        """The heap's figures."""
        return self.heap.stats()

    def close(self) -> None:
        """Thaw."""
        self.heap.close()

    def _around(self, original: Any, switch: Switch) -> Any:
        if list(inspect.signature(original).parameters) != ["self"]:
            raise Misfit(f"{original.__qualname__} takes other arguments than (self)")
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


def build(options: Options) -> Part:
    """Make the component."""
    return Part(options)
