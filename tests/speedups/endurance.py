"""Eight threads over speedups: ``endurance.py SECONDS SPEEDUPS``; prints what it saw.

A program of its own, run by ``test_endurance.py``. The log is replaced all the time, each time by one
whose rows bear a higher number: a query must give the rows of one log, whole and in order, and of one
that stood there when it began. Children are forked in the middle of queries, and killed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from typing import Any, Callable, Dict, Generator, List, Tuple

import pytest

from nutrace.demo.miniature.query_session import execute_many, execute_one
from nutrace.demo.miniature.scenario import ScenarioBuilder
from nutrace.speedups import active, chosen
from nutrace.synthetic import LogSpec, write_log

THREADS = 8
FRAMES = 12
MARK = 1_000_000  # of a log's number, in its rows
LIGHTS = "SELECT lane_connector_id, status FROM traffic_light_status WHERE lidar_pc_token = ?"
PATIENCE_S = 20.0
LEAST_CHILDREN = 6  # however slow the machine is
TURNSTILE = threading.Lock()

Row = Tuple[int, str]


class Log:
    """The log that is replaced, and which of them may be read at a moment."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = 0  # this one stands there, or a later one
        self.begun = 0  # no later one than this does
        options = {"type": "following_lane_with_lead", "offset_s": -3.0, "subsample": 2, "frames": FRAMES}
        self.scenario = ScenarioBuilder(name).get_scenarios(options)[0]
        self.tokens: List[bytes] = list(self.scenario._tokens)
        connection = sqlite3.connect(name)
        self.rows: List[List[Row]] = [connection.execute(LIGHTS, (each,)).fetchall() for each in self.tokens]
        connection.close()
        assert min(map(len, self.rows)) > 3

    def replace(self) -> None:
        """Put the next one in its place."""
        made = f"{self.name}.next"
        shutil.copyfile(self.name, made)
        connection = sqlite3.connect(made)
        connection.execute(
            f"UPDATE traffic_light_status SET lane_connector_id = lane_connector_id % {MARK} + ?",
            ((self.begun + 1) * MARK,),
        )
        connection.commit()
        connection.close()
        self.begun += 1
        os.replace(made, self.name)
        self.done += 1


class Reading:
    """A generator of a frame's rows, and what its rows may be."""

    def __init__(self, log: Log, frame: int, cached: bool) -> None:
        self.log = log
        self.frame = frame
        self.rows: List[Row] = []
        self.allowed = range(0)
        self.source: Generator[Any, None, None]
        if cached:
            made: Any = log.scenario.get_traffic_light_status_at_iteration(frame)
            self.source = made
            self.row: Callable[[Any], Row] = lambda each: (each.connector, each.status)
        else:
            many: Any = execute_many(LIGHTS, (log.tokens[frame],), log.name)
            self.source = many
            self.row = lambda each: (each["lane_connector_id"], each["status"])

    def step(self) -> bool:
        """Ask for one more row; false if there is none."""
        first = not self.rows
        since = self.log.done
        item = next(self.source, None)
        if first:
            self.allowed = range(since, self.log.begun + 1)
        if item is None:
            return False
        self.rows.append(self.row(item))
        return True

    def finish(self) -> None:
        """All the rest; and look at them."""
        while self.step():
            pass
        self.check(whole=True)

    def check(self, whole: bool) -> None:
        """Rows of one log, of one that stood there, in order; all of them if `whole`."""
        expected = self.log.rows[self.frame]
        numbers = {identifier // MARK for identifier, _ in self.rows}
        seen = [(identifier % MARK, status) for identifier, status in self.rows]
        of_one = len(numbers) <= 1 and all(number in self.allowed for number in numbers)
        if not of_one or seen != expected[: len(seen)] or (whole and len(seen) != len(expected)):
            raise AssertionError(f"{numbers} of {self.allowed}, {len(seen)} rows of {len(expected)}")


class Asker(threading.Thread):
    """Asks in every way that a program may, and holds one generator while it does."""

    def __init__(self, number: int, log: Log, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.random = random.Random(number)
        self.log = log
        self.over = over
        self.gate = threading.Lock()  # held while inside SQLite: no fork then
        self.kept: List[Reading] = []
        self.counts: Counter[str] = Counter()
        self.wrong: List[str] = []

    def run(self) -> None:
        ways = (self.whole, self.half, self.abandoned, self.interleaved, self.thrown, self.failing, self.one)
        try:
            while not self.over.is_set():
                way = self.random.choice((*ways, self.keep))
                with TURNSTILE:  # who forks goes first
                    pass
                with self.gate:
                    way()
                self.counts[way.__name__] += 1
            with self.gate:
                while self.kept:
                    self.kept.pop().finish()
        except BaseException as error:
            self.wrong.append(f"{way.__name__}: {type(error).__name__}: {error}")

    def reading(self) -> Reading:
        return Reading(self.log, self.random.randrange(FRAMES), self.random.random() < 0.5)

    def some(self, reading: Reading) -> Reading:
        for _ in range(self.random.randrange(1, 4)):
            reading.step()
        reading.check(whole=False)
        return reading

    def whole(self) -> None:
        self.reading().finish()

    def half(self) -> None:
        reading = self.some(self.reading())
        reading.source.close()

    def abandoned(self) -> None:
        self.some(self.reading())

    def interleaved(self) -> None:
        first, second = self.some(self.reading()), self.reading()
        while second.step():
            first.step()
        second.check(whole=True)
        first.finish()

    def thrown(self) -> None:
        reading = self.some(self.reading())
        error = ZeroDivisionError("ours")
        with pytest.raises(ZeroDivisionError) as raised:
            reading.source.throw(error)
        assert raised.value is error

    def failing(self) -> None:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            list(execute_many("SELECT * FROM missing", (), self.log.name))

    def one(self) -> None:
        since = self.log.done
        row = execute_one(f"{LIGHTS} LIMIT 1", (self.log.tokens[0],), self.log.name)
        assert row is not None
        assert since <= row["lane_connector_id"] // MARK <= self.log.begun

    def keep(self) -> None:
        if self.kept:
            self.kept.pop().finish()
        self.kept.append(self.some(self.reading()))


def fork(askers: List[Asker], log: Log, counts: Counter[str]) -> None:
    """A child that queries: killed in the middle of it, or going on to its end."""
    reader, writer = os.pipe()
    ends_well = counts["children"] % 2 == 0
    with TURNSTILE:
        for each in askers:
            each.gate.acquire()
    child = os.fork()
    if not child:
        in_child(askers, log, writer, ends_well)
    for each in askers:
        each.gate.release()
    os.close(writer)
    try:
        counts["children"] += 1
        came, _, _ = select.select([reader], [], [], PATIENCE_S)
        assert came, "a child hangs"
        assert os.read(reader, 1) == b"x", "a child failed"
        if not ends_well:
            os.kill(child, signal.SIGKILL)
            counts["killed"] += 1
    finally:
        os.close(reader)
        status = os.waitpid(child, 0)[1]
    assert status == (0 if ends_well else signal.SIGKILL), f"a child ended with {status}"


def in_child(askers: List[Asker], log: Log, writer: int, ends_well: bool) -> None:
    code = 1
    # sqlite3's own connections, made when the pool was out, are for their threads only, as without us.
    sys.unraisablehook = lambda said: (
        None if said.exc_type is sqlite3.ProgrammingError else sys.__unraisablehook__(said)
    )
    try:
        mine = Reading(log, 1, cached=False)
        mine.step()
        os.write(writer, b"x")
        if not ends_well:
            time.sleep(60)
        mine.finish()
        for each in askers:  # the parent's generators, and their connections
            for reading in each.kept:
                with contextlib.suppress(sqlite3.ProgrammingError):
                    reading.source.close()
            each.kept.clear()
        gc.collect()
        Reading(log, 2, cached=True).finish()
        Reading(log, 3, cached=False).finish()
        code = 0
    except BaseException as error:
        print(f"child: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)


def open_files(log: Log) -> int:
    """How many descriptors of logs, of replaced ones as well, this process has."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith(os.path.abspath(log.name))
        except OSError:  # that of the folder itself
            pass
    return count


def main(seconds: float, speedups: str) -> Dict[str, Any]:
    faulthandler.dump_traceback_later(seconds + 3 * PATIENCE_S, exit=True)  # a deadlock
    write_log("log.db", LogSpec(seconds=27, agents=1, traffic_lights=6))
    active.switch_on(chosen(speedups))
    log = Log("log.db")
    until, over = time.monotonic() + seconds, threading.Event()
    askers = [Asker(number, log, over) for number in range(THREADS)]
    counts: Counter[str] = Counter()
    for each in askers:
        each.start()
    while time.monotonic() < until or counts["children"] < LEAST_CHILDREN:
        log.replace()
        fork(askers, log, counts)
        time.sleep(0.02)
    over.set()
    for each in askers:
        each.join(PATIENCE_S)
    hanging = sum(each.is_alive() for each in askers)
    gc.collect()
    before = json.loads(active.figures())
    active.switch_off()  # closes the pool
    for each in askers:
        counts.update(each.counts)
    connection = sqlite3.connect(log.name, timeout=0, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")  # at once: nobody has a lock
    connection.execute("ROLLBACK")
    connection.close()
    return {
        "wrong": [wrong for each in askers for wrong in each.wrong],
        "hanging": hanging,
        "least": min(sum(each.counts.values()) for each in askers),
        "counts": counts,
        "logs": log.done,
        "open_files": open_files(log) if os.path.isdir("/proc/self/fd") else 0,
        "figures": {name: each["figures"] for name, each in before.items()},
    }


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), sys.argv[2])))
