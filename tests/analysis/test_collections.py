"""What collections make of the steps: read from made-up traces, and from programs that collect."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional

import pytest
from fakes.otlp import document, write
from fakes.programs import run

from nutrace import semconv
from nutrace.analysis import divide
from nutrace.analysis.collections import Collected, Collections, collections
from nutrace.cli.main import main
from nutrace.trace import load

C = semconv.COMPONENT
PROBED = {semconv.PROBES: ["gc:callbacks"]}


def _gc(begin: int, end: int, generation: int = 2, **more: Any) -> Any:
    attributes = {C: "gc", semconv.GC_GENERATION: generation, semconv.GC_COLLECTED: 5, **more}
    return (semconv.GC_SPAN, begin, end, [], attributes)


def _step(number: int, took: int, *children: Any) -> Any:
    begin = number * 1_000_000
    inner = [(name, begin + at, begin + end, *rest) for name, at, end, *rest in children]
    return (semconv.STEP_SPAN, begin, begin + took, inner, {C: "simulation"})


def _found(tmp_path: Path, *roots: Any, resource: Any = PROBED) -> Optional[Collections]:
    trace = load(write(tmp_path / "run.json", document(*roots, resource=resource)))
    return collections(trace, divide(trace))


def test_steps_with_full_collections(tmp_path: Path) -> None:
    steps: List[Any] = [_step(number, 60_000 + number) for number in range(95)]
    steps += [_step(number, 430_000, _gc(1_000, 371_000)) for number in range(95, 98)]
    steps += [_step(98, 500_000), _step(99, 70_000, _gc(10, 20, 1))]
    found = _found(tmp_path, *steps)
    assert found is not None
    assert found.full_in_steps == Collected(3, 3 * 370_000_000)
    assert found.young_in_steps == Collected(1, 10_000)
    p95, p99 = found.tails
    assert (p95.percent, p95.steps, p95.struck) == (95, 5, 0) or p95.struck == 3
    assert (p99.percent, p99.threshold_ns, p99.steps, p99.struck) == (99, 430_000_000, 4, 3)
    assert p99.without_ns == 69_990_000
    (struck,) = found.struck
    assert (struck.span, struck.count) == (semconv.STEP_SPAN, 3)


def test_a_full_collection_on_another_thread_stops_the_steps(tmp_path: Path) -> None:
    found = _found(tmp_path, _step(0, 100_000), _step(1, 100_000), _gc(50_000, 90_000, **{"thread.id": 77}))
    assert found is not None
    assert found.full_outside == Collected(1, 40_000_000)
    assert found.full_in_steps == Collected()
    assert [tail.struck for tail in found.tails] == [1, 1]


def test_a_collector_that_is_switched_off(tmp_path: Path) -> None:
    off = (semconv.GC_DISABLE_SPAN, 20_000, 20_000, [], {C: "gc"})
    on = (semconv.GC_ENABLE_SPAN, 70_000, 70_000, [], {C: "gc"})
    plan = ("planner.compute", 10_000, 80_000, [off, on], {C: "planner"})
    found = _found(tmp_path, *(_step(number, 100_000) for number in range(2)))
    assert found is not None
    assert found.switched is None
    begin = 1_000_000
    shifted = (
        "planner.compute",
        begin + 10_000,
        begin + 80_000,
        [(name, begin + at, begin + end, *rest) for name, at, end, *rest in plan[3]],
        {C: "planner"},
    )
    step = (semconv.STEP_SPAN, begin, begin + 100_000, [shifted], {C: "simulation"})
    found = _found(tmp_path, _step(0, 100_000), step)
    assert found is not None
    assert found.switched is not None
    assert (found.switched.off, found.switched.on) == (1, 1)
    assert found.switched.off_in == (("planner.compute", 1),)
    assert found.switched.off_share == pytest.approx(0.25)


def test_off_before_the_scenario_began(tmp_path: Path) -> None:
    found = _found(
        tmp_path, (semconv.RUN_SPAN, 0, 3_000_000, [_step(1, 1_000)], {C: "simulation", semconv.GC_OFF: True})
    )
    assert found is not None
    assert found.switched is not None
    assert (found.switched.off, found.switched.off_share) == (0, pytest.approx(1.0))


def test_not_recorded_is_not_none_found(tmp_path: Path) -> None:
    assert _found(tmp_path, ("a", 0, 1), resource={}) is None
    assert _found(tmp_path, ("a", 0, 1)) == Collections(*[Collected()] * 4, (), (), None)


COLLECTING = """
import gc
import nutrace
from nutrace import semconv

heap = [[each] for each in range(400_000)]
gc.collect()
gc.freeze()  # of the heap; what follows is collected when the program says so
gc.unfreeze()
gc.set_threshold(0)
seen = []
gc.callbacks.append(lambda phase, info: seen.append(info["generation"]) if phase == "stop" else None)

class Node:
    def __init__(self):
        self.me = self

for step in range(100):
    with nutrace.span(semconv.STEP_SPAN, component="simulation"):
        with nutrace.span("planner.compute", component="planner"):
            for _ in range(100):
                Node()
            if step in (40, 60, 80):
                gc.collect()
print(seen.count(2))
"""


def test_a_program_whose_p99_is_made_of_collections_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = run(tmp_path, COLLECTING)
    assert (ended.code, ended.out) == (0, "3\n"), ended.err
    trace = ended.trace
    found = collections(trace, divide(trace))
    assert found is not None
    assert found.full_in_steps.count == 3
    p99 = found.tails[1]
    assert (p99.steps, p99.struck) == (2, 2)
    assert p99.without_ns < p99.threshold_ns / 2
    assert main(["report", str(tmp_path / "run.json")]) == 0
    text = capsys.readouterr().out
    assert "2 of the 2 steps at or above p99 hold a full collection; without collections p99 would be" in text
    assert "planner.compute 3" in text
