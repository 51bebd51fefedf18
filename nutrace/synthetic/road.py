"""The road in log and maps: straight, with three lanes and a signalled crossing every 120 m.

Positions are ``(s, d)``: metres along the road, and metres to the left of its middle lane. The identifiers of
map objects are computed from their positions, so that the log can name them without reading the maps.
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

# Identifiers of one kind are consecutive. Three lanes of 3,000 blocks fit between two first identifiers.
_LANE, _CONNECTOR, _GROUP, _GROUP_CONNECTOR = 10_000, 20_000, 30_000, 40_000
_CROSSING, _STOP_LINE = 50_000, 60_000


@dataclass(frozen=True)
class Road:
    """A road of `blocks` blocks, each a lane group followed by a crossing."""

    blocks: int


def to_utm(s: float, d: float) -> Tuple[float, float]:
    """Return easting and northing, in metres, of a position on the road."""
    return _ORIGIN[0] + s * _COS - d * _SIN, _ORIGIN[1] + s * _SIN + d * _COS


def lane_offset(lane: int) -> float:
    """Return the `d` of a lane's centre line, in metres; lanes are counted from left to right."""
    return ((LANES - 1) / 2 - lane) * LANE_WIDTH_M


def block_at(s: float) -> int:
    """Return the block in which a position lies."""
    return int(s // PITCH_M)


def stop_line_s(block: int) -> float:
    """Return the `s` of a block's stop line, where its lanes end and its crossing begins, in metres."""
    return block * PITCH_M + LANE_M


def lane_id(block: int, lane: int) -> int:
    """Return the identifier of a lane."""
    return _LANE + block * LANES + lane


def connector_id(block: int, lane: int) -> int:
    """Return the identifier of the lane connector that continues a lane across its block's crossing."""
    return _CONNECTOR + block * LANES + lane


def group_id(block: int) -> int:
    """Return the identifier of a block's lane group (a roadblock)."""
    return _GROUP + block


def group_connector_id(block: int) -> int:
    """Return the identifier of a block's lane group connector (a roadblock connector)."""
    return _GROUP_CONNECTOR + block


def crossing_id(block: int) -> int:
    """Return the identifier of a block's crossing."""
    return _CROSSING + block


def stop_line_id(block: int) -> int:
    """Return the identifier of a block's stop polygon."""
    return _STOP_LINE + block


def route(first_s: float, last_s: float) -> List[int]:
    """Return the roadblocks and connectors, alternating, between two positions in metres."""
    ids = []
    for block in range(block_at(first_s), block_at(last_s) + 1):
        ids += [group_id(block), group_connector_id(block)]
    return ids
