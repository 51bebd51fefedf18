"""The map cache: map objects are looked up in a spatial index of their layer."""

from nutrace.speedups.map_cache.cache import MapCache, Options
from nutrace.speedups.map_cache.part import build

__all__ = ["MapCache", "Options", "build"]
