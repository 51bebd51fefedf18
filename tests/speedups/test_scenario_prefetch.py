"""The prefetch as a class: equal rows in equal order from few queries, and what it leaves alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from asking import plain, settle
from asking_frames import (
    BOXES,
    LIGHTS,
    STATEMENTS,
    TIME,
    FrameAsking,
)

from nutrace.demo.miniature import query_session
from nutrace.synthetic import LogSpec, write_log


def test_each_frames_rows_are_what_it_would_give_by_itself(asking: FrameAsking) -> None:
    frames = asking.frames
    for statement in STATEMENTS:
        assert asking.agree(statement, frames)
        # In another order, and again.
        assert asking.agree(statement, frames[::-7])
    times = len(frames) + len(frames[::-7])
    # The first frame is asked for by itself; the second makes them be read.
    assert asking.figure("hits", "misses", "refused") == (4 * (times - 1), 4, 0)
    assert asking.figure("reads", "entries", "evictions") == (4, 4, 0)
    misses, statements = asking.figure("misses", "statements")
    assert len(asking.opened.statements) == misses + statements <= 4 * 4 + 2
    # One for each miss and each read, and one that asks for the frames around the scenario.
    assert len(asking.opened.connections) == 4 * 2 + 1
    spent, avoided, held = asking.figure("spent_ns", "avoided_ns", "bytes_held")
    assert min(spent, avoided, held) > 0
    assert asking.figure("rows") == (len(frames + asking.sweeps[52:100:2]) * (1 + 1 + 5 + 4),)


def test_rows_are_each_callers_own(asking: FrameAsking) -> None:
    for frame in asking.frames[:2]:
        asking.rows(TIME, frame)
    first, second = (asking.one(asking.log, TIME, asking.frames[5]) for _ in range(2))
    assert first == second
    assert first is not second
    assert type(first) is sqlite3.Row
    assert asking.figure("hits") == (3,)


def test_frames_that_have_nothing(asking: FrameAsking, tmp_path: Path) -> None:
    empty = str(tmp_path / "empty.db")
    write_log(empty, LogSpec(seconds=27, agents=1, traffic_lights=0))
    settle(empty)
    bare = FrameAsking(empty)
    bare.begin()
    assert [bare.rows(LIGHTS, frame) for frame in bare.frames[:5]] == [[]] * 5
    assert bare.figure("hits", "rows") == (4, 0)


def test_the_history_and_the_future(asking: FrameAsking) -> None:
    """Frames around the scenario, as far apart as its own: those before are read with it."""
    before, after = asking.sweeps[52:100:2], asking.sweeps[300:490:2]
    assert asking.agree(BOXES, before + asking.frames)
    assert asking.figure("misses", "reads") == (1, 1)
    assert asking.agree(BOXES, after)
    assert asking.figure("misses", "reads") == (1, 2)


def test_other_frames_are_none_of_its_business(asking: FrameAsking) -> None:
    others = [
        *asking.sweeps[101:300:20],
        asking.sweeps[48],
        asking.sweeps[502],
        b"no frame",
    ]
    assert asking.agree(TIME, others)
    assert asking.figure("hits", "misses", "reads") == (0, 0, 0)


def test_a_frame_that_is_asked_for_again_and_again_is_no_reason(asking: FrameAsking) -> None:
    assert asking.agree(TIME, asking.frames[:1] * 5)
    assert asking.figure("hits", "misses", "reads") == (0, 5, 0)


def test_the_next_scenario_knows_what_is_asked_for(asking: FrameAsking) -> None:
    assert asking.agree(TIME, asking.frames[:5])
    asking.frames = asking.sweeps[200:400:2]
    asking.begin()
    assert asking.figure("entries", "bytes_held") == (0, 0)
    assert asking.agree(TIME, asking.frames)
    assert asking.figure("hits", "misses", "reads") == (4 + len(asking.frames), 1, 2)


def test_before_and_after_a_simulation_nothing_is_answered(asking: FrameAsking) -> None:
    asking.prefetch.end()
    assert asking.agree(TIME, asking.frames[:5])
    assert asking.figure("hits", "misses") == (0, 0)
    asking.begin()
    assert asking.agree(TIME, asking.frames[:5])
    assert asking.figure("hits", "misses") == (4, 1)
    asking.prefetch.clear()
    assert asking.agree(TIME, asking.frames[:5])
    assert asking.figure("hits", "misses", "bytes_held") == (4, 1, 0)


def test_long_scenarios_are_read_in_chunks(frames_log: str) -> None:
    asked = FrameAsking(frames_log, frames=30, before_s=0, after_s=0)
    asked.begin()
    assert asked.agree(LIGHTS, asked.frames)
    assert asked.figure("reads", "rows", "misses") == (4, len(asked.frames) * 5, 1)


def test_half_a_result_and_interleaved_ones(asking: FrameAsking) -> None:
    for frame in asking.frames[:2]:
        asking.rows(BOXES, frame)
    first, second = (asking.many(asking.log, BOXES, frame) for frame in asking.frames[5:7])
    pairs = [plain(pair) for pair in zip(first, second)]
    expected = zip(*(asking.stock(BOXES, frame) for frame in asking.frames[5:7]))
    assert pairs == [list(pair) for pair in expected]
    half = asking.many(asking.log, BOXES, asking.frames[8])
    next(half)
    half.close()
    assert asking.agree(BOXES, asking.frames[8:9])


def test_statements_that_are_left_alone(asking: FrameAsking) -> None:
    frame = asking.frames[0]
    for query in (
        "SELECT x FROM lidar_box WHERE lidar_pc_token = ? ORDER BY x",
        "SELECT MAX(x) AS x FROM lidar_box WHERE lidar_pc_token = ?",
        "SELECT timestamp, RANDOM() > 0 OR 1 FROM lidar_pc WHERE token = ?",
    ):
        assert asking.agree(query, asking.frames[:4])
    for parameters in ((frame, frame), {"a": frame}, (frame.hex(),), [frame.hex()]):
        query = "SELECT timestamp FROM lidar_pc WHERE token = ?" + " OR token = ?" * (len(parameters) - 1)
        if isinstance(parameters, dict):
            query = "SELECT timestamp FROM lidar_pc WHERE token = :a"
        rows = plain(asking.execute_many(query, parameters, asking.log))
        assert rows == plain(query_session.execute_many(query, parameters, asking.log))
    assert asking.figure("hits", "misses", "reads") == (0, 0, 0)


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


def test_a_query_that_fails_fails_each_time(asking: FrameAsking) -> None:
    for frame in asking.frames[:4]:
        with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
            asking.rows("SELECT a FROM missing WHERE token = ?", frame)
    # Its name of a column is known to WHERE only.
    assert asking.agree("SELECT timestamp AS at, token AS it FROM lidar_pc WHERE it = ?", asking.frames[:4])
    assert asking.figure("hits", "refused") == (0, 2)


def test_scenarios_that_are_odd(frames_log: str) -> None:
    asked = FrameAsking(frames_log)
    for frames in ([], asked.sweeps[100:101], [b"nothing", b"known"], asked.sweeps[100:104][::-1]):
        asked.frames = frames
        asked.begin()
        assert asked.agree(TIME, [*frames, *asked.sweeps[100:110]])
