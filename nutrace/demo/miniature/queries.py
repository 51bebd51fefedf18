"""Queries of the log, as the devkit has them: generators of rows, and nothing is cached."""

from __future__ import annotations

import math
import sqlite3
from typing import Iterator, List, Tuple

from nutrace.demo.miniature.query_session import execute_many, execute_one
from nutrace.demo.miniature.state import EgoState, TrackedObject, TrafficLight

_EGO = """
    SELECT sweep.timestamp, pose.x, pose.y, pose.qw, pose.qz, pose.vx, pose.acceleration_x
    FROM lidar_pc AS sweep JOIN ego_pose AS pose ON pose.token = sweep.ego_pose_token
"""


def get_sweep_tokens(log_file: str, first_us: int, step: int, count: int) -> Iterator[bytes]:
    """Yield every `step`-th sweep from a time on, at most `count` of them."""
    query = """
        WITH numbered AS (
            SELECT token, timestamp, ROW_NUMBER() OVER (ORDER BY timestamp) - 1 AS number
            FROM lidar_pc WHERE timestamp >= ?
        )
        SELECT token FROM numbered WHERE number % ? = 0 ORDER BY timestamp LIMIT ?
    """
    for row in execute_many(query, (first_us, step, count), log_file):
        yield row["token"]


def get_log_times(log_file: str) -> Tuple[int, int]:
    """Return the times of the first and the last sweep, in microseconds since 1970.

    Raises
    ------
    LookupError
        If the log has no sweeps.
    """
    row = execute_one("SELECT MIN(timestamp) AS first, MAX(timestamp) AS last FROM lidar_pc", (), log_file)
    if row is None or row["first"] is None:
        raise LookupError(f"{log_file} has no sweeps")
    return int(row["first"]), int(row["last"])


def get_sweep_timestamp(log_file: str, token: bytes) -> int:
    """Return the time of a sweep, in microseconds since 1970.

    Raises
    ------
    LookupError
        If the log has no such sweep.
    """
    row = execute_one("SELECT timestamp FROM lidar_pc WHERE token = ?", (token,), log_file)
    if row is None:
        raise LookupError(f"no sweep {token.hex()} in {log_file}")
    return int(row["timestamp"])


def get_ego_state(log_file: str, token: bytes) -> EgoState:
    """Return the ego vehicle's state at a sweep.

    Raises
    ------
    LookupError
        If the log has no such sweep.
    """
    row = execute_one(_EGO + " WHERE sweep.token = ?", (token,), log_file)
    if row is None:
        raise LookupError(f"no ego pose for sweep {token.hex()} in {log_file}")
    return _ego_state(row)


def get_ego_states(log_file: str, tokens: List[bytes]) -> Iterator[EgoState]:
    """Yield the ego vehicle's states at several sweeps, in the order of time."""
    marks = ", ".join("?" * len(tokens))
    query = f"{_EGO} WHERE sweep.token IN ({marks}) ORDER BY sweep.timestamp"
    for row in execute_many(query, tokens, log_file):
        yield _ego_state(row)


def get_traffic_light_status(log_file: str, token: bytes) -> Iterator[TrafficLight]:
    """Yield the traffic lights at a sweep."""
    query = """
        SELECT light.lane_connector_id, light.status, sweep.timestamp
        FROM lidar_pc AS sweep JOIN traffic_light_status AS light ON light.lidar_pc_token = sweep.token
        WHERE sweep.token = ?
    """
    for row in execute_many(query, (token,), log_file):
        yield TrafficLight(row["lane_connector_id"], row["status"], row["timestamp"])


def get_tracked_objects(log_file: str, token: bytes) -> Iterator[TrackedObject]:
    """Yield the tracked objects at a sweep."""
    query = """
        SELECT category.name, box.track_token, box.x, box.y, box.yaw, box.length, box.width, box.vx, box.vy
        FROM lidar_box AS box
        JOIN track ON track.token = box.track_token
        JOIN category ON category.token = track.category_token
        WHERE box.lidar_pc_token = ?
    """
    for row in execute_many(query, (token,), log_file):
        yield TrackedObject(
            row["track_token"].hex(),
            row["name"],
            row["x"],
            row["y"],
            row["yaw"],
            row["length"],
            row["width"],
            row["vx"],
            row["vy"],
        )


def get_roadblock_ids(log_file: str, token: bytes) -> List[int]:
    """Return the route of the scene to which a sweep belongs."""
    query = """
        SELECT scene.roadblock_ids FROM scene JOIN lidar_pc AS sweep ON sweep.scene_token = scene.token
        WHERE sweep.token = ?
    """
    row = execute_one(query, (token,), log_file)
    return [] if row is None else [int(number) for number in row["roadblock_ids"].split()]


def _ego_state(row: sqlite3.Row) -> EgoState:
    heading = 2 * math.atan2(row["qz"], row["qw"])
    return EgoState(row["timestamp"], row["x"], row["y"], heading, row["vx"], row["acceleration_x"])
