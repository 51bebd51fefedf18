"""Queries for frames of a synthetic log, through a prefetch."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Sequence, Tuple

from asking import Asking, plain, settle, stock

from nutrace.speedups.scenario_prefetch import Options, ScenarioPrefetch, reader
from nutrace.synthetic import LogSpec, write_log

TIME = "SELECT timestamp FROM lidar_pc WHERE token = ?;"
EGO = """
    SELECT ep.x, ep.qw, lp.timestamp, -- of the frame
        ep.vx
    FROM ego_pose AS ep INNER JOIN lidar_pc AS lp ON lp.ego_pose_token = ep.token
    WHERE lp.token = ?
"""
LIGHTS = """
    SELECT CASE WHEN tl.status == "green" THEN 0 ELSE 1 END AS status, tl.lane_connector_id, lp.timestamp
    FROM lidar_pc AS lp INNER JOIN traffic_light_status AS tl ON lp.token = tl.lidar_pc_token
    WHERE lp.token = ?
"""
BOXES = """
    SELECT c.name, lb.x, lb.track_token, lb.token, lp.timestamp
    FROM lidar_box AS lb
    INNER JOIN track AS t ON t.token = lb.track_token
    INNER JOIN category AS c ON c.token = t.category_token
    INNER JOIN lidar_pc AS lp ON lp.token = lb.lidar_pc_token
    WHERE lp.token = ?
"""
STATEMENTS = (TIME, EGO, LIGHTS, BOXES)


def make_frames_log(file: Path, indexes: bool) -> str:
    """A synthetic log whose boxes and lights are not in the order of time."""
    made = str(file)
    write_log(made, LogSpec(seconds=27, agents=4, traffic_lights=5, indexes=indexes))
    connection = sqlite3.connect(made)
    for table in ("lidar_box", "traffic_light_status"):
        connection.execute(f"CREATE TEMP TABLE shuffled AS SELECT * FROM {table} ORDER BY SUBSTR(token, 5)")
        connection.execute(f"DELETE FROM {table}")
        connection.execute(f"INSERT INTO {table} SELECT * FROM shuffled")
        connection.execute("DROP TABLE shuffled")
    connection.commit()
    connection.close()
    settle(made)
    return made


def sweeps(log: str) -> List[bytes]:
    connection = sqlite3.connect(log)
    tokens = [row[0] for row in connection.execute("SELECT token FROM lidar_pc ORDER BY timestamp")]
    connection.close()
    return tokens


class FrameAsking(Asking):
    """Queries through a prefetch, whose own connections are counted like the program's."""

    def __init__(self, log: str, *after: Any, **options: Any) -> None:
        self.log = log
        self.prefetch = ScenarioPrefetch(Options(**options))
        super().__init__(self.prefetch.answer, *after)
        self.sweeps = sweeps(log)
        self.frames = self.sweeps[100:300:2]
        reader.sqlite3 = SimpleNamespace(  # type: ignore[attr-defined]
            connect=lambda file, **options: self.opened.connect(file, **options),
            Error=sqlite3.Error,
            OperationalError=sqlite3.OperationalError,
        )

    def begin(self) -> None:
        self.prefetch.begin(self.log, [frame.hex() for frame in self.frames])

    def rows(self, statement: str, frame: Any) -> List[Any]:
        return plain(self.many(self.log, statement, bytearray(frame)))

    def agree(self, statement: str, frames: Sequence[bytes]) -> bool:
        return all(self.rows(statement, frame) == self.stock(statement, frame) for frame in frames)

    def stock(self, statement: str, frame: bytes) -> List[Any]:
        return stock(self.log, statement, frame)

    def figure(self, *names: str) -> Tuple[int, ...]:
        stats = self.prefetch.stats()
        return tuple(stats[name] for name in names)
