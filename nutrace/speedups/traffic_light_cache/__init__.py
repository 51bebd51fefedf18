"""The traffic light cache: each frame's lights are queried once per scenario."""

from nutrace.speedups.traffic_light_cache.cache import Options, TrafficLightCache
from nutrace.speedups.traffic_light_cache.part import build

__all__ = ["Options", "TrafficLightCache", "build"]
