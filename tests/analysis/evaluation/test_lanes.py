"""Lanes of runs whose workers did what the test says."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest
from fakes.evaluations import Worker, evaluated
from fakes.otlp import trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace import semconv
from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import PROCESSES, SEQUENTIAL, THREADS, Lanes, lanes_of
from nutrace.analysis.evaluation.pieces import Doing, Timeline, start_up
from nutrace.trace import Trace

PROCESSORS = {semconv.PROCESSORS: 4}


def _lanes(trace: Trace) -> Lanes:
    lanes = lanes_of(trace)
    assert lanes is not None
    for lane in (lanes.driver, *lanes.workers):
        _check(lane, lanes)
    return lanes


def _check(lane: Lane, lanes: Lanes) -> None:
    """The pieces of a lane cover the run, without a gap."""
    edges = [piece.start_ns for piece in lane.pieces] + [lanes.end_ns]
    assert edges == [lanes.begin_ns, *(piece.end_ns for piece in lane.pieces)]
    assert lane.spent_ns(*Doing) == lanes.wall_ns


def _seconds(lane: Lane) -> Dict[str, float]:
    spent = {doing.value: round(lane.spent_ns(doing) / 1e9, 3) for doing in Doing}
    return {name: time for name, time in spent.items() if time}


def test_processes(tmp_path: Path) -> None:
    lanes = _lanes(
        evaluated(
            tmp_path,
            Worker([(23, 33), (34, 44)], created=5, imports=[(8, 10), (21, 22)], cpu=6.0, cpu_share=0.5),
            Worker([(30, 50)], created=25, imports=[(26, 29)], cpu=3.0),
            **PROCESSORS,
        )
    )
    assert lanes.kind == PROCESSES
    assert lanes.wall_ns == 52e9
    first, second = lanes.workers
    assert (first.process, second.process) == (101, 102)
    assert (first.scenarios, second.scenarios) == ((1, 3), (2,))
    # Until second 20 it used 3 s of a processor, of which the spans show 2 s. It waits for the rest.
    assert _seconds(first) == {"absent": 5, "startup": 6, "waiting": 12 + 1, "busy": 20, "idle": 8}
    assert _seconds(second) == {"absent": 25, "startup": 5, "busy": 20, "idle": 2}
    assert _seconds(lanes.driver) == {"driving": 22, "waiting": 30}
    assert lanes.serial_ns == 22e9
    assert {part.name: part.ns / 1e9 for part in lanes.serial} == {
        "in no span": 18,
        "config.compose": 2,
        "main_callback.on_run_simulation_end": 2,
    }
    assert lanes.processors == 4
    # 10 s of the first, until its last scenario ended, and 20 s of the second, in 30 s.
    assert lanes.cores_used == pytest.approx(30 / 30)
    assert lanes.busy_lanes == pytest.approx(40 / 30)


def test_without_processor_time_what_lies_in_no_span_is_unaccounted(tmp_path: Path) -> None:
    lanes = _lanes(evaluated(tmp_path, Worker([(23, 33)], created=5, imports=[(8, 10), (21, 22)])))
    (lane,) = lanes.workers
    assert _seconds(lane) == {"absent": 5, "startup": 2 + 3, "unaccounted": 13, "busy": 10, "idle": 2}
    assert lanes.cores_used is None
    assert lanes.processors is None


def test_a_sequential_run_has_one_lane(tmp_path: Path) -> None:
    lanes = _lanes(evaluated(tmp_path, main=[(21, 25), (25.5, 30)]))
    assert lanes.kind == SEQUENTIAL
    assert lanes.workers == (lanes.driver,)
    assert _seconds(lanes.driver) == {"startup": 21, "busy": 8.5, "waiting": 0.5, "driving": 2}


def test_threads_of_a_pool_begin_when_scenarios_are_handed_out(tmp_path: Path) -> None:
    pool = [Worker([(21, 25), (25, 30)], created=None), Worker([(21, 29)], created=None)]
    lanes = _lanes(evaluated(tmp_path, *pool))
    assert lanes.kind == THREADS
    assert [lane.thread for lane in lanes.workers] == ["pool_0", "pool_1"]
    assert _seconds(lanes.workers[0]) == {"absent": 20, "startup": 1, "busy": 9, "idle": 2}
    assert _seconds(lanes.workers[1]) == {"absent": 20, "startup": 1, "busy": 8, "idle": 3}


def test_a_worker_that_was_killed_is_named_and_its_scenario_is_there(tmp_path: Path) -> None:
    killed = Worker([(22, 25), (25, 28)], created=20, cpu=1.0, unfinished=True)
    lanes = _lanes(evaluated(tmp_path, killed, Worker([(22, 40)], created=20)))
    (dead,) = [lane for lane in lanes.workers if lane.ended_in]
    assert (dead.process, dead.ended_in) == (101, 3)
    assert _seconds(dead) == {"absent": 20 + 14, "startup": 2, "busy": 6}


def test_of_a_run_that_was_cut_short_no_worker_is_said_to_have_ended_before_it(tmp_path: Path) -> None:
    workers = [
        Worker([(22, 39)], created=20, unfinished=True),
        Worker([(22, 40)], created=20, unfinished=True),
    ]
    lanes = _lanes(evaluated(tmp_path, *workers, complete=False))
    assert [lane.ended_in for lane in lanes.workers] == [0, 0]


def test_a_worker_of_ray_that_got_no_scenario_has_a_lane_and_other_processes_have_none(
    tmp_path: Path,
) -> None:
    ray = {semconv.COMMAND: ["python", "/x/ray/_private/workers/default_worker.py", "--node"]}
    other = {semconv.COMMAND: ["python", "/x/ray/dashboard/dashboard.py"]}
    idle = Worker([], created=15, imports=[(16, 17)], resource=ray)
    board = Worker([], created=15, imports=[(16, 17)], resource=other)
    lanes = _lanes(evaluated(tmp_path, Worker([(22, 25)], created=20), idle, board))
    assert [len(lane.scenarios) for lane in lanes.workers] == [1, 0]
    assert lanes.others == ((103, "dashboard.py"),)


@pytest.mark.parametrize("said", ["", "yesterday", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 7, None])
def test_a_creation_time_that_cannot_be_is_left_out(tmp_path: Path, said: object) -> None:
    more = {} if said is None else {semconv.CREATED: said}
    lanes = _lanes(evaluated(tmp_path, Worker([(23, 33)], imports=[(21, 22)], resource=more), complete=False))
    if said is not None:
        assert _seconds(lanes.workers[0])["absent"] == 21 - 10


def test_a_trace_without_scenarios_has_no_lanes(tmp_path: Path) -> None:
    assert lanes_of(trace_of(tmp_path, ("GET /", 0, 10, [("db", 2, 3)]), resource={})) is None


def test_steps_of_a_foreign_trace_are_a_lane(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("simulation.step", 5, 10), ("simulation.step", 20, 30), resource={})
    lanes = _lanes(trace)
    assert lanes.kind == SEQUENTIAL
    assert _seconds(lanes.driver) == {}
    assert lanes.driver.spent_ns(Doing.BUSY) == 25_000


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=5),
    st.integers(0, 40),
    st.integers(0, 50),
    st.integers(0, 50),
    st.none() | st.integers(0, 60),
)
def test_start_up_covers_its_time_whatever_a_file_says(
    pairs: list[tuple[int, int]], born: int, handed: int, first: int, used: int | None
) -> None:
    from nutrace.analysis.evaluation.pieces import union

    first = max(first, born)
    line = Timeline(0, 60)
    line.until(born, Doing.ABSENT)
    start_up(line, first, handed, born, union((min(pair), max(pair)) for pair in pairs), used)
    line.until(first, Doing.BUSY)  # nothing: it has come to there
    pieces = line.finish(Doing.IDLE)
    assert [piece.start_ns for piece in pieces] == [0, *(piece.end_ns for piece in pieces[:-1])]
    assert Doing.BUSY not in {piece.doing for piece in pieces}
    assert sum(piece.end_ns - piece.start_ns for piece in pieces) == 60


def test_a_run_of_no_time(tmp_path: Path) -> None:
    lanes = _lanes(trace_of(tmp_path, ("simulation.run", 5, 5), resource={}))
    assert (lanes.wall_ns, lanes.driver.pieces, lanes.at_once) == (0, (), 1)
