"""Notes read what is there and disturb nothing."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from nutrace import semconv
from nutrace.probes.catalogue.nuplan_notes import note_run, note_run_end, note_step


class TimeController:
    """Like StepSimulationTimeController: asking for the iteration would query the database."""

    current_iteration_index = 7

    def get_iteration(self) -> None:
        raise AssertionError("get_iteration asks the database")


def _setup(time_controller: object) -> SimpleNamespace:
    return SimpleNamespace(time_controller=time_controller, scenario=SimpleNamespace(database_interval=0.1))


def test_step_is_noted_without_a_query() -> None:
    expected = {semconv.STEP_INDEX: 7, semconv.STEP_INTERVAL_S: 0.1}
    assert note_step(object(), (_setup(TimeController()), object()), {}) == expected
    assert note_step(object(), (), {"setup": _setup(TimeController())}) == expected


def test_step_of_an_unknown_time_controller_has_no_index() -> None:
    assert note_step(object(), (_setup(object()), object()), {}) == {semconv.STEP_INTERVAL_S: 0.1}


def test_run_is_noted_with_scenario_and_planner() -> None:
    scenario = SimpleNamespace(token="5e", scenario_type="starting_left_turn", log_name="2021.10.01")
    runner = SimpleNamespace(scenario=scenario, planner=SimpleNamespace(name=lambda: "MyPlanner"))
    noted = dict(note_run(runner, (), {}))
    assert noted.pop(semconv.MEMORY_START, 1) > 0  # there is none without /proc
    for key in (semconv.CPU_THREAD_START, semconv.CPU_PROCESS_START):
        assert noted.pop(key) > 0
    assert noted == {
        semconv.SCENARIO_TOKEN: "5e",
        semconv.SCENARIO_TYPE: "starting_left_turn",
        semconv.SCENARIO_LOG: "2021.10.01",
        semconv.PLANNER_NAME: "MyPlanner",
        semconv.PLANNER_CLASS: "types.SimpleNamespace",
    }


def test_processor_time_of_a_run_is_what_its_thread_and_its_process_used() -> None:
    """A thread that only sleeps uses none; one that works beside it counts for the process."""
    scenario = SimpleNamespace(token="5e", scenario_type="", log_name="")
    runner = SimpleNamespace(scenario=scenario, planner=SimpleNamespace(name=lambda: "MyPlanner"))
    noted = dict(note_run(runner, (), {}))
    beside = threading.Thread(target=_work)
    beside.start()
    beside.join()
    noted.update(note_run_end(runner, None))
    assert noted[semconv.MEMORY_PEAK] >= noted.get(semconv.MEMORY, 1) > 0
    assert noted[semconv.CPU_PROCESS] - noted[semconv.CPU_PROCESS_START] >= _WORKED_NS
    assert 0 <= noted[semconv.CPU_THREAD] - noted[semconv.CPU_THREAD_START] < _WORKED_NS / 2


_WORKED_NS = 50_000_000


def _work() -> None:
    until = time.thread_time_ns() + _WORKED_NS
    while time.thread_time_ns() < until:
        pass
