"""The prefetch over time: memory, logs that change, other speedups, threads and forks."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from asking import just_changed, plain, settle
from asking_frames import (
    BOXES,
    EGO,
    LIGHTS,
    STATEMENTS,
    TIME,
    FrameAsking,
    make_frames_log,
)

from nutrace.errors import SettingsError
from nutrace.speedups.connection_pool import ConnectionPool
from nutrace.speedups.row_cache import RowCache
from nutrace.speedups.scenario_prefetch import Options, ScenarioPrefetch


def test_more_rows_than_there_is_memory_for(frames_log: str) -> None:
    asked = FrameAsking(frames_log, megabytes=0.02)
    asked.begin()
    assert asked.agree(BOXES, asked.frames[:5])
    assert asked.figure("hits", "refused", "bytes_held") == (0, 1, 0)


def test_memory_is_bounded(frames_log: str) -> None:
    whole = FrameAsking(frames_log)
    whole.begin()
    for statement in (TIME, BOXES):
        assert whole.agree(statement, whole.frames[:3])
    (size,) = whole.figure("bytes_held")
    asked = FrameAsking(frames_log, megabytes=(size - 1000) / 1e6)
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
    asked = FrameAsking(make_frames_log(tmp_path / "own.db", True))
    asked.begin()
    for number in range(6):
        assert asked.agree(EGO, asked.frames[:4])
        with sqlite3.connect(asked.log) as connection:
            connection.execute("UPDATE ego_pose SET x = x + 1")
        connection.close()
        with just_changed():
            assert asked.agree(EGO, asked.frames[:4])  # nothing is read, or kept
        settle(asked.log)
        assert asked.figure("reads") == (min(number + 1, 3),)
    assert asked.agree(EGO, asked.frames[:4])


def test_a_log_that_is_gone(tmp_path: Path) -> None:
    asked = FrameAsking(make_frames_log(tmp_path / "own.db", True))
    asked.begin()
    assert asked.agree(TIME, asked.frames[:4])
    os.unlink(asked.log)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        asked.rows(TIME, asked.frames[0])


def test_before_a_cache_and_a_pool(frames_log: str) -> None:
    """It answers first, then the cache, then the pool; what is read, the cache does not keep as well."""
    cache, pool = RowCache(), ConnectionPool()
    asked = FrameAsking(frames_log, cache.answer, pool.answer)
    asked.begin()
    for statement in STATEMENTS:
        for frame in [asked.frames[0], *asked.frames]:
            assert plain(asked.many(frames_log, statement, frame)) == asked.stock(statement, frame)
    assert asked.figure("hits", "misses") == (4 * (len(asked.frames) - 1), 8)
    stats = cache.stats()
    assert (stats["hits"], stats["misses"], stats["entries"]) == (4, 4, 4)
    assert (pool.stats()["checkouts"], pool.stats()["connections"]) == (4, 1)
    assert len(asked.opened.statements) == asked.figure("statements")[0]
    pool.close()


def test_threads_each_with_a_scenario(frames_log: str) -> None:
    asked = FrameAsking(frames_log, frames=20)
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
                asked.prefetch.begin(frames_log, frames)
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


def test_another_thread_of_the_same_simulation(asking: FrameAsking) -> None:
    assert asking.agree(TIME, asking.frames[:2])
    agreed: List[Any] = []
    thread = threading.Thread(target=lambda: agreed.append(asking.agree(TIME, asking.frames)))
    thread.start()
    thread.join()
    assert agreed == [True]
    assert asking.figure("hits") == (1 + len(asking.frames),)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_goes_on_with_what_was_read_and_counts_from_zero(frames_log: str) -> None:
    asked = FrameAsking(frames_log)
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


def test_a_fork_while_another_thread_reads(frames_log: str) -> None:
    """The thread that reads is not in the child: the child does not wait for it."""
    asked = FrameAsking(frames_log)
    asked.begin()
    asked.agree(TIME, asked.frames[:1])
    inside, forked = threading.Event(), threading.Event()

    connect = asked.opened.connect

    def slow(file: str, **options: Any) -> Any:
        inside.set()
        forked.wait(10)
        return connect(file, **options)

    def read() -> None:
        asked.opened.connect = slow  # type: ignore[method-assign]
        list(asked.many(frames_log, TIME, asked.frames[1]))

    thread = threading.Thread(target=read)
    thread.start()
    assert inside.wait(10)
    asked.opened.connect = connect  # type: ignore[method-assign]
    child = os.fork()
    if not child:
        good = asked.agree(TIME, asked.frames[2:5]) and asked.figure("hits", "misses") == (3, 0)
        os._exit(0 if good else 1)
    assert asked.agree(TIME, asked.frames[2:5])  # meanwhile the database answers
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert asked.figure("hits", "misses", "reads") == (1, 4, 1)


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
