"""The scenario prefetch as a speedup: in the query functions, and where simulations begin."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Mapping, Tuple

from nutrace.speedups.known_code import check_parameters
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries import seam
from nutrace.speedups.scenario_prefetch.options import Options
from nutrace.speedups.scenario_prefetch.prefetch import ScenarioPrefetch
from nutrace.speedups.speedup import Replacement, Switch


@dataclass(frozen=True)
class Place:
    """Where a simulation begins.

    Parameters
    ----------
    method:
        The method that begins it, as a target.
    scenario:
        Name of the instance's attribute.
    log_file, tokens:
        Names of the scenario's attributes: the file, and the lidar_pc token of each iteration. A scenario
        without them does not come from a log.
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


class PrefetchPart:
    """The prefetch, and where it stands."""

    def __init__(self, options: Options) -> None:
        self.prefetch = ScenarioPrefetch(options)
        self.replacements: Tuple[Replacement, ...] = (
            *seam.replacements(seam.PREFETCH, self.prefetch.answer),
            *(
                Replacement(
                    place.method, functools.partial(self._replace, place), distribution=place.distribution
                )
                for place in PLACES
            ),
        )

    def stats(self) -> Mapping[str, int]:
        """The prefetch's figures."""
        return self.prefetch.stats()

    def close(self) -> None:
        """Stop answering, and drop everything."""
        seam.leave(self.prefetch.answer)
        self.prefetch.clear()

    def _replace(self, place: Place, original: Any, switch: Switch) -> Any:
        check_parameters(original, "self")
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
                except Exception:  # the simulation begins, whatever is odd about its scenario
                    fault("beginning to prefetch a scenario")
            return original(self)

        return initialize


build = PrefetchPart
