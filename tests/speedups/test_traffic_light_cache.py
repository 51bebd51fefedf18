"""The cache as a class: what it keeps, what it does not, and whom it tells apart."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from asking import just_changed, make_numbers, settle

from nutrace.errors import SettingsError
from nutrace.speedups.traffic_light_cache import TrafficLightCache


@dataclass
class Light:
    status: str
    connector: int


class Query:
    """A query for lights that counts how often it runs, is drawn from, and is closed."""

    def __init__(self, count: int = 3, fails_after: int = -1) -> None:
        self.count = count
        self.fails_after = fails_after
        self.runs = self.drawn = self.closed = 0

    def __call__(self) -> Iterator[Light]:
        self.runs += 1
        try:
            for number in range(self.count):
                if number == self.fails_after:
                    raise OSError("the disk is gone")
                self.drawn += 1
                yield Light("red", number)
        finally:
            self.closed += 1


LIGHTS = [Light("red", 0), Light("red", 1), Light("red", 2)]


@pytest.fixture
def log(tmp_path: Path) -> str:
    file = tmp_path / "log.db"
    file.write_bytes(b"a log")
    settle(file)
    return str(file)


def test_a_frame_is_queried_once(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    assert [list(cache.statuses(log, "s", "p", query)) for _ in range(3)] == [LIGHTS] * 3
    assert query.runs == 1
    stats = cache.stats()
    assert (stats["hits"], stats["misses"], stats["evictions"], stats["entries"]) == (2, 1, 0, 1)
    assert stats["avoided_ns"] == 2 * stats["spent_ns"] > 0
    assert stats["bytes_held"] > 3 * 50


def test_bytes_held_are_those_of_the_entries(log: str) -> None:
    cache = TrafficLightCache(entries=4)

    def held() -> int:
        """Added up anew: how large a dictionary is depends on those that were made before it."""
        return sum(size for _, size in cache._entries._entries.values())

    for frame, count in (("a", 1), ("b", 2), ("c", 30), ("b", 40), ("d", 5)):
        cache.put(log, "s", frame, Query(count)())
    before = cache.stats()["bytes_held"]
    assert before == held() > (1 + 30 + 40 + 5) * 50
    cache.put(log, "s", "e", Query(6)())  # "a" makes room
    assert before < cache.stats()["bytes_held"] == held()
    cache.put(log, "s", "f", Query(7)())  # "c" does: "b" was put again
    assert before > cache.stats()["bytes_held"] == held() > (40 + 5 + 6 + 7) * 50
    cache.clear()
    assert cache.stats()["bytes_held"] == 0


def test_nothing_is_asked_before_the_first_light_is(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    cache.statuses(log, "s", "p", query)
    assert (query.runs, cache.stats()["misses"]) == (0, 0)


def test_lights_are_handed_on_as_they_come(log: str) -> None:
    query = Query()
    lights = TrafficLightCache().statuses(log, "s", "p", query)
    next(lights)
    assert query.drawn == 1


def test_a_frame_without_lights_is_kept_too(log: str) -> None:
    cache, query = TrafficLightCache(), Query(count=0)
    assert [list(cache.statuses(log, "s", "p", query)) for _ in range(2)] == [[], []]
    assert (query.runs, cache.size) == (1, 1)


def test_each_caller_has_a_list_and_lights_of_its_own(log: str) -> None:
    cache = TrafficLightCache()
    for light in cache.statuses(log, "s", "p", Query()):
        light.status = "green"  # the first caller changes what the query gave
    second = list(cache.statuses(log, "s", "p", Query()))
    assert second == LIGHTS
    second[0].status = "green"
    second.clear()
    assert cache.get(log, "s", "p") == LIGHTS
    assert cache.get(log, "s", "p") is not cache.get(log, "s", "p")


def test_put_keeps_copies(log: str) -> None:
    cache = TrafficLightCache()
    mine = [Light("red", 0)]
    cache.put(log, "s", "p", mine)
    mine[0].status = "green"
    assert cache.get(log, "s", "p") == [Light("red", 0)]


def test_scenarios_frames_and_logs_are_told_apart(log: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"a log")
    cache = TrafficLightCache()
    cache.put(log, "s", "p", [Light("red", 0)])
    assert cache.get(log, "s", "other") is None
    assert cache.get(log, "other", "p") is None
    assert cache.get(str(other), "s", "p") is None


def test_one_log_by_two_names(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = TrafficLightCache()
    cache.put(log, "s", "p", LIGHTS)
    monkeypatch.chdir(Path(log).parent)
    assert cache.get("log.db", "s", "p") == LIGHTS


def test_a_log_that_changes_is_queried_anew(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    list(cache.statuses(log, "s", "p", query))
    replacement = Path(log).with_name("new.db")
    replacement.write_bytes(b"a log")
    os.replace(replacement, log)
    settle(log)
    list(cache.statuses(log, "s", "p", query))
    assert query.runs == 2
    os.utime(log, ns=(0, 0))
    list(cache.statuses(log, "s", "p", query))
    assert query.runs == 3


def test_a_change_that_waits_in_a_write_ahead_log(log: str) -> None:
    os.unlink(log)
    writer = sqlite3.connect(make_numbers(Path(log)), isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    cache, query = TrafficLightCache(), Query()
    for runs in (1, 2):
        writer.execute("UPDATE numbers SET name = ?", (str(runs),))
        settle(log, log + "-wal")
        assert [list(cache.statuses(log, "s", "p", query)) for _ in range(2)] == [LIGHTS] * 2
        assert query.runs == runs
    writer.close()


def test_a_log_of_equal_size_and_date_that_was_copied_over(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    list(cache.statuses(log, "s", "p", query))
    dates = os.stat(log)
    shutil.copyfile(log, log + ".other")
    shutil.copyfile(log + ".other", log)
    os.utime(log, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    list(cache.statuses(log, "s", "p", query))
    assert query.runs == 2


def test_right_after_a_change_nothing_is_kept(log: str) -> None:
    """A second one within a tick of the file system's clock would not be seen."""
    cache, query = TrafficLightCache(), Query()
    os.utime(log)
    with just_changed():
        for _ in range(2):
            assert list(cache.statuses(log, "s", "p", query)) == LIGHTS
    assert (query.runs, cache.size) == (2, 0)


def test_a_log_that_changes_during_its_query_is_not_kept(log: str) -> None:
    cache = TrafficLightCache()
    lights = cache.statuses(log, "s", "p", Query())
    next(lights)
    os.utime(log, ns=(0, 0))
    assert len(list(lights)) == 2
    assert cache.size == 0


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    cache, query = TrafficLightCache(), Query()
    for _ in range(2):
        assert list(cache.statuses(str(tmp_path / "none.db"), "s", "p", query)) == LIGHTS
    assert (query.runs, cache.size) == (2, 0)


def test_the_one_not_asked_for_the_longest_goes_first(log: str) -> None:
    cache = TrafficLightCache(entries=2)
    for frame in ("1", "2"):
        cache.put(log, "s", frame, LIGHTS)
    cache.get(log, "s", "1")
    cache.put(log, "s", "3", LIGHTS)
    assert [cache.get(log, "s", frame) is None for frame in ("1", "2", "3")] == [False, True, False]
    assert (cache.size, cache.stats()["evictions"]) == (2, 1)


def test_clear(log: str) -> None:
    cache = TrafficLightCache()
    cache.put(log, "s", "p", LIGHTS)
    cache.clear()
    assert (cache.size, cache.get(log, "s", "p"), cache.stats()["bytes_held"]) == (0, None, 0)


@pytest.mark.parametrize("end", [lambda lights: lights.close(), lambda lights: None])
def test_half_a_frame_is_not_kept(log: str, end: Callable[[Any], None]) -> None:
    cache, query = TrafficLightCache(), Query()
    lights = cache.statuses(log, "s", "p", query)
    next(lights)
    end(lights)
    del lights
    assert (query.closed, cache.size) == (1, 0)
    assert list(cache.statuses(log, "s", "p", query)) == LIGHTS


def test_a_query_that_fails_is_not_kept(log: str) -> None:
    cache = TrafficLightCache()
    lights = cache.statuses(log, "s", "p", Query(fails_after=2))
    assert [next(lights), next(lights)] == LIGHTS[:2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(lights)
    assert list(cache.statuses(log, "s", "p", Query())) == LIGHTS
    assert cache.stats()["misses"] == 2


def test_interleaved_generators(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    first, second = (cache.statuses(log, "s", "p", query) for _ in range(2))
    third = cache.statuses(log, "s", "p", query)
    taken: List[List[Light]] = [[], []]
    for _ in range(3):
        taken[0].append(next(first))
        taken[1].append(next(second))
    assert list(first) == list(second) == []
    assert taken == [LIGHTS, LIGHTS]
    assert not any(one is other for one, other in zip(*taken))
    assert (list(third), query.runs) == (LIGHTS, 2)


def test_what_is_thrown_in_arrives(log: str) -> None:
    cache, query = TrafficLightCache(), Query()
    for _ in range(2):
        lights = cache.statuses(log, "s", "p", query)
        next(lights)
        with pytest.raises(KeyError):
            lights.throw(KeyError("mine"))
        list(cache.statuses(log, "s", "p", query))


@pytest.mark.parametrize("entries", [0, -1])
def test_a_bound_that_keeps_nothing_is_refused(entries: int) -> None:
    with pytest.raises(SettingsError, match=f"entries is {entries}, and must be at least 1"):
        TrafficLightCache(entries)


def test_eight_threads(log: str) -> None:
    """Every thread gets the lights of the frame it asked for, from a cache too small for all."""
    cache = TrafficLightCache(entries=20)
    wrong: List[Any] = []
    asked = [0] * 8
    end = time.monotonic() + 2

    def load(frame: int) -> Callable[[], Iterator[Light]]:
        return lambda: iter([Light("red", frame), Light("green", frame)])

    def ask(thread: int) -> None:
        number = thread
        while time.monotonic() < end or not asked[thread]:
            number = (number * 7 + 3) % 31
            lights = list(cache.statuses(log, "s", str(number), load(number)))
            asked[thread] += 1
            if lights != [Light("red", number), Light("green", number)]:
                wrong.append((number, lights))
            lights[0].connector = -1  # and nobody else sees it

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    stats = cache.stats()
    assert min(asked) > 0
    assert stats["hits"] + stats["misses"] == sum(asked)
    assert stats["hits"] > 0
    assert stats["evictions"] > 0
    assert cache.size == 20


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_goes_on_with_the_entries_and_counts_from_zero(log: str) -> None:
    cache = TrafficLightCache()
    cache.put(log, "s", "p", LIGHTS)
    cache.get(log, "s", "p")
    reader, writer = os.pipe()
    stop = threading.Event()

    def busy() -> None:  # holds the lock most of the time
        while not stop.is_set():
            cache.get(log, "s", "p")

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(20):
            child = os.fork()
            if not child:
                before = cache.stats()["hits"]
                kept = cache.get(log, "s", "p") == LIGHTS
                os.write(writer, b"%d%d%d" % (before, kept, cache.stats()["hits"]))
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            assert os.read(reader, 10) == b"011"
    finally:
        stop.set()
        thread.join()
        os.close(reader)
        os.close(writer)
    assert cache.stats()["hits"] > 1
