"""Traffic: vehicles that follow one another and stop at red lights, and objects beside the lanes.

The longitudinal model is the intelligent driver model (Treiber, Hennecke and Helbing, 2000).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Tuple

from nutrace.synthetic.road import CROSSING_M, LANES, PITCH_M, SPEED_LIMIT_MPS, lane_offset, stop_line_s

FRAME_S = 0.05

# Intelligent driver model: m/s^2, m/s^2, s, m.
_ACCEL, _BRAKE, _HEADWAY, _GAP = 1.2, 2.5, 1.3, 2.0
_GREEN_S, _UNKNOWN_S, _RED_S = 32.0, 3.0, 15.0
_WAVE_MPS = 11.0  # speed of the green wave
_MARGIN_M = 60.0  # an object that is farther outside the window is replaced by a new one
_ROOM_M = 15.0  # least distance between a new vehicle and its neighbours

#: length, width, height in metres, by category
SIZES = {
    "vehicle": (4.7, 2.0, 1.7),
    "bicycle": (1.8, 0.7, 1.6),
    "pedestrian": (0.7, 0.7, 1.75),
    "traffic_cone": (0.4, 0.4, 0.8),
    "barrier": (2.0, 0.5, 1.0),
    "czone_sign": (0.6, 0.3, 1.6),
    "generic_object": (0.8, 0.8, 0.9),
}
EGO_SIZE = (5.18, 2.3, 1.78)
_STATIC = ("traffic_cone", "barrier", "czone_sign", "generic_object")


@dataclass(frozen=True)
class Lights:
    """A green wave, in which a vehicle from `start_s` metres meets lights soon after they turn green."""

    start_s: float

    def status(self, block: int, seconds: float) -> str:
        """Return what a block's lights show: ``green``, ``unknown`` while they change, or ``red``."""
        arrival = (stop_line_s(block) - self.start_s) / _WAVE_MPS
        phase = (seconds - arrival + 8.0) % (_GREEN_S + _UNKNOWN_S + _RED_S)
        if phase < _GREEN_S:
            return "green"
        return "unknown" if phase < _GREEN_S + _UNKNOWN_S else "red"


@dataclass(eq=False)
class Actor:
    """One track: its position, speed and size, in metres and seconds."""

    category: str
    s: float
    d: float
    speed: float
    wish: float
    length: float
    width: float
    height: float
    lane: Optional[int] = None
    against: bool = False  # moves against the road's direction
    accel: float = 0.0
    token: bytes = b""


@dataclass
class Traffic:
    """All objects within a window that moves with the ego vehicle."""

    agents: int
    rng: random.Random
    ego: Actor
    lights: Lights
    window_m: float
    vehicles: int
    actors: List[Actor] = field(default_factory=list)

    @classmethod
    def around(cls, agents: int, rng: random.Random) -> Traffic:
        """Fill the window: three in five objects are vehicles, the others walk, ride or stand."""
        vehicles = max(1, agents * 3 // 5)
        window = max(120.0, vehicles / LANES * 9.0)
        start = window + 2 * _MARGIN_M
        ego = Actor("vehicle", start, 0.0, 9.0, 12.5, *EGO_SIZE, lane=LANES // 2)
        traffic = cls(agents, rng, ego, Lights(start), window, vehicles)
        for number in range(vehicles):
            # The first vehicle drives ahead of the ego vehicle; the others fill the lanes evenly.
            lane = (number + 1) % LANES
            rank = number // LANES
            distance = (1 + rank // 2) * 18.0 * (1 if rank % 2 == 0 else -1)
            traffic.actors.append(traffic._vehicle(start + distance + rng.uniform(-3, 3) + lane, lane))
        for number in range(agents - vehicles):
            traffic.actors.append(traffic._bystander(number, start + rng.uniform(-window, window)))
        return traffic

    def _vehicle(self, s: float, lane: int) -> Actor:
        rng = self.rng
        length, width, height = SIZES["vehicle"]
        if rng.random() < 0.08:
            length, width, height = 10.5, 2.6, 3.2
        scale = rng.uniform(0.95, 1.08)
        return Actor(
            "vehicle", s, lane_offset(lane), self.ego.speed * rng.uniform(0.9, 1.05),
            SPEED_LIMIT_MPS * rng.uniform(0.75, 1.02), length * scale, width, height, lane,
        )  # fmt: skip

    def _bystander(self, number: int, s: float) -> Actor:
        rng = self.rng
        side = 1 if rng.random() < 0.5 else -1
        if number % 2 == 0:
            category, d, speed = "pedestrian", side * rng.uniform(9.2, 10.8), rng.uniform(0.8, 1.6)
        elif number % 4 == 1:
            category, d, speed = "bicycle", side * 7.4, rng.uniform(3.5, 5.5)
        else:
            category, d, speed = _STATIC[number // 4 % len(_STATIC)], side * rng.uniform(8.2, 8.8), 0.0
        length, width, height = SIZES[category]
        against = category == "pedestrian" and rng.random() < 0.5
        return Actor(category, s, d, speed, speed, length, width, height, None, against)

    def step(self, seconds: float) -> List[int]:
        """Advance all objects by one frame; return the indexes in `actors` of those that are new."""
        lanes: Dict[int, List[Actor]] = {lane: [] for lane in range(LANES)}
        for actor in (self.ego, *self.actors):
            if actor.lane is None:
                actor.s += (-actor.speed if actor.against else actor.speed) * FRAME_S
            else:
                lanes[actor.lane].append(actor)
        for queue in lanes.values():
            queue.sort(key=_position, reverse=True)
            leader: Optional[Actor] = None
            for actor in queue:
                _follow(actor, leader, self.lights, seconds)
                leader = actor
        return self._replace(lanes)

    def _replace(self, lanes: Dict[int, List[Actor]]) -> List[int]:
        replaced = []
        limit = self.window_m + _MARGIN_M
        for index, actor in enumerate(self.actors):
            distance = actor.s - self.ego.s
            if -limit <= distance <= limit:
                continue
            ahead = distance < 0  # an object that fell behind is replaced by one ahead
            edge = self.ego.s + (self.window_m if ahead else -self.window_m)
            if actor.lane is None:
                self.actors[index] = self._bystander(index - self.vehicles, edge)
            else:
                room = _room(lanes, edge, 1 if ahead else -1)
                if room is None:  # keep the old one until there is room
                    continue
                lanes[actor.lane].remove(actor)
                self.actors[index] = fresh = self._vehicle(*room)
                lanes[room[1]].append(fresh)
            replaced.append(index)
        return replaced


def _room(lanes: Dict[int, List[Actor]], edge: float, direction: int) -> Optional[Tuple[float, int]]:
    """Return a position at the window's edge or outside it, and a lane, where there is room."""
    for outside in range(0, int(_MARGIN_M) - 10, 10):
        s = edge + direction * outside
        for lane, queue in lanes.items():
            if all(abs(actor.s - s) > _ROOM_M for actor in queue):
                return s, lane
    return None


def _position(actor: Actor) -> float:
    return actor.s


def _follow(actor: Actor, leader: Optional[Actor], lights: Lights, seconds: float) -> None:
    speed = actor.speed
    free = 1.0 - (speed / actor.wish) ** 4
    gap, closing = math.inf, 0.0
    if leader is not None:
        gap = leader.s - actor.s - (leader.length + actor.length) / 2
        closing = speed - leader.speed
    front = actor.s + actor.length / 2
    block = int((front + CROSSING_M) // PITCH_M)  # the block of the next stop line
    to_line = stop_line_s(block) - front
    # A vehicle stops at a red light only if it still can without braking hard.
    if to_line < gap and to_line > speed * speed / (2 * 3.5) and lights.status(block, seconds) != "green":
        gap, closing = to_line + _GAP - 0.5, speed
    wanted = _GAP + max(0.0, speed * _HEADWAY + speed * closing / (2 * math.sqrt(_ACCEL * _BRAKE)))
    accel = max(-6.0, _ACCEL * (free - (wanted / max(gap, 0.1)) ** 2))
    new_speed = max(0.0, speed + accel * FRAME_S)
    actor.accel = (new_speed - speed) / FRAME_S
    actor.s += (speed + new_speed) / 2 * FRAME_S
    actor.speed = new_speed
