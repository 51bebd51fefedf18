"""The prefetch as a class: equal rows in equal order from few queries, and what it leaves alone."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import pytest
from asking import Opened, execute_many, execute_one, plain, settle

from nutrace.components.pool import ConnectionPool
from nutrace.components.row_cache import RowCache
from nutrace.components.scenario_prefetch import Options, ScenarioPrefetch
from nutrace.errors import SettingsError
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


def make_log(file: Path, indexes: bool) -> str:
    """A synthetic one whose boxes and lights lie in no order of time."""
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


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Dict[bool, str]:
    """With and without indexes; no test changes them."""
    folder = tmp_path_factory.mktemp("logs")
    return {indexes: make_log(folder / f"{indexes}.db", indexes) for indexes in (True, False)}


@pytest.fixture(params=[True, False], ids=["indexed", "unindexed"])
def log(request: Any, logs: Dict[bool, str]) -> str:
    return logs[request.param]


def sweeps(log: str) -> List[bytes]:
    connection = sqlite3.connect(log)
    found = [row[0] for row in connection.execute("SELECT token FROM lidar_pc ORDER BY timestamp")]
    connection.close()
    return found


class Asked:
    """A prefetch, and queries by way of it."""

    def __init__(self, log: str, **options: Any) -> None:
        self.log = log
        self.prefetch = ScenarioPrefetch(Options(**options))
        self.opened = Opened()
        self.sweeps = sweeps(log)
        self.frames = self.sweeps[100:300:2]

    def connect(self, log: str) -> Any:
        return self.prefetch.connect(log, lambda: self.opened(log))

    def begin(self) -> None:
        self.prefetch.begin(self.log, [frame.hex() for frame in self.frames])

    def rows(self, statement: str, frame: Any) -> List[Any]:
        return plain(execute_many(self.connect, self.log, statement, (bytearray(frame),)))

    def agree(self, statement: str, frames: Sequence[bytes]) -> bool:
        return all(self.rows(statement, frame) == self.stock(statement, frame) for frame in frames)

    def stock(self, statement: str, frame: bytes) -> List[Any]:
        return plain(execute_many(sqlite3.connect, self.log, statement, (frame,)))

    def figure(self, *names: str) -> Tuple[int, ...]:
        stats = self.prefetch.stats()
        return tuple(stats[name] for name in names)


@pytest.fixture
def asked(log: str) -> Iterator[Asked]:
    made = Asked(log)
    made.begin()
    yield made
    gc.collect()
    assert made.opened.open == 0, "a connection leaked"


def test_each_frames_rows_are_what_it_would_give_by_itself(asked: Asked) -> None:
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
    assert len(asked.opened.connections) == 4 * 2
    spent, avoided, held = asked.figure("spent_ns", "avoided_ns", "bytes_held")
    assert min(spent, avoided, held) > 0
    assert asked.figure("rows") == (len(frames + asked.sweeps[52:100:2]) * (1 + 1 + 5 + 4),)


def test_rows_are_each_callers_own(asked: Asked) -> None:
    for frame in asked.frames[:2]:
        asked.rows(TIME, frame)
    first, second = (execute_one(asked.connect, asked.log, TIME, (asked.frames[5],)) for _ in range(2))
    assert first == second
    assert first is not second
    assert type(first) is sqlite3.Row
    assert asked.figure("hits") == (3,)


def test_frames_that_have_nothing(asked: Asked, tmp_path: Path) -> None:
    empty = str(tmp_path / "empty.db")
    write_log(empty, LogSpec(seconds=27, agents=1, traffic_lights=0))
    settle(empty)
    bare = Asked(empty)
    bare.begin()
    assert [bare.rows(LIGHTS, frame) for frame in bare.frames[:5]] == [[]] * 5
    assert bare.figure("hits", "rows") == (4, 0)


def test_the_history_and_the_future(asked: Asked) -> None:
    """Frames around the scenario, as far apart as its own: those before are read with it."""
    before, after = asked.sweeps[52:100:2], asked.sweeps[300:490:2]
    assert asked.agree(BOXES, before + asked.frames)
    assert asked.figure("misses", "reads") == (1, 1)
    assert asked.agree(BOXES, after)
    assert asked.figure("misses", "reads") == (1, 2)


def test_other_frames_are_none_of_its_business(asked: Asked) -> None:
    others = [*asked.sweeps[101:300:20], asked.sweeps[48], asked.sweeps[502], b"no frame"]
    assert asked.agree(TIME, others)
    assert asked.figure("hits", "misses", "reads") == (0, 0, 0)


def test_a_frame_that_is_asked_for_again_and_again_is_no_reason(asked: Asked) -> None:
    assert asked.agree(TIME, asked.frames[:1] * 5)
    assert asked.figure("hits", "misses", "reads") == (0, 5, 0)


def test_the_next_scenario_knows_what_is_asked_for(asked: Asked) -> None:
    assert asked.agree(TIME, asked.frames[:5])
    asked.frames = asked.sweeps[200:400:2]
    asked.begin()
    assert asked.figure("entries", "bytes_held") == (0, 0)
    assert asked.agree(TIME, asked.frames)
    assert asked.figure("hits", "misses", "reads") == (4 + len(asked.frames), 1, 2)


def test_before_and_after_a_simulation_nothing_is_answered(asked: Asked) -> None:
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
    asked = Asked(log, frames=30, before_s=0, after_s=0)
    asked.begin()
    assert asked.agree(LIGHTS, asked.frames)
    assert asked.figure("reads", "rows", "misses") == (4, len(asked.frames) * 5, 1)


def test_half_a_result_and_interleaved_ones(asked: Asked) -> None:
    for frame in asked.frames[:2]:
        asked.rows(BOXES, frame)
    first, second = (execute_many(asked.connect, asked.log, BOXES, (frame,)) for frame in asked.frames[5:7])
    pairs = [plain(pair) for pair in zip(first, second)]
    expected = zip(*(asked.stock(BOXES, frame) for frame in asked.frames[5:7]))
    assert pairs == [list(pair) for pair in expected]
    half = execute_many(asked.connect, asked.log, BOXES, (asked.frames[8],))
    next(half)
    half.close()
    assert asked.agree(BOXES, asked.frames[8:9])


def test_statements_that_are_left_alone(asked: Asked) -> None:
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
        found = plain(execute_many(asked.connect, asked.log, query, parameters))
        assert found == plain(execute_many(sqlite3.connect, asked.log, query, parameters))
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
    asked = Asked(file)
    asked.begin()
    query = "SELECT b.value FROM lidar_pc AS f JOIN boxes AS b ON b.frame = f.token WHERE f.token = ?"
    assert asked.agree(query, asked.frames[:5])
    assert asked.figure("hits", "misses", "refused", "reads") == (0, 5, 1, 0)
    # The tables by themselves are scanned either way.
    assert asked.agree("SELECT value FROM boxes WHERE frame = ?", asked.frames[:5])
    assert asked.figure("hits", "reads") == (4, 1)


def test_a_query_that_fails_fails_each_time(asked: Asked) -> None:
    for frame in asked.frames[:4]:
        with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
            asked.rows("SELECT a FROM missing WHERE token = ?", frame)
    # Its name of a column is known to WHERE only.
    assert asked.agree("SELECT timestamp AS at, token AS it FROM lidar_pc WHERE it = ?", asked.frames[:4])
    assert asked.figure("hits", "refused") == (0, 2)


def test_more_rows_than_there_is_memory_for(log: str) -> None:
    asked = Asked(log, megabytes=0.02)
    asked.begin()
    assert asked.agree(BOXES, asked.frames[:5])
    assert asked.figure("hits", "refused", "bytes_held") == (0, 1, 0)


def test_memory_is_bounded(log: str) -> None:
    whole = Asked(log)
    whole.begin()
    for statement in (TIME, BOXES):
        assert whole.agree(statement, whole.frames[:3])
    (size,) = whole.figure("bytes_held")
    asked = Asked(log, megabytes=(size - 1000) / 1e6)
    asked.begin()
    for _ in range(5):
        for statement in (TIME, BOXES):
            assert asked.agree(statement, asked.frames[:3])
    entries, evictions, held = asked.figure("entries", "evictions", "bytes_held")
    assert (entries, held <= size - 1000) == (1, True)
    # Reading many again and again for one would cost more than it saves.
    assert evictions == 5
    assert asked.figure("reads") == (6,)


def test_a_log_that_changes_is_asked_anew(tmp_path: Path) -> None:
    asked = Asked(make_log(tmp_path / "own.db", True))
    asked.begin()
    for number in range(6):
        assert asked.agree(EGO, asked.frames[:4])
        with sqlite3.connect(asked.log) as connection:
            connection.execute("UPDATE ego_pose SET x = x + 1")
        connection.close()
        assert asked.agree(EGO, asked.frames[:4])  # right after: nothing is read, or kept
        settle(asked.log)
        assert asked.figure("reads") == (min(number + 1, 3),)
    assert asked.agree(EGO, asked.frames[:4])


def test_a_log_that_is_gone(tmp_path: Path) -> None:
    asked = Asked(make_log(tmp_path / "own.db", True))
    asked.begin()
    assert asked.agree(TIME, asked.frames[:4])
    os.unlink(asked.log)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        asked.rows(TIME, asked.frames[0])


def test_scenarios_that_are_odd(log: str) -> None:
    asked = Asked(log)
    for frames in ([], asked.sweeps[100:101], [b"nothing", b"known"], asked.sweeps[100:104][::-1]):
        asked.frames = frames
        asked.begin()
        assert asked.agree(TIME, [*frames, *asked.sweeps[100:110]])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("frames", 1, "frames is 1, and must be at least 2"),
        ("megabytes", 0, "megabytes is 0, and must be above 0"),
        ("before_s", -1, "before_s is -1, and must be at least 0"),
        ("after_s", float("nan"), "after_s is nan"),
    ],
)
def test_options_that_cannot_be(option: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ScenarioPrefetch(Options(**{option: value}))


def test_before_a_cache_and_a_pool(log: str) -> None:
    """It answers first, then the cache, then the pool; what is read, the cache does not keep as well."""
    asked, cache, pool = Asked(log), RowCache(), ConnectionPool()
    asked.begin()

    def connect(file: str) -> Any:
        return asked.prefetch.connect(file, lambda: cache.connect(file, lambda: pool.connect(file)))

    for statement in STATEMENTS:
        for frame in [asked.frames[0], *asked.frames]:
            assert plain(execute_many(connect, log, statement, (frame,))) == asked.stock(statement, frame)
    assert asked.figure("hits", "misses") == (4 * (len(asked.frames) - 1), 8)
    stats = cache.stats()
    assert (stats["hits"], stats["misses"], stats["entries"]) == (4, 4, 4)
    assert (pool.stats()["checkouts"], pool.stats()["connections"]) == (8, 1)
    pool.close()


def test_threads_each_with_a_scenario(log: str) -> None:
    asked = Asked(log, frames=20)
    wrong: List[Any] = []
    expected = {
        (statement, frame): asked.stock(statement, frame)
        for statement in (EGO, LIGHTS)
        for frame in asked.sweeps[100:340]
    }
    end = time.monotonic() + 1

    def simulate(thread: int) -> None:
        try:
            while time.monotonic() < end:
                frames = asked.sweeps[100 + 10 * thread : 260 + 10 * thread : 2]
                asked.prefetch.begin(log, frames)
                for frame in frames:
                    for statement in (EGO, LIGHTS):
                        if asked.rows(statement, frame) != expected[statement, frame]:
                            wrong.append((statement, frame))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=simulate, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    hits, misses, statements = asked.figure("hits", "misses", "statements")
    assert len(asked.opened.statements) == misses + statements
    assert hits > 10 * misses
    gc.collect()
    assert asked.opened.open == 0


def test_another_thread_of_the_same_simulation(asked: Asked) -> None:
    assert asked.agree(TIME, asked.frames[:2])
    found: List[Any] = []
    thread = threading.Thread(target=lambda: found.append(asked.agree(TIME, asked.frames)))
    thread.start()
    thread.join()
    assert found == [True]
    assert asked.figure("hits") == (1 + len(asked.frames),)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_goes_on_with_what_was_read_and_counts_from_zero(log: str) -> None:
    asked = Asked(log)
    asked.begin()
    asked.agree(TIME, asked.frames[:2])
    stop = threading.Event()

    def busy() -> None:  # holds the lock most of the time, and is never inside SQLite
        while not stop.is_set():
            asked.prefetch.stats()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if not child:
                good = asked.figure("hits", "misses", "entries") == (0, 0, 1)
                good = good and len(asked.rows(TIME, asked.frames[7])) == 1
                good = good and asked.figure("hits", "statements") == (1, 0)
                good = good and asked.agree(EGO, asked.frames[:3]) and asked.figure("hits", "reads") == (3, 1)
                os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


def test_a_fork_while_another_thread_reads(log: str) -> None:
    """The thread that reads is not in the child: the child does not wait for it."""
    asked = Asked(log)
    asked.begin()
    asked.agree(TIME, asked.frames[:1])
    inside, forked = threading.Event(), threading.Event()

    def slow(file: str) -> Any:
        inside.set()
        forked.wait(10)
        return asked.opened(file)

    def read() -> None:
        connect = lambda file: asked.prefetch.connect(file, lambda: slow(file))  # noqa: E731
        list(execute_many(connect, log, TIME, (asked.frames[1],)))

    thread = threading.Thread(target=read)
    thread.start()
    assert inside.wait(10)
    child = os.fork()
    if not child:
        good = asked.agree(TIME, asked.frames[2:5]) and asked.figure("hits", "misses") == (3, 0)
        os._exit(0 if good else 1)
    assert asked.agree(TIME, asked.frames[2:5])  # meanwhile the database answers
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert asked.figure("hits", "misses", "reads") == (1, 4, 1)
