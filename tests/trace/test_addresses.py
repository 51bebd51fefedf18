"""Scenarios, and the addresses of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from fakes.otlp import RESOURCE, envelope, spans, trace_of, write

from nutrace.trace import Trace, load, select


def run(token: Optional[str], start: int, steps: List[Any], planner: str = "simple", **more: Any) -> Any:
    says: Dict[str, Any] = {"nuplan.planner.name": planner, **more}
    if token is not None:
        says["nuplan.scenario.token"] = token
    return ("simulation.run", start, start + 1000, steps, says)


def step(start: int, index: Optional[Any] = None, inside: Optional[List[Any]] = None, **more: Any) -> Any:
    says = more if index is None else {"nutrace.step.index": index, **more}
    return ("simulation.step", start, start + 90, inside or [], says)


def ended(content: List[Dict[str, Any]], *places: int, message: str = "") -> List[Dict[str, Any]]:
    for place in places:
        content[place]["status"] = {"code": 2, "message": message}
    return content


def names(trace: Trace) -> List[str]:
    return [scenario.name for scenario in trace.simulations]


def test_scenarios_are_numbered_by_their_start_and_steps_by_their_index(tmp_path: Path) -> None:
    one = run("aa", 2000, [step(2100, 10), step(2200, 11)], **{"nuplan.scenario.type": "turning"})
    two = run("bb", 0, [step(100, 0), step(200, 1)], **{"nuplan.scenario.log_name": "log"})
    trace = trace_of(tmp_path, one, two)
    assert [(each.number, each.name, each.type, each.log, each.planner) for each in trace.simulations] == [
        (1, "bb", "", "log", "simple"),
        (2, "aa", "turning", "", "simple"),
    ]
    assert trace.step_addresses == [(1, 0), (1, 1), (2, 10), (2, 11)]
    assert [trace.name[each.span or 0] for each in trace.simulations] == ["simulation.run"] * 2
    assert [each.steps for each in trace.simulations] == [(1, 2), (4, 5)]
    assert list(trace.addresses.scenario_of) == [1, 1, 1, 2, 2, 2]
    assert list(trace.addresses.iteration_of) == [-1, 0, 1, -1, 10, 11]


def test_scenarios_of_several_processes_are_numbered_together(tmp_path: Path) -> None:
    """A driver, and two workers of Ray whose simulations lie below a span of the driver."""
    driver = spans(("execute_runners", 0, 9000))
    parent = driver[0]["spanId"]
    workers = [
        spans(run(token, start, [step(start + 100, 0)]), first_id=first, parent=parent)
        for token, start, first in (("aa", 500, 100), ("bb", 400, 200), ("cc", 3000, 300))
    ]
    lines = [envelope(driver)]
    for pid, content in zip((7, 8, 7), workers):
        lines.append(envelope(content, {**RESOURCE, "process.pid": pid}))
    trace = load(write(tmp_path / "run.json", *lines))
    assert names(trace) == ["bb", "aa", "cc"]
    assert trace.step_addresses == [(1, 0), (2, 0), (3, 0)]
    assert list(trace.addresses.scenario_of) == [0, 1, 1, 2, 2, 3, 3]


def test_steps_in_a_process_below_their_simulation_are_steps_of_it(tmp_path: Path) -> None:
    outer = spans(run("aa", 0, [step(100, 0)]))
    inner = spans(step(200, 1), first_id=50, parent=outer[0]["spanId"])
    lines = envelope(outer), envelope(inner, {**RESOURCE, "process.pid": 8})
    trace = load(write(tmp_path / "run.json", *lines))
    assert trace.step_addresses == [(1, 0), (1, 1)]


def test_simulations_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    def on(thread: int, token: str) -> Any:
        name, start, end, steps, says = run(
            token, thread, [step(100 + thread + 100 * i, i, **{"thread.id": thread}) for i in range(3)]
        )
        return name, start, end, steps, {**says, "thread.id": thread}

    trace = trace_of(tmp_path, on(1, "aa"), on(2, "bb"))
    assert trace.step_addresses == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]


def test_a_retried_token_and_another_planner(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        run("aa", 0, [step(100, 0)]),
        run("aa", 2000, [step(2100, 0)]),
        run("aa", 4000, [step(4100, 0)], planner="idm"),
        run(None, 6000, []),
        run(None, 8000, []),
    )
    assert names(trace) == ["aa", "aa#2", "aa", "scenario 4", "scenario 5"]
    assert [each.attempt for each in trace.simulations] == [1, 2, 1, 1, 1]
    assert [each.planner for each in trace.simulations[:3]] == ["simple", "simple", "idm"]


def test_a_subclass_that_calls_super_is_one_simulation(tmp_path: Path) -> None:
    inner = run("aa", 10, [step(100, 0)])
    trace = trace_of(tmp_path, ("simulation.run", 0, 2000, [inner], {"nuplan.scenario.token": "aa"}))
    assert names(trace) == ["aa"]
    assert trace.simulations[0].span == 0
    assert trace.step_addresses == [(1, 0)]


def test_a_simulation_inside_a_step_is_another_scenario(tmp_path: Path) -> None:
    inner = run("bb", 110, [step(120, 0)])
    outer = ("simulation.step", 100, 1200, [inner, ("after", 1150, 1160)], {"nutrace.step.index": 5})
    trace = trace_of(tmp_path, run("aa", 0, [outer]))
    assert trace.name[-1] == "after"
    assert trace.step_addresses == [(1, 5), (2, 0)]
    assert list(trace.addresses.scenario_of) == [1, 1, 2, 2, 1]
    assert list(trace.addresses.iteration_of) == [-1, 5, -1, 0, 5]


def test_steps_without_a_simulation_belong_to_their_thread(tmp_path: Path) -> None:
    second = {"thread.id": 2}
    trace = trace_of(tmp_path, step(0), step(50, 0, **second), step(100), step(200), step(150, 1, **second))
    assert [(each.name, each.span, each.outcome) for each in trace.simulations] == [
        ("scenario 1", None, "finished"),
        ("scenario 2", None, "finished"),
    ]
    assert sorted(trace.step_addresses) == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]


def test_steps_that_say_their_token(tmp_path: Path) -> None:
    """As navsim's do, which has no function for a scenario."""
    tokens = ["aa", "bb", "aa"]
    trace = trace_of(
        tmp_path, *(step(100 * i, **{"nuplan.scenario.token": token}) for i, token in enumerate(tokens))
    )
    assert names(trace) == ["aa", "bb"]
    assert trace.step_addresses == [(1, 0), (2, 0), (1, 1)]


def test_a_failed_simulation_and_one_cut_short(tmp_path: Path) -> None:
    content = spans(
        run("aa", 0, [step(100, 0)]),
        run("bb", 2000, [step(2100, 0)]),
        run("cc", 4000, [step(4100, 0)], **{"nutrace.unfinished": True}),
        run("bb", 6000, [step(6100, 0)]),
        step(8000, **{"nutrace.unfinished": True}),
    )
    trace = load(write(tmp_path / "run.json", envelope(ended(content, 2, message="KeyError"))))
    assert [each.outcome for each in trace.simulations] == [
        "finished",
        "failed",
        "cut short",
        "finished",
        "cut short",
    ]


@pytest.mark.parametrize(
    ("said", "iterations"),
    [
        ([3, 4, None], [3, 4, 2]),
        ([0, 1, 0, 1], [0, 1, 2, 3]),
        ([None, 0, None], [1, 0, 2]),
        ([-1, "two", True], [0, 1, 2]),
        ([2**60, 2**53, 2**53], [0, 2**53, 2]),
        ([1, 1, 2, 2, 0], [1, 3, 2, 4, 0]),
    ],
)
def test_iterations_are_unique_whatever_steps_say(
    tmp_path: Path, said: List[Any], iterations: List[int]
) -> None:
    trace = trace_of(tmp_path, run("aa", 0, [step(100 * at, index) for at, index in enumerate(said)]))
    assert [iteration for _, iteration in trace.step_addresses] == iterations


def test_hostile_attributes_are_no_token(tmp_path: Path) -> None:
    odd = {"nuplan.scenario.type": 5, "nuplan.scenario.log_name": [1], "nuplan.planner.class": "a.B"}
    says = {"nuplan.scenario.token": True, "nuplan.planner.name": "", **odd}
    trace = trace_of(tmp_path, ("simulation.run", 0, 10, says))
    (scenario,) = trace.simulations
    assert (scenario.name, scenario.type, scenario.log, scenario.planner) == ("scenario 1", "", "", "a.B")


def test_addresses_stay_in_a_part(tmp_path: Path) -> None:
    database = {"nutrace.component": "database"}
    trace = trace_of(
        tmp_path,
        run("aa", 0, [step(100, 0), step(200, 1)]),
        run("aa", 2000, [step(2100, 1, [("query", 2110, 2120, database)]), step(2200, 2)]),
    )
    part = select(trace, steps=range(2, 3))
    assert [(each.number, each.name, each.span, each.steps) for each in part.simulations] == [
        (2, "aa#2", None, (0,))
    ]
    assert part.step_addresses == [(2, 2)]
    part = select(select(trace, steps=1), component="database")
    assert names(part) == ["aa#2"]
    assert part.step_addresses == []
    assert (list(part.addresses.scenario_of), list(part.addresses.iteration_of)) == ([2], [1])
    whole = select(trace, component="other")
    assert whole.simulations == trace.simulations


def test_a_trace_without_steps_has_no_scenario(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("request", 0, 10))
    assert trace.simulations == ()
    assert trace.step_addresses == []
