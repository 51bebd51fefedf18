"""Values that the parts exchange: states, objects, traffic lights, trajectories."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import List, Sequence, Tuple

Point = Tuple[float, float]


@dataclass(frozen=True)
class Iteration:
    """A step's number and its time in microseconds since 1970."""

    index: int
    time_us: int


@dataclass(frozen=True)
class EgoState:
    """The ego vehicle: rear axle in metres, heading in radians, m/s, m/s^2, steering in radians."""

    time_us: int
    x: float
    y: float
    heading: float
    speed: float
    accel: float
    steering: float = 0.0


@dataclass(frozen=True)
class TrackedObject:
    """A detected object: its box in metres, its heading in radians, its velocity in m/s."""

    track: str
    category: str
    x: float
    y: float
    heading: float
    length: float
    width: float
    vx: float
    vy: float

    def corners(self) -> List[Point]:
        """Return the corners of the box, counter-clockwise."""
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        half_length, half_width = self.length / 2, self.width / 2
        offsets = ((1, -1), (1, 1), (-1, 1), (-1, -1))
        return [
            (
                self.x + i * half_length * cos - j * half_width * sin,
                self.y + i * half_length * sin + j * half_width * cos,
            )
            for i, j in offsets
        ]


@dataclass(frozen=True)
class TrafficLight:
    """What a light shows to a lane connector: ``green``, ``yellow``, ``red`` or ``unknown``."""

    connector: int
    status: str
    time_us: int


class Trajectory:
    """Planned states in the order of time.

    Raises
    ------
    ValueError
        If there are fewer than two states.
    """

    def __init__(self, states: Sequence[EgoState]) -> None:
        if len(states) < 2:
            raise ValueError("a trajectory has at least two states")
        self.states = list(states)
        self._times = [state.time_us for state in self.states]

    def at(self, time_us: int) -> EgoState:
        """Return the state at a time: interpolated between planned states, the last one after them."""
        after = min(max(bisect_left(self._times, time_us), 1), len(self.states) - 1)
        first, second = self.states[after - 1], self.states[after]
        share = (time_us - first.time_us) / (second.time_us - first.time_us)
        share = min(max(share, 0.0), 1.0)

        def between(a: float, b: float) -> float:
            return a + (b - a) * share

        return EgoState(
            time_us,
            between(first.x, second.x),
            between(first.y, second.y),
            between(first.heading, second.heading),
            between(first.speed, second.speed),
            between(first.accel, second.accel),
        )
