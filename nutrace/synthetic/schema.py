"""The tables of a nuPlan 1.1 log, after the devkit's schema document and its queries."""

from __future__ import annotations

from typing import Dict, Tuple

# (column, type). "-> table" is a foreign key, "-> table?" one that may be NULL.
TABLES: Dict[str, Tuple[Tuple[str, str], ...]] = {
    "category": (("name", "VARCHAR(64)"), ("description", "TEXT")),
    "log": (
        ("vehicle_name", "VARCHAR(64)"),
        ("date", "VARCHAR(64)"),
        ("timestamp", "INTEGER"),
        ("logfile", "VARCHAR(64)"),
        ("location", "VARCHAR(64)"),
        ("map_version", "VARCHAR(64)"),
    ),
    "camera": (
        ("log_token", "-> log"),
        ("channel", "VARCHAR(64)"),
        ("model", "VARCHAR(64)"),
        ("translation", "BLOB"),
        ("rotation", "BLOB"),
        ("intrinsic", "BLOB"),
        ("distortion", "BLOB"),
        ("width", "INTEGER"),
        ("height", "INTEGER"),
    ),
    "lidar": (
        ("log_token", "-> log"),
        ("channel", "VARCHAR(64)"),
        ("model", "VARCHAR(64)"),
        ("translation", "BLOB"),
        ("rotation", "BLOB"),
    ),
    "ego_pose": (
        ("timestamp", "INTEGER"),
        *((column, "FLOAT") for column in ("x", "y", "z", "qw", "qx", "qy", "qz", "vx", "vy", "vz")),
        *((f"acceleration_{axis}", "FLOAT") for axis in "xyz"),
        *((f"angular_rate_{axis}", "FLOAT") for axis in "xyz"),
        ("epsg", "INTEGER"),
        ("log_token", "-> log"),
    ),
    "scene": (
        ("log_token", "-> log"),
        ("name", "TEXT"),
        ("goal_ego_pose_token", "-> ego_pose?"),
        ("roadblock_ids", "TEXT"),
    ),
    "lidar_pc": (
        ("next_token", "-> lidar_pc?"),
        ("prev_token", "-> lidar_pc?"),
        ("ego_pose_token", "-> ego_pose"),
        ("lidar_token", "-> lidar"),
        ("scene_token", "-> scene"),
        ("filename", "VARCHAR(128)"),
        ("timestamp", "INTEGER"),
    ),
    "image": (
        ("next_token", "-> image?"),
        ("prev_token", "-> image?"),
        ("ego_pose_token", "-> ego_pose"),
        ("camera_token", "-> camera"),
        ("filename_jpg", "VARCHAR(128)"),
        ("timestamp", "INTEGER"),
    ),
    "track": (
        ("category_token", "-> category"),
        ("width", "FLOAT"),
        ("length", "FLOAT"),
        ("height", "FLOAT"),
    ),
    "lidar_box": (
        ("lidar_pc_token", "-> lidar_pc"),
        ("track_token", "-> track"),
        ("next_token", "-> lidar_box?"),
        ("prev_token", "-> lidar_box?"),
        *((column, "FLOAT") for column in ("x", "y", "z", "width", "length", "height")),
        *((column, "FLOAT") for column in ("vx", "vy", "vz", "yaw", "confidence")),
    ),
    "scenario_tag": (
        ("lidar_pc_token", "-> lidar_pc"),
        ("type", "TEXT"),
        ("agent_track_token", "-> track?"),
    ),
    "traffic_light_status": (
        ("lidar_pc_token", "-> lidar_pc"),
        ("lane_connector_id", "INTEGER"),
        ("status", "VARCHAR(8)"),
    ),
}

#: Without these two, a query for a frame's objects or lights reads the whole table.
FRAME_INDEXES = (("lidar_box", "lidar_pc_token"), ("traffic_light_status", "lidar_pc_token"))
OTHER_INDEXES = (("scenario_tag", "lidar_pc_token"),)


def create_table(table: str) -> str:
    """Return the statement that creates a table. The key of every table is an 8-byte ``token``."""
    lines = ["token BLOB NOT NULL PRIMARY KEY"]
    for column, kind in TABLES[table]:
        if kind.startswith("-> "):
            target = kind[3:].rstrip("?")
            null = "" if kind.endswith("?") else " NOT NULL"
            lines.append(f"{column} BLOB{null} REFERENCES {target}(token)")
        else:
            lines.append(f"{column} {kind}")
    return f"CREATE TABLE {table} ({', '.join(lines)})"


def create_index(table: str, column: str) -> str:
    """Return the statement that creates an index on one column."""
    return f"CREATE INDEX ix_{table}_{column} ON {table} ({column})"


def insert(table: str) -> str:
    """Return the statement that inserts a row: the token, then the columns in the table's order."""
    return f"INSERT INTO {table} VALUES ({', '.join('?' * (len(TABLES[table]) + 1))})"
