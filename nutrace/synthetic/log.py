"""Write a log: a SQLite file in the nuPlan 1.1 schema with traffic on the synthetic road."""

from __future__ import annotations

import math
import pickle
import random
import sqlite3
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from nutrace.synthetic import road, schema
from nutrace.synthetic.spec import LogSpec
from nutrace.synthetic.tokens import tokens
from nutrace.synthetic.traffic import FRAME_S, SIZES, Actor, Traffic

#: Called with the number of frames written so far, and the number of all frames.
Progress = Callable[[int, int], None]

START_US = 1_633_089_600_000_000  # 2021-10-01 12:00:00 UTC
# As in recorded logs the period is not exactly 50 ms. With this one a window of 15 s has 299 sweeps; the
# devkit takes every second one, which makes 150 frames and 149 steps.
PERIOD_US = 50_010
SCENARIO_TYPE = "following_lane_with_lead"  # the devkit's filter one_of_each_scenario_type selects it
_LEAD_S, _HISTORY_S = 3.0, 2.2  # a scenario begins 3 s before its tag and reads 2 s before that
_REAR_AXLE_M = 1.461  # from the ego vehicle's centre back to its rear axle
_GOAL_S = 25.0
_BATCH = 20_000
_CAMERAS = ("CAM_F0", "CAM_L0", "CAM_R0", "CAM_L1", "CAM_R1", "CAM_L2", "CAM_R2", "CAM_B0")
_BOX = 3  # position of next_token in a lidar_box row

Row = Sequence[Any]


def log_name(spec: LogSpec) -> str:
    """Return the log's name, which is the name of its file without ``.db``."""
    return f"2021.10.01.12.00.00_synthetic_{0:05d}_{math.ceil(spec.seconds):05d}"


def blocks_needed(spec: LogSpec) -> int:
    """Return the number of road blocks that the traffic and the lights of a log can reach."""
    window = Traffic.around(spec.agents, random.Random(spec.seed)).window_m
    reach = 2 * window + spec.seconds * 14.0 + 800.0
    return math.ceil(reach / road.PITCH_M) + math.ceil(spec.traffic_lights / road.LANES)


def write_log(path: str, spec: LogSpec, progress: Optional[Progress] = None) -> None:
    """Write the log to a file that does not exist yet.

    Raises
    ------
    sqlite3.Error
        If the file cannot be written. The caller has to remove the incomplete file.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("BEGIN")
        for table in schema.TABLES:
            connection.execute(schema.create_table(table))
        _Writer(connection, spec).write(progress)
        for table, column in (*schema.OTHER_INDEXES, *(schema.FRAME_INDEXES if spec.indexes else ())):
            connection.execute(schema.create_index(table, column))
        connection.execute("COMMIT")
    finally:
        connection.close()


class _Writer:
    def __init__(self, connection: sqlite3.Connection, spec: LogSpec) -> None:
        self.connection = connection
        self.spec = spec
        self.rng = random.Random(spec.seed)
        self.tokens: Iterator[bytes] = tokens(random.Random(spec.seed + 1))
        self.pending: Dict[str, List[Row]] = {table: [] for table in schema.TABLES}
        self.frames = int(spec.seconds / FRAME_S)
        self.sweep_tokens = [next(self.tokens) for _ in range(self.frames)]
        self.pose_tokens = [next(self.tokens) for _ in range(self.frames)]
        self.times = [START_US + n * PERIOD_US + self.rng.randint(-4, 4) for n in range(self.frames)]
        # At least ten scenes: the devkit uses one only if two scenes come before it and two after it.
        self.scene_count = max(10, math.ceil(spec.seconds / 20.0))
        self.scene_tokens = [next(self.tokens) for _ in range(self.scene_count)]
        self.categories = {name: next(self.tokens) for name in SIZES}
        self.images: Dict[str, bytes] = {}
        self.open_boxes: Dict[bytes, List[Any]] = {}

    def add(self, table: str, row: Row) -> None:
        rows = self.pending[table]
        rows.append(row)
        if len(rows) >= _BATCH:
            self.flush(table)

    def flush(self, table: str) -> None:
        self.connection.executemany(schema.insert(table), self.pending[table])
        self.pending[table].clear()

    def write(self, progress: Optional[Progress]) -> None:
        self.write_setup()
        traffic = Traffic.around(self.spec.agents, self.rng)
        for actor in traffic.actors:
            self.add_track(actor)
        travelled: List[float] = []
        tagged = False
        for frame in range(self.frames):
            seconds = frame * FRAME_S
            if frame:
                for position in traffic.step(seconds):
                    self.add_track(traffic.actors[position])
            travelled.append(traffic.ego.s)
            self.write_pose(frame, traffic.ego)
            self.write_sweep(frame)
            self.write_boxes(frame, traffic.actors)
            self.write_lights(frame, traffic)
            tagged = self.write_tags(frame, traffic, tagged)
            if progress is not None and frame % 200 == 0:
                progress(frame, self.frames)
        for box in self.open_boxes.values():
            self.add("lidar_box", box)
        self.write_scenes(travelled)
        for table in schema.TABLES:
            self.flush(table)
        if progress is not None:
            progress(self.frames, self.frames)

    def write_setup(self) -> None:
        self.log_token = next(self.tokens)
        name = log_name(self.spec)
        self.add(
            "log", (self.log_token, "synthetic", "2021-10-01", START_US, name, "las_vegas", road.MAP_NAME)
        )
        for category, token in self.categories.items():
            self.add("category", (token, category, f"Synthetic {category.replace('_', ' ')}"))
        self.lidar_token = next(self.tokens)
        mount = _pickled([1.2, 0.0, 1.85]), _pickled([1.0, 0.0, 0.0, 0.0])
        self.add("lidar", (self.lidar_token, self.log_token, "MergedPointCloud", "synthetic", *mount))
        self.cameras: List[Tuple[bytes, str]] = []
        for number, channel in enumerate(_CAMERAS):
            token, half = next(self.tokens), math.pi / 8 * number
            self.cameras.append((token, channel))
            self.add("camera", (
                token, self.log_token, channel, "synthetic",
                _pickled([1.6, 0.0, 1.5]), _pickled([math.cos(half), 0.0, 0.0, math.sin(half)]),
                _pickled([[1545.0, 0.0, 960.0], [0.0, 1545.0, 560.0], [0.0, 0.0, 1.0]]),
                _pickled([-0.356, 0.172, -0.002, 0.0005, -0.053]), 1920, 1080,
            ))  # fmt: skip

    def add_track(self, actor: Actor) -> None:
        actor.token = next(self.tokens)
        row = (actor.token, self.categories[actor.category], actor.width, actor.length, actor.height)
        self.add("track", row)

    def write_pose(self, frame: int, ego: Actor) -> None:
        seconds = frame * FRAME_S
        sway = 0.08 * math.sin(seconds / 3.0)
        drift = 0.08 / 3.0 * math.cos(seconds / 3.0)
        turn = drift / ego.speed if ego.speed > 1.0 else 0.0
        yaw = road.HEADING_RAD + turn
        x, y = road.to_utm(ego.s - _REAR_AXLE_M, sway)
        self.add("ego_pose", (
            self.pose_tokens[frame], self.times[frame] - 2_000 - frame % 7 * 500, x, y, 606.5,
            math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2), ego.speed, 0.0, 0.0,
            ego.accel, 0.0, 0.0, 0.0, 0.0, 0.0, road.EPSG, self.log_token,
        ))  # fmt: skip

    def write_sweep(self, frame: int) -> None:
        token = self.sweep_tokens[frame]
        before = self.sweep_tokens[frame - 1] if frame else None
        after = self.sweep_tokens[frame + 1] if frame + 1 < self.frames else None
        name = log_name(self.spec)
        self.add("lidar_pc", (
            token, after, before, self.pose_tokens[frame], self.lidar_token,
            self.scene_tokens[self.scene_at(frame)], f"{name}/MergedPointCloud/{token.hex()}.pcd",
            self.times[frame],
        ))  # fmt: skip
        if frame % 2:
            return
        last = frame + 2 >= self.frames
        for number, (camera, channel) in enumerate(self.cameras):
            this = self.images.get(channel) or next(self.tokens)
            following = None if last else next(self.tokens)
            previous = self.images.get(channel + "<")
            self.add("image", (
                this, following, previous, self.pose_tokens[frame], camera,
                f"{name}/{channel}/{this.hex()}.jpg", self.times[frame] + number * 1_000,
            ))  # fmt: skip
            self.images[channel + "<"] = this
            if following is not None:
                self.images[channel] = following

    def write_boxes(self, frame: int, actors: Sequence[Actor]) -> None:
        gauss, sweep, cos, sin = self.rng.gauss, self.sweep_tokens[frame], math.cos, math.sin
        open_boxes, following = self.open_boxes, {}
        for actor in actors:
            x, y = road.to_utm(actor.s, actor.d + gauss(0.0, 0.02))
            yaw = road.HEADING_RAD + (math.pi if actor.against else 0.0) + gauss(0.0, 0.004)
            token, track = next(self.tokens), actor.token
            before = open_boxes.pop(track, None)
            previous = None
            if before is not None:
                before[_BOX] = token
                previous = before[0]
                self.add("lidar_box", before)
            following[track] = [
                token, sweep, track, None, previous, x, y, 606.5 + actor.height / 2,
                actor.width, actor.length, actor.height,
                actor.speed * cos(yaw), actor.speed * sin(yaw), 0.0, yaw, 0.98,
            ]  # fmt: skip
        for box in open_boxes.values():  # their tracks have ended
            self.add("lidar_box", box)
        self.open_boxes = following

    def write_lights(self, frame: int, traffic: Traffic) -> None:
        """Add the lights nearest to the ego vehicle, beginning with the crossing behind it."""
        first = max(0, road.block_at(traffic.ego.s) - 1)
        sweep, seconds = self.sweep_tokens[frame], frame * FRAME_S
        for number in range(self.spec.traffic_lights):
            block, lane = first + number // road.LANES, number % road.LANES
            status = traffic.lights.status(block, seconds)
            connector = road.connector_id(block, lane)
            self.add("traffic_light_status", (next(self.tokens), sweep, connector, status))

    def write_tags(self, frame: int, traffic: Traffic, tagged: bool) -> bool:
        """Tag the first frame that can anchor a scenario; every two seconds add tags of other types."""
        scene = self.scene_at(frame)
        starts = scene != self.scene_at(frame - 1) if frame else True
        sweep = self.sweep_tokens[frame]
        if not tagged and starts and scene >= 2 and frame * FRAME_S >= _LEAD_S + _HISTORY_S:
            self.add("scenario_tag", (next(self.tokens), sweep, SCENARIO_TYPE, traffic.actors[0].token))
            tagged = True
        if frame % 40 == 0:
            ego = traffic.ego
            pace = "low" if ego.speed < 5.0 else "medium" if ego.speed < 11.0 else "high"
            self.add("scenario_tag", (next(self.tokens), sweep, f"{pace}_magnitude_speed", None))
            if ego.s % road.PITCH_M > road.LANE_M:
                self.add("scenario_tag", (next(self.tokens), sweep, "on_traffic_light_intersection", None))
        return tagged

    def scene_at(self, frame: int) -> int:
        return frame * self.scene_count // self.frames

    def write_scenes(self, travelled: Sequence[float]) -> None:
        per_scene = self.frames / self.scene_count
        for scene, token in enumerate(self.scene_tokens):
            begin, end = int(scene * per_scene), int((scene + 1) * per_scene)
            goal = min(self.frames - 1, end + int(_GOAL_S / FRAME_S))
            # The route begins where a scenario begins that is tagged at the scene's start. It ends
            # beyond the goal, so that no planner stops at the end of the route.
            first = travelled[max(0, begin - int(_LEAD_S / FRAME_S))]
            route = road.route(first, travelled[goal] + 2 * road.PITCH_M)
            goal_token = self.pose_tokens[goal] if end < self.frames else None
            roadblocks = " ".join(map(str, route))
            self.add("scene", (token, self.log_token, f"scene-{scene:04d}", goal_token, roadblocks))


def _pickled(value: Any) -> bytes:
    return pickle.dumps(value, protocol=4)
