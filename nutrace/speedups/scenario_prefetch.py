"""The scenario prefetch on the devkit: where simulations begin, and between queries and connections."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import Any, Mapping, Tuple

from nutrace.patching import Replacement, Switch
from nutrace.speedups import queries
from nutrace.speedups.own_faults import fault
from nutrace.speedups.prefetch import ScenarioPrefetch
from nutrace.speedups.prefetch_options import Options
from nutrace.speedups.speedup import Misfit

__all__ = ["Options", "Part", "ScenarioPrefetch", "build"]


@dataclass(frozen=True)
class Place:
    """Where a simulation begins.

    Parameters
    ----------
    method:
        The method that does, as a probe's target.
    scenario:
        Name of the instance's attribute.
    log_file, tokens:
        Names of the scenario's: the file, and the lidar_pc token of each iteration. A scenario that
        has them not is not one of a log.
    """

    method: str
    scenario: str
    log_file: str
    tokens: str
    distribution: str


PLACES = (
    Place(
        "nuplan.planning.simulation.simulation:Simulation.initialize",
        "_scenario",
        "_log_file",
        "_lidarpc_tokens",
        "nuplan-devkit",
    ),
    Place(
        "nutrace.demo.miniature.simulation:Simulation.initialize",
        "scenario",
        "log_file",
        "_tokens",
        "nutrace",
    ),
)


class Part:
    """The prefetch, and where it stands."""

    def __init__(self, options: Options) -> None:
        self.prefetch = ScenarioPrefetch(options)
        self.replacements: Tuple[Replacement, ...] = (
            *queries.replacements(queries.PREFETCH, self._connect),
            *(
                Replacement(
                    place.method, functools.partial(self._around, place), distribution=place.distribution
                )
                for place in PLACES
            ),
        )

    def stats(self) -> Mapping[str, int]:
        """The prefetch's figures."""
        return self.prefetch.stats()

    def close(self) -> None:
        """Forget everything."""
        self.prefetch.clear()
        queries.tidy()

    def _connect(self, file: Any, following: queries.Open) -> Any:
        return self.prefetch.connect(file, following)

    def _around(self, place: Place, original: Any, switch: Switch) -> Any:
        if list(inspect.signature(original).parameters) != ["self"]:
            raise Misfit(f"{original.__qualname__} takes other arguments than (self)")
        prefetch = self.prefetch

        @functools.wraps(original)
        def initialize(self: Any) -> Any:
            if switch:
                try:
                    scenario = getattr(self, place.scenario)
                    log_file = getattr(scenario, place.log_file, None)
                    if log_file is None:
                        prefetch.end()
                    else:
                        prefetch.begin(log_file, getattr(scenario, place.tokens))
                except Exception:  # law 1: the simulation begins, whatever is odd about its scenario
                    fault("beginning to prefetch a scenario")
            return original(self)

        return initialize


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)
