"""The road that log and maps share: straight, three lanes, a signalled crossing every 120 m.

Positions on it are ``(s, d)``: metres along the road, and metres to the left of its middle lane.
The map's identifiers are functions of the place, so that log and maps agree without a file
between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Tuple

LANES = 3
LANE_WIDTH_M = 3.6
PITCH_M = 120.0  # from one crossing to the next
CROSSING_M = 24.0  # length of a crossing along the road
LANE_M = PITCH_M - CROSSING_M
SPEED_LIMIT_MPS = 13.41  # 30 mph
HEADING_RAD = 0.31
EPSG = 32611  # UTM zone 11 north, in which Las Vegas lies
MAP_NAME = "us-nv-las-vegas-strip"
MAP_FILE = "nuplan-maps-v1.0"

_ORIGIN = (664_430.0, 3_998_900.0)
_COS, _SIN = math.cos(HEADING_RAD), math.sin(HEADING_RAD)

# Identifiers of one kind are consecutive; the distances leave room for 3,000 blocks.
_LANE, _CONNECTOR, _GROUP, _GROUP_CONNECTOR = 10_000, 20_000, 30_000, 40_000
_CROSSING, _STOP_LINE = 50_000, 60_000


@dataclass(frozen=True)
class Road:
    """A road of `blocks` blocks, each a lane group followed by a crossing."""

    blocks: int

    @property
    def length_m(self) -> float:
        """Metres from the first block's start to the last one's end."""
        return self.blocks * PITCH_M


def to_utm(s: float, d: float) -> Tuple[float, float]:
    """Easting and northing, in metres, of a place on the road."""
    return _ORIGIN[0] + s * _COS - d * _SIN, _ORIGIN[1] + s * _SIN + d * _COS


def lane_offset(lane: int) -> float:
    """The `d` of a lane's centre line, in metres; lanes are counted from left to right."""
    return ((LANES - 1) / 2 - lane) * LANE_WIDTH_M


def block_at(s: float) -> int:
    """The block in which a place lies."""
    return int(s // PITCH_M)


def stop_line_s(block: int) -> float:
    """Where a block's stop line is: the end of its lanes, the start of its crossing."""
    return block * PITCH_M + LANE_M


def lane_id(block: int, lane: int) -> int:
    """Identifier of a lane."""
    return _LANE + block * LANES + lane


def connector_id(block: int, lane: int) -> int:
    """Identifier of the lane connector which takes a lane across its block's crossing."""
    return _CONNECTOR + block * LANES + lane


def group_id(block: int) -> int:
    """Identifier of a block's lane group (a roadblock)."""
    return _GROUP + block


def group_connector_id(block: int) -> int:
    """Identifier of a block's lane group connector (a roadblock connector)."""
    return _GROUP_CONNECTOR + block


def crossing_id(block: int) -> int:
    """Identifier of a block's crossing."""
    return _CROSSING + block


def stop_line_id(block: int) -> int:
    """Identifier of a block's stop polygon."""
    return _STOP_LINE + block


def route(first_s: float, last_s: float) -> List[int]:
    """Roadblocks and roadblock connectors, alternating, driven through from one place to another."""
    ids = []
    for block in range(block_at(first_s), block_at(last_s) + 1):
        ids += [group_id(block), group_connector_id(block)]
    return ids
