"""The traffic light cache as a speedup: around the method of scenarios that come from a log."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Tuple

from nutrace.speedups.known_code import check_parameters
from nutrace.speedups.speedup import MissingTarget, Replacement, Switch
from nutrace.speedups.traffic_light_cache.cache import Options, TrafficLightCache


@dataclass(frozen=True)
class Place:
    """A scenario class whose method is replaced.

    Parameters
    ----------
    family:
        The abstract method, as a target. Replacing the methods that override it puts the cache in place as
        soon as the class is made, so that a span of the method stands around the cache and notes its hits.
    method:
        The class's own method, as a target.
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


class TrafficLightPart:
    """The cache, and where it stands."""

    def __init__(self, options: Options, places: Iterable[Place] = PLACES) -> None:
        self.cache = TrafficLightCache(options.entries)
        self.replacements: Tuple[Replacement, ...] = tuple(
            Replacement(
                # The method itself as well: if the class does not have it, the speedup does not fit.
                target,
                functools.partial(self._replace, place),
                subclasses=target == place.family,
                distribution=place.distribution,
            )
            for place in places
            for target in (place.family, place.method)
        )

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Drop everything."""
        self.cache.clear()

    def _replace(self, place: Place, original: Any, switch: Switch) -> Any:
        if f"{original.__module__}:{original.__qualname__}" != place.method:
            raise MissingTarget("another scenario class, whose lights come from elsewhere")
        check_parameters(original, "self iteration")
        cache = self.cache

        @functools.wraps(original)
        def cached(self: Any, iteration: Any) -> Any:
            if not switch:
                return original(self, iteration)
            token: Any = None
            scenario: Any = None
            log_file: Any = None
            # Whatever is wrong, the original raises it, or knows better.
            with contextlib.suppress(Exception):
                # At the call, where the original looks it up as well.
                token = getattr(self, place.tokens)[iteration]
                log_file, scenario = getattr(self, place.log_file), self.token
            if not (type(token) in _TOKENS and type(scenario) in _TOKENS):
                return original(self, iteration)
            return cache.statuses(log_file, scenario, token, functools.partial(original, self, iteration))

        return cached


build = TrafficLightPart
