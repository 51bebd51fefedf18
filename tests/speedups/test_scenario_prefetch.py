"""The prefetch as a class: equal rows in equal order from few queries, and what it leaves alone."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from asking import plain, settle
from asking_frames import (  # noqa: F401
    BOXES,
    LIGHTS,
    STATEMENTS,
    TIME,
    FrameAsking,
    make_frames_log,
    uncounted_again,
)

from nutrace.demo.miniature import query_session
from nutrace.synthetic import LogSpec, write_log


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Dict[bool, str]:
    """With and without indexes; no test changes them."""
    folder = tmp_path_factory.mktemp("logs")
    return {indexes: make_frames_log(folder / f"{indexes}.db", indexes) for indexes in (True, False)}


@pytest.fixture(params=[True, False], ids=["indexed", "unindexed"])
def log(request: Any, logs: Dict[bool, str]) -> str:
    return logs[request.param]


@pytest.fixture
def asked(log: str) -> Iterator[FrameAsking]:
    made = FrameAsking(log)
    made.begin()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


def test_each_frames_rows_are_what_it_would_give_by_itself(asked: FrameAsking) -> None:
    frames = asked.frames
    for statement in STATEMENTS:
        assert asked.agree(statement, frames)
        # In another order, and again.
        assert asked.agree(statement, frames[::-7])
    times = len(frames) + len(frames[::-7])
    # The first frame is asked for by itself; the second makes them be read.
    assert asked.figure("hits", "misses", "refused") == (4 * (times - 1), 4, 0)
    assert asked.figure("reads", "entries", "evictions") == (4, 4, 0)
    misses, statements = asked.figure("misses", "statements")
    assert len(asked.opened.statements) == misses + statements <= 4 * 4 + 2
    # One for each miss and each read, and one that asks for the frames around the scenario.
    assert len(asked.opened.connections) == 4 * 2 + 1
    spent, avoided, held = asked.figure("spent_ns", "avoided_ns", "bytes_held")
    assert min(spent, avoided, held) > 0
    assert asked.figure("rows") == (len(frames + asked.sweeps[52:100:2]) * (1 + 1 + 5 + 4),)


def test_rows_are_each_callers_own(asked: FrameAsking) -> None:
    for frame in asked.frames[:2]:
        asked.rows(TIME, frame)
    first, second = (asked.one(asked.log, TIME, asked.frames[5]) for _ in range(2))
    assert first == second
    assert first is not second
    assert type(first) is sqlite3.Row
    assert asked.figure("hits") == (3,)


def test_frames_that_have_nothing(asked: FrameAsking, tmp_path: Path) -> None:
    empty = str(tmp_path / "empty.db")
    write_log(empty, LogSpec(seconds=27, agents=1, traffic_lights=0))
    settle(empty)
    bare = FrameAsking(empty)
    bare.begin()
    assert [bare.rows(LIGHTS, frame) for frame in bare.frames[:5]] == [[]] * 5
    assert bare.figure("hits", "rows") == (4, 0)


def test_the_history_and_the_future(asked: FrameAsking) -> None:
    """Frames around the scenario, as far apart as its own: those before are read with it."""
    before, after = asked.sweeps[52:100:2], asked.sweeps[300:490:2]
    assert asked.agree(BOXES, before + asked.frames)
    assert asked.figure("misses", "reads") == (1, 1)
    assert asked.agree(BOXES, after)
    assert asked.figure("misses", "reads") == (1, 2)


def test_other_frames_are_none_of_its_business(asked: FrameAsking) -> None:
    others = [*asked.sweeps[101:300:20], asked.sweeps[48], asked.sweeps[502], b"no frame"]
    assert asked.agree(TIME, others)
    assert asked.figure("hits", "misses", "reads") == (0, 0, 0)


def test_a_frame_that_is_asked_for_again_and_again_is_no_reason(asked: FrameAsking) -> None:
    assert asked.agree(TIME, asked.frames[:1] * 5)
    assert asked.figure("hits", "misses", "reads") == (0, 5, 0)


def test_the_next_scenario_knows_what_is_asked_for(asked: FrameAsking) -> None:
    assert asked.agree(TIME, asked.frames[:5])
    asked.frames = asked.sweeps[200:400:2]
    asked.begin()
    assert asked.figure("entries", "bytes_held") == (0, 0)
    assert asked.agree(TIME, asked.frames)
    assert asked.figure("hits", "misses", "reads") == (4 + len(asked.frames), 1, 2)


def test_before_and_after_a_simulation_nothing_is_answered(asked: FrameAsking) -> None:
    asked.prefetch.end()
    assert asked.agree(TIME, asked.frames[:5])
    assert asked.figure("hits", "misses") == (0, 0)
    asked.begin()
    assert asked.agree(TIME, asked.frames[:5])
    assert asked.figure("hits", "misses") == (4, 1)
    asked.prefetch.clear()
    assert asked.agree(TIME, asked.frames[:5])
    assert asked.figure("hits", "misses", "bytes_held") == (4, 1, 0)


def test_long_scenarios_are_read_in_chunks(log: str) -> None:
    asked = FrameAsking(log, frames=30, before_s=0, after_s=0)
    asked.begin()
    assert asked.agree(LIGHTS, asked.frames)
    assert asked.figure("reads", "rows", "misses") == (4, len(asked.frames) * 5, 1)


def test_half_a_result_and_interleaved_ones(asked: FrameAsking) -> None:
    for frame in asked.frames[:2]:
        asked.rows(BOXES, frame)
    first, second = (asked.many(asked.log, BOXES, frame) for frame in asked.frames[5:7])
    pairs = [plain(pair) for pair in zip(first, second)]
    expected = zip(*(asked.stock(BOXES, frame) for frame in asked.frames[5:7]))
    assert pairs == [list(pair) for pair in expected]
    half = asked.many(asked.log, BOXES, asked.frames[8])
    next(half)
    half.close()
    assert asked.agree(BOXES, asked.frames[8:9])


def test_statements_that_are_left_alone(asked: FrameAsking) -> None:
    frame = asked.frames[0]
    for query in (
        "SELECT x FROM lidar_box WHERE lidar_pc_token = ? ORDER BY x",
        "SELECT MAX(x) AS x FROM lidar_box WHERE lidar_pc_token = ?",
        "SELECT timestamp, RANDOM() > 0 OR 1 FROM lidar_pc WHERE token = ?",
    ):
        assert asked.agree(query, asked.frames[:4])
    for parameters in ((frame, frame), {"a": frame}, (frame.hex(),), [frame.hex()]):
        query = "SELECT timestamp FROM lidar_pc WHERE token = ?" + " OR token = ?" * (len(parameters) - 1)
        if isinstance(parameters, dict):
            query = "SELECT timestamp FROM lidar_pc WHERE token = :a"
        rows = plain(asked.execute_many(query, parameters, asked.log))
        assert rows == plain(query_session.execute_many(query, parameters, asked.log))
    assert asked.figure("hits", "misses", "reads") == (0, 0, 0)


def test_an_order_that_plans_do_not_show_is_left_alone(tmp_path: Path) -> None:
    """Two tables without a key: SQLite joins them one way for one frame, another way for many."""
    file = str(tmp_path / "log.db")
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE lidar_pc (token BLOB, timestamp INTEGER)")
    connection.execute("CREATE TABLE boxes (frame BLOB, value INTEGER)")
    tokens = [b"%08d" % number for number in range(300)]
    connection.executemany(
        "INSERT INTO lidar_pc VALUES (?, ?)", [(each, int(each) * 50_000) for each in tokens]
    )
    connection.executemany(
        "INSERT INTO boxes VALUES (?, ?)", [(each, n % 7) for n in range(9) for each in tokens]
    )
    connection.commit()
    connection.close()
    settle(file)
    asked = FrameAsking(file)
    asked.begin()
    query = "SELECT b.value FROM lidar_pc AS f JOIN boxes AS b ON b.frame = f.token WHERE f.token = ?"
    assert asked.agree(query, asked.frames[:5])
    assert asked.figure("hits", "misses", "refused", "reads") == (0, 5, 1, 0)
    # The tables by themselves are scanned either way.
    assert asked.agree("SELECT value FROM boxes WHERE frame = ?", asked.frames[:5])
    assert asked.figure("hits", "reads") == (4, 1)


def test_a_query_that_fails_fails_each_time(asked: FrameAsking) -> None:
    for frame in asked.frames[:4]:
        with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
            asked.rows("SELECT a FROM missing WHERE token = ?", frame)
    # Its name of a column is known to WHERE only.
    assert asked.agree("SELECT timestamp AS at, token AS it FROM lidar_pc WHERE it = ?", asked.frames[:4])
    assert asked.figure("hits", "refused") == (0, 2)


def test_scenarios_that_are_odd(log: str) -> None:
    asked = FrameAsking(log)
    for frames in ([], asked.sweeps[100:101], [b"nothing", b"known"], asked.sweeps[100:104][::-1]):
        asked.frames = frames
        asked.begin()
        assert asked.agree(TIME, [*frames, *asked.sweeps[100:110]])
