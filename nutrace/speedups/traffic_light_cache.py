"""The traffic light cache on the devkit: around the method of the scenarios that come from a log."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Tuple

from nutrace.patching import MissingTarget, Replacement, Switch
from nutrace.speedups.speedup import Misfit
from nutrace.speedups.traffic_lights import Options, TrafficLightCache

__all__ = ["Options", "Part", "Place", "TrafficLightCache", "build"]


@dataclass(frozen=True)
class Place:
    """A scenario class whose method is stood around.

    Parameters
    ----------
    family:
        The abstract method, as a probe's target: a replacement is in place as soon as the class is
        made, so that what traces the method stands around the cache and sees its hits.
    method:
        The class's own, likewise.
    log_file, tokens:
        Names of the instance's attributes: the file, and the lidar_pc token of each iteration.
    """

    family: str
    method: str
    log_file: str
    tokens: str
    distribution: str


_TOKENS = (str, bytes)
_METHOD = "get_traffic_light_status_at_iteration"
PLACES = (
    Place(
        f"nuplan.planning.scenario_builder.abstract_scenario:AbstractScenario.{_METHOD}",
        f"nuplan.planning.scenario_builder.nuplan_db.nuplan_scenario:NuPlanScenario.{_METHOD}",
        "_log_file",
        "_lidarpc_tokens",
        "nuplan-devkit",
    ),
    Place(
        f"nutrace.demo.miniature.scenario:AbstractScenario.{_METHOD}",
        f"nutrace.demo.miniature.scenario:LogScenario.{_METHOD}",
        "log_file",
        "_tokens",
        "nutrace",
    ),
)


class Part:
    """The cache, and where it stands."""

    def __init__(self, options: Options, places: Iterable[Place] = PLACES) -> None:
        self.cache = TrafficLightCache(**dataclasses.asdict(options))
        self.replacements: Tuple[Replacement, ...] = tuple(
            Replacement(
                target, functools.partial(self._around, place), subclasses, distribution=place.distribution
            )
            for place in places
            # The second is missing if the class has no such method.
            for target, subclasses in ((place.family, True), (place.method, False))
        )

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Forget everything."""
        self.cache.clear()

    def _around(self, place: Place, original: Any, switch: Switch) -> Any:
        if f"{original.__module__}:{original.__qualname__}" != place.method:
            raise MissingTarget("another scenario class, which reads what it reads")
        if list(inspect.signature(original).parameters) != ["self", "iteration"]:
            raise Misfit(f"{original.__qualname__} takes other arguments than (self, iteration)")
        cache = self.cache

        @functools.wraps(original)
        def cached(self: Any, iteration: Any) -> Any:
            if not switch:
                return original(self, iteration)
            try:
                # At the call, where the original looks it up as well.
                token = getattr(self, place.tokens)[iteration]
                log_file, scenario = getattr(self, place.log_file), self.token
            except Exception:  # whatever is wrong, the original says it, or knows better
                return original(self, iteration)
            if not (type(token) in _TOKENS and type(scenario) in _TOKENS):
                return original(self, iteration)
            return cache.statuses(log_file, scenario, token, functools.partial(original, self, iteration))

        return cached


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)
