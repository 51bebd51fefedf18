"""The log is valid and repeatable, and its traffic is plausible."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from nutrace.synthetic import LogSpec, schema, write_log
from nutrace.synthetic.layers import map_layers
from nutrace.synthetic.log import SCENARIO_TYPE, blocks_needed
from nutrace.synthetic.road import HEADING_RAD, Road

SPEC = LogSpec(seconds=27, agents=20, traffic_lights=23)


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("log") / "log.db")
    write_log(path, SPEC)
    return path


@pytest.fixture
def log(log_file: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(log_file)
    yield connection
    connection.close()


def rows(path: Path, spec: LogSpec) -> List[str]:
    write_log(str(path), spec)
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_database_is_sound(log: sqlite3.Connection) -> None:
    assert log.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert log.execute("PRAGMA foreign_key_check").fetchall() == []


def test_equal_seeds_give_equal_rows(tmp_path: Path) -> None:
    first = rows(tmp_path / "a.db", LogSpec(seconds=27, agents=5, traffic_lights=2, seed=7))
    assert rows(tmp_path / "b.db", LogSpec(seconds=27, agents=5, traffic_lights=2, seed=7)) == first
    assert rows(tmp_path / "c.db", LogSpec(seconds=27, agents=5, traffic_lights=2, seed=8)) != first


@pytest.mark.parametrize("table", schema.TABLES)
def test_tokens_are_eight_bytes_and_tables_are_filled(log: sqlite3.Connection, table: str) -> None:
    kinds = log.execute(f"SELECT DISTINCT typeof(token), length(token) FROM {table}").fetchall()
    assert kinds == [("blob", 8)]


def test_every_frame_has_the_wanted_objects_and_lights(log: sqlite3.Connection) -> None:
    for table, wanted in (("lidar_box", SPEC.agents), ("traffic_light_status", SPEC.traffic_lights)):
        counts = log.execute(
            f"SELECT DISTINCT (SELECT COUNT(*) FROM {table} WHERE lidar_pc_token = sweep.token)"
            " FROM lidar_pc AS sweep"
        ).fetchall()
        assert counts == [(wanted,)]
    assert log.execute("SELECT COUNT(*) FROM lidar_pc").fetchone() == (540,)  # 20 Hz


def test_scenario_window_holds_150_frames(log: sqlite3.Connection) -> None:
    """The devkit's window: 15 s from 3 s before the tag, every second sweep."""
    window = log.execute(
        """
        SELECT sweep.timestamp FROM lidar_pc AS sweep, scenario_tag AS tag JOIN lidar_pc AS anchor
            ON anchor.token = tag.lidar_pc_token
        WHERE tag.type = ? AND sweep.timestamp - anchor.timestamp BETWEEN -3000000 AND 12000000
        ORDER BY sweep.timestamp
        """,
        (SCENARIO_TYPE,),
    ).fetchall()[::2]
    assert len(window) == 150
    first, last = log.execute("SELECT MIN(timestamp), MAX(timestamp) FROM lidar_pc").fetchone()
    assert window[0][0] - first >= 2_000_000  # the history that a simulation reads
    assert last - window[-1][0] >= 8_000_000  # the future that metrics read


def test_one_scenario_is_tagged_in_a_scene_with_two_before_and_two_after(log: sqlite3.Connection) -> None:
    tagged = log.execute(
        """
        SELECT scene.name, scene.goal_ego_pose_token, tag.agent_track_token FROM scenario_tag AS tag
        JOIN lidar_pc AS sweep ON sweep.token = tag.lidar_pc_token
        JOIN scene ON scene.token = sweep.scene_token
        WHERE tag.type = ?
        """,
        (SCENARIO_TYPE,),
    ).fetchall()
    names = [name for (name,) in log.execute("SELECT name FROM scene ORDER BY name")]
    ((name, goal, agent),) = tagged
    assert 2 <= names.index(name) < len(names) - 2
    assert goal is not None
    assert agent is not None


@pytest.mark.parametrize(
    ("table", "group", "order"),
    [
        ("lidar_pc", "lidar_token", "timestamp"),
        ("image", "camera_token", "timestamp"),
        ("lidar_box", "track_token", "(SELECT timestamp FROM lidar_pc WHERE token = lidar_pc_token)"),
    ],
)
def test_neighbours_in_time_point_at_each_other(
    log: sqlite3.Connection, table: str, group: str, order: str
) -> None:
    chains: Dict[bytes, List[Tuple[Any, ...]]] = {}
    query = f"SELECT {group}, token, prev_token, next_token FROM {table} ORDER BY {order}"
    for key, *row in log.execute(query):
        chains.setdefault(key, []).append(tuple(row))
    for chain in chains.values():
        tokens = [None, *(token for token, _, _ in chain), None]
        assert chain == list(zip(tokens[1:], tokens, tokens[2:]))


def test_nobody_drives_through_anybody(log: sqlite3.Connection) -> None:
    for (sweep,) in log.execute("SELECT token FROM lidar_pc ORDER BY timestamp").fetchall()[::20]:
        lanes: Dict[int, List[Tuple[float, float]]] = {}
        for x, y, length in log.execute(
            """
            SELECT box.x, box.y, box.length FROM lidar_box AS box JOIN track ON track.token = box.track_token
            JOIN category ON category.token = track.category_token
            WHERE box.lidar_pc_token = ? AND category.name = 'vehicle'
            """,
            (sweep,),
        ):
            along = x * math.cos(HEADING_RAD) + y * math.sin(HEADING_RAD)
            across = y * math.cos(HEADING_RAD) - x * math.sin(HEADING_RAD)
            lanes.setdefault(round(across / 3.6), []).append((along, length))
        assert len(lanes) == 3
        for queue in lanes.values():
            queue.sort()
            for (behind, length), (ahead, other) in zip(queue, queue[1:]):
                assert ahead - behind > (length + other) / 2


def test_log_and_map_name_the_same_places(log: sqlite3.Connection) -> None:
    layers = map_layers(Road(blocks_needed(SPEC)))
    connectors = {feature["fid"] for feature in layers["lane_connectors"]}
    roadblocks = {group["fid"] for group in layers["lane_groups_polygons"]}
    roadblocks |= {connector["fid"] for connector in layers["lane_group_connectors"]}
    lights = log.execute("SELECT DISTINCT lane_connector_id FROM traffic_light_status").fetchall()
    assert {number for (number,) in lights} <= connectors
    for (route,) in log.execute("SELECT roadblock_ids FROM scene"):
        ids = [int(number) for number in route.split(" ")]
        assert len(ids) >= 2
        assert set(ids) <= roadblocks


@pytest.mark.parametrize(("indexes", "access"), [(True, "SEARCH"), (False, "SCAN")])
def test_indexes_can_be_left_out(tmp_path: Path, indexes: bool, access: str) -> None:
    path = str(tmp_path / "log.db")
    write_log(path, LogSpec(seconds=27, agents=2, traffic_lights=1, indexes=indexes))
    connection = sqlite3.connect(path)
    try:
        for table in ("lidar_box", "traffic_light_status"):
            query = f"SELECT * FROM {table} WHERE lidar_pc_token = x'00'"
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query}")
            assert plan.fetchone()[3].startswith(access)
    finally:
        connection.close()


def test_tracks_come_and_go_around_the_ego_vehicle(tmp_path: Path) -> None:
    path = str(tmp_path / "long.db")
    write_log(path, LogSpec(seconds=90, agents=20, traffic_lights=0))
    connection = sqlite3.connect(path)
    try:
        (tracks,) = connection.execute("SELECT COUNT(*) FROM track").fetchone()
        assert 20 < tracks < 200
        far = connection.execute(
            """
            SELECT MAX(ABS(box.x - pose.x)) FROM lidar_box AS box
            JOIN lidar_pc AS sweep ON sweep.token = box.lidar_pc_token
            JOIN ego_pose AS pose ON pose.token = sweep.ego_pose_token
            """
        ).fetchone()[0]
        assert far < 500
    finally:
        connection.close()
