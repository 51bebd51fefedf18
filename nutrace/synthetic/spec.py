"""The dimensions of a synthetic log, checked when they are given."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nutrace.errors import UsageError

#: A scenario lasts 15 s, reads 2 s before it, and its metrics read 8 s after it.
MIN_SECONDS = 27.0
MAX_SECONDS = 7_200.0
MAX_AGENTS = 2_000
MAX_TRAFFIC_LIGHTS = 3_000


@dataclass(frozen=True)
class LogSpec:
    """The dimensions of a log.

    Parameters
    ----------
    seconds:
        Length of the log, 27 to 7,200 s.
    agents:
        Tracked objects in every frame, 1 to 2,000: vehicles, pedestrians, bicycles, static objects.
    traffic_lights:
        Rows of ``traffic_light_status`` in every frame, 0 to 3,000.
    seed:
        Logs with equal seeds and dimensions have equal rows, byte for byte.
    indexes:
        Whether ``lidar_box`` and ``traffic_light_status`` are indexed by ``lidar_pc_token``.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    seconds: float = 30.0
    agents: int = 20
    traffic_lights: int = 23
    seed: int = 0
    indexes: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.seconds) and MIN_SECONDS <= self.seconds <= MAX_SECONDS):
            raise UsageError(f"seconds must be {MIN_SECONDS:g} to {MAX_SECONDS:g}, not {self.seconds:g}")
        for name, low, high in (("agents", 1, MAX_AGENTS), ("traffic_lights", 0, MAX_TRAFFIC_LIGHTS)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name.replace('_', ' ')} must be {low} to {high}, not {value}")
        if self.seed < 0:
            raise UsageError(f"the seed must not be negative, and is {self.seed}")
