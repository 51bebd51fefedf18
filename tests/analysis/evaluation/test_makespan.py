"""The model of other numbers of workers, against schedules that are worked out in another way."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional

import pytest
from fakes.evaluations import HANDED_OUT, Worker, evaluated
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace import semconv
from nutrace.analysis.evaluation.lanes import lanes_of
from nutrace.analysis.evaluation.makespan import Makespan, makespan_of
from nutrace.analysis.evaluation.model import MEASURED, PROCESSOR_TIME, SHARED, Model
from nutrace.analysis.evaluation.scheduling import Job, least_ns, scheduled_ns
from nutrace.trace import Trace

_TICK = 0.01


def _step_by_step(
    jobs: List[Job], startups: List[float], processors: Optional[float], tick: float = _TICK
) -> float:
    """The same in small steps of time."""
    left: List[List[float]] = [[startup, 1.0] for startup in startups[: len(jobs)]]
    waiting = list(jobs)
    now = 0.0
    while True:
        for worker in left:
            while worker[0] <= 1e-9 and waiting:
                job = waiting.pop(0)
                worker[:] = [job.ns, job.processors]
        running = [worker for worker in left if worker[0] > 1e-9]
        if not running:
            return now
        asked = sum(worker[1] for worker in running)
        speed = 1.0 if processors is None else min(1.0, processors / asked)
        for worker in running:
            worker[0] -= tick * speed
        now += tick


_jobs = st.lists(
    st.builds(Job, st.floats(0.1, 5).map(lambda each: round(each, 1)), st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(
    _jobs,
    st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=1, max_size=4),
    st.sampled_from([None, 1.0, 2.0]),
)
def test_the_schedule_is_what_a_simulation_in_small_steps_gives(
    jobs: List[Job], startups: List[float], processors: Optional[float]
) -> None:
    took = scheduled_ns(jobs, startups, processors)
    # Each of the events may be late by a step, and a step may be slower.
    assert took == pytest.approx(_step_by_step(jobs, startups, processors), abs=0.3 + 0.02 * took)
    assert took >= least_ns(jobs, len(startups), processors) - 1e-6


def test_a_schedule_in_the_order_of_the_run() -> None:
    jobs = [Job(each) for each in (3.0, 3.0, 2.0, 2.0, 2.0)]
    assert scheduled_ns(jobs, [0.0, 0.0]) == 7.0  # the best is 6: Graham's anomaly
    assert scheduled_ns(jobs, [0.0]) == 12.0
    assert scheduled_ns(jobs, [0.0, 1.0]) == 7.0
    assert least_ns(jobs, 2) == 6.0
    assert scheduled_ns(jobs, [0.0] * 4, 2.0) == pytest.approx(6.5)
    assert scheduled_ns([], [1.0]) == 0.0


def _predicted(trace: Trace, *more: int) -> Dict[int, float]:
    return {each.workers: each.ns / 1e9 for each in _makespan(trace, *more).predicted}


def _makespan(trace: Trace, *more: int) -> Makespan:
    lanes = lanes_of(trace)
    assert lanes is not None
    span = makespan_of(trace, lanes, more)
    assert span is not None
    return span


SERIAL = HANDED_OUT + 2


def test_the_run_itself_is_predicted_as_it_was(tmp_path: Path) -> None:
    trace = evaluated(
        tmp_path, Worker([(21, 31), (32, 42)], created=5, cpu=1.0), Worker([(24, 44)], created=5, cpu=1.0)
    )
    span = _makespan(trace)
    assert span.measured_ns == 46e9
    assert span.serial_ns == SERIAL * 1e9
    assert span.startups_ns == (1e9, 4e9)
    assert span.handover_ns == 1e9
    assert span.durations == MEASURED
    predicted = _predicted(trace)
    # The second worker's first scenario has a handover in its start-up already: the model adds one.
    assert predicted[2] == pytest.approx(46, abs=1.0)
    assert predicted[1] == pytest.approx(SERIAL + 1 + 10 + 10 + 20 + 3)
    # A third worker takes as long to start as the slowest did: 10 s of work from second 4 on.
    assert predicted[3] == pytest.approx(SERIAL + 4 + 20 + 1, abs=1.0)
    assert span.bound_ns / 1e9 == pytest.approx(SERIAL + 1 + 20 + 1)


def test_more_workers_than_processors_bring_nothing(tmp_path: Path) -> None:
    workers = [Worker([(20, 30), (30, 40)], created=5, cpu=1.0)] * 2
    trace = evaluated(tmp_path, *workers, **{semconv.PROCESSORS: 2})
    predicted = _predicted(trace, 4)
    assert predicted[1] == pytest.approx(SERIAL + 40)
    assert predicted[2] == predicted[4] == pytest.approx(SERIAL + 20)


def test_scenarios_that_wait_leave_processors_to_others(tmp_path: Path) -> None:
    """For a GPU, say: each uses a quarter of a processor."""
    workers = [Worker([(20, 30), (30, 40)], created=5, cpu=1.0, cpu_share=0.25)] * 2
    trace = evaluated(tmp_path, *workers, **{semconv.PROCESSORS: 1})
    assert _predicted(trace, 4)[4] == pytest.approx(SERIAL + 10)


def test_of_workers_that_shared_processors_the_processor_time_counts(tmp_path: Path) -> None:
    workers = [Worker([(20, 40)], created=5, cpu=1.0, cpu_share=0.5)] * 2
    trace = evaluated(tmp_path, *workers, **{semconv.PROCESSORS: 1})
    assert _makespan(trace).durations == PROCESSOR_TIME
    assert _predicted(trace)[1] == pytest.approx(SERIAL + 20)


def test_threads_share_the_lock(tmp_path: Path) -> None:
    pool = [Worker([(20, 40)], created=None, cpu=1.0, cpu_share=0.5)] * 2
    trace = evaluated(tmp_path, *pool, **{semconv.PROCESSORS: 8})
    span = _makespan(trace)
    assert (span.durations, span.processors) == (PROCESSOR_TIME, 1.0)
    predicted = _predicted(trace)
    assert predicted[1] == predicted[2] == predicted[4] == pytest.approx(SERIAL + 20)


def test_threads_do_together_what_the_threads_of_the_run_did(tmp_path: Path) -> None:
    """Other programs left them half a processor."""
    pool = [Worker([(20, 40), (40, 60)], created=None, cpu=1.0, cpu_share=0.25)] * 2
    predicted = _predicted(evaluated(tmp_path, *pool, **{semconv.PROCESSORS: 8}))
    assert predicted[2] == predicted[4] == pytest.approx(SERIAL + 40)


def test_threads_without_processor_time_are_taken_to_share_evenly(tmp_path: Path) -> None:
    pool = [Worker([(20, 40)], created=None), Worker([(20, 30), (30, 40)], created=None)]
    trace = evaluated(tmp_path, *pool)
    assert _makespan(trace).durations == SHARED
    assert _predicted(trace)[1] == pytest.approx(SERIAL + 20)


def test_one_worker_that_had_started_early_says_what_another_one_takes(tmp_path: Path) -> None:
    """Its modules were imported while the driver built scenarios: in 6 s of spans."""
    trace = evaluated(tmp_path, Worker([(21, 31), (31, 41)], created=5, imports=[(10, 16)], cpu=6.0))
    predicted = _predicted(trace)
    assert predicted[1] == pytest.approx(SERIAL + 21)
    assert predicted[2] == pytest.approx(SERIAL + 16)


def test_more_workers_of_a_sequential_run_import_what_the_driver_did(tmp_path: Path) -> None:
    """The driver reads its configuration in second 10."""
    trace = evaluated(tmp_path, main=[(20, 40), (40, 60)])
    assert _predicted(trace)[1] == pytest.approx(SERIAL + 40)
    assert _predicted(trace)[2] == pytest.approx(SERIAL + 10 + 20)


def test_what_did_not_finish_is_left_out_and_counted(tmp_path: Path) -> None:
    workers = Worker([(20, 30), (30, 40)], created=5, unfinished=True), Worker([(20, 50)], created=5)
    span = _makespan(evaluated(tmp_path, *workers))
    assert span.left_out == 1
    assert {each.workers: each.ns / 1e9 for each in span.predicted}[1] == pytest.approx(SERIAL + 40)


def test_without_a_finished_scenario_nothing_is_predicted(tmp_path: Path) -> None:
    trace = evaluated(tmp_path, Worker([(20, 30)], created=5, unfinished=True))
    lanes = lanes_of(trace)
    assert lanes is not None
    assert makespan_of(trace, lanes) is None
    assert Model(trace, lanes).jobs == {}
