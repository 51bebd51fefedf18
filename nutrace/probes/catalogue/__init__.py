"""The probes that nutrace ships, and those that users add."""

from nutrace.probes.catalogue.registry import (
    CATALOGUES,
    Catalogue,
    at_level,
    built_in,
    collect,
    for_settings,
    planner_catalogues,
    planner_of,
)

__all__ = [
    "CATALOGUES",
    "Catalogue",
    "at_level",
    "built_in",
    "collect",
    "for_settings",
    "planner_catalogues",
    "planner_of",
]
