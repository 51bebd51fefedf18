"""What changes bring together, against the sum of what each brings alone."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Dict, List

import pytest
from fakes.runs import write_run

from nutrace.comparison import RunFigures, measure
from nutrace.comparison.interaction import Interaction, interactions
from nutrace.trace import load

RUNS = 6


def _runs(folder: Path, name: str, step_ms: float, statements: int, noise: float = 1.0) -> List[RunFigures]:
    chance = random.Random(f"{name} {step_ms}")
    files = [
        write_run(folder / name / f"{run}.json", chance.gauss(step_ms, noise), statements=statements)
        for run in range(RUNS)
    ]
    return [measure(load(file)) for file in files]


def _found(folder: Path, together_ms: float, together_statements: int) -> Dict[str, Interaction]:
    base, cache = _runs(folder, "base", 100, 8), _runs(folder, "cache", 80, 6)
    pool = _runs(folder, "pool", 70, 8)
    both = _runs(folder, "both", together_ms, together_statements)
    return {each.figure: each for each in interactions(base, [cache, pool], both)}


def test_parts_that_add_up_do_not_interact(tmp_path: Path) -> None:
    found = _found(tmp_path, 50, 6)
    mean = found["steps.mean_ms"]
    assert mean.parts == (pytest.approx(-20, abs=2), pytest.approx(-30, abs=2))
    assert mean.together == pytest.approx(-50, abs=2)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 0 < mean.high
    assert mean.beyond_chance is False
    statements = found["database.statements_per_step"]
    assert (statements.parts, statements.together, statements.interaction) == ((-2, 0), -2, 0)


def test_parts_that_gain_the_same_time_gain_it_once(tmp_path: Path) -> None:
    found = _found(tmp_path, 70, 7)
    mean = found["steps.mean_ms"]
    assert mean.low is not None
    assert 10 < mean.low < 20 < (mean.high or 0)
    assert mean.beyond_chance is True
    assert found["database.statements_per_step"].interaction == 1


def test_the_calls_of_a_component_that_the_base_does_not_have(tmp_path: Path) -> None:
    base, one, other, both = (
        _runs(tmp_path, name, 50, statements)
        for name, statements in (("base", 0), ("one", 2), ("other", 0), ("both", 3))
    )
    found = {each.figure: each for each in interactions(base, [one, other], both)}
    calls = found["components.database.calls_per_step"]
    assert (calls.parts, calls.together, calls.interaction) == ((2, 0), 3, 1)


def test_the_interval_holds_the_truth_as_often_as_it_says(tmp_path: Path) -> None:
    base = measure(load(write_run(tmp_path / "run.json", 100)))
    chance = random.Random(7)

    def drawn(mean: float) -> List[RunFigures]:
        return [replace(base, times={"run.wall_s": chance.gauss(mean, 0.5)}) for _ in range(5)]

    held = 0
    for _ in range(300):
        found = interactions(drawn(20), [drawn(18), drawn(15)], drawn(14))
        wall = next(each for each in found if each.figure == "run.wall_s")
        held += (wall.low or 0) <= 1 <= (wall.high or 0)
    assert 0.92 <= held / 300 <= 0.98


def test_rounds_on_a_busy_machine_are_compared_within_themselves(tmp_path: Path) -> None:
    run = measure(load(write_run(tmp_path / "run.json", 100)))
    chance, sides = random.Random(3), ([], [], [], [])  # type: ignore[var-annotated]
    for round in range(6):
        busy = 100.0 * round  # seconds that each run of the round takes longer
        for side, time in zip(sides, (20, 18, 15, 16)):
            side.append(replace(run, times={"run.wall_s": busy + chance.gauss(time, 0.1)}))
    base, one, other, both = sides
    wall = next(each for each in interactions(base, [one, other], both) if each.figure == "run.wall_s")
    assert wall.low is not None
    assert 2.5 < wall.low < 3 < (wall.high or 0) < 3.5
    assert wall.beyond_chance is True


def test_one_run_has_no_interval_and_none_no_interaction(tmp_path: Path) -> None:
    one = [measure(load(write_run(tmp_path / "run.json", 100)))]
    assert all(each.low is None and each.beyond_chance is None for each in interactions(one, [one, one], one))
    assert interactions(one, [one, []], one) == []
