"""The configuration: groups with overrides. Readers get copies, as with OmegaConf.

``planner.class`` is a planner of your own, as ``package.module.Class``. ``scenario.type`` may be several
types between commas; ``scenario.count`` scenarios of these types are simulated.
"""

from __future__ import annotations

import copy
from typing import Any, Dict, Sequence

_GROUPS: Dict[str, Dict[str, Any]] = {
    "planner": {
        "class": "",  # module.Class of an AbstractPlanner; by default IDMPlanner
        "target_velocity": 10.0,
        "min_gap_to_lead_agent": 1.0,
        "headway_time": 1.5,
        "accel_max": 1.0,
        "decel_max": 3.0,
        "planned_trajectory_samples": 16,
        "planned_trajectory_sample_interval": 0.5,
        "occupancy_map_radius": 40.0,
    },
    "controller": {
        "tracker": {"horizon": 10, "q_lateral": [1.0, 10.0, 0.0], "r_lateral": 1.0, "k_velocity": 1.5},
        "motion_model": {"wheel_base": 3.09, "max_steering": 1.05, "substeps": 10},
    },
    "observation": {"type": "tracks"},
    "scenario": {
        "type": "following_lane_with_lead",  # or several, between commas
        "count": 1,
        "offset_s": -3.0,
        "subsample": 2,
        "frames": 151,
    },
    "history": {"duration_s": 2.0},
    "metrics": {
        name: {"threshold": threshold, "unit": unit, "plot": {"color": "C0", "marker": marker}}
        for name, threshold, unit, marker in (
            ("comfort", 4.05, "m/s^2", "o"),
            ("jerk", 8.37, "m/s^3", "x"),
            ("progress", 0.2, "ratio", "s"),
            ("expert_distance", 8.0, "m", "d"),
            ("clearance", 0.3, "m", "v"),
        )
    },
}


class ConfigError(Exception):
    """The configuration asks for something that there is not."""


def compose(overrides: Sequence[str]) -> Dict[str, Any]:
    """Return all groups with overrides such as ``scenario.frames=51`` applied.

    Raises
    ------
    ConfigError
        If an override names an unknown option, or its value is not of the option's type.
    """
    config: Dict[str, Any] = copy.deepcopy(_GROUPS)
    for override in overrides:
        # OmegaConf merges every layer into a copy of the configuration so far.
        config = copy.deepcopy(config)
        path, _, value = override.partition("=")
        *groups, name = path.split(".")
        node = config
        for group in groups:
            node = node.get(group, {})
        if not isinstance(node.get(name), (str, int, float)):
            raise ConfigError(f"{override}: there is no option {path}")
        kind = type(node[name])
        try:
            node[name] = kind(value)
        except ValueError:
            raise ConfigError(f"{override}: the value of {path} is of type {kind.__name__}") from None
    return config


def group(config: Dict[str, Any], name: str) -> Dict[str, Any]:
    """Return a copy of one group, so that its reader can change it."""
    part: Dict[str, Any] = copy.deepcopy(config[name])
    return part
