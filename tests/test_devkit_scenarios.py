"""Scenarios of a real simulation that Ray spreads over processes, and the addresses of their steps.

Ray starts its workers for minutes on a busy machine, so this runs with NUTRACE_DEVKIT_MATRIX=1 only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict

import pytest
from devkit import MARKS, STEPS, devkit_environment, run_python, simulate, synthesize

import nutrace
from nutrace.analysis.evaluation.lanes import PROCESSES, lanes_of
from nutrace.analysis.evaluation.model import Model
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.analysis.evaluation.worker_memory import worker_memory
from nutrace.cli.main import main
from nutrace.trace import select

pytestmark = [
    *MARKS,
    pytest.mark.skipif(
        os.environ.get("NUTRACE_DEVKIT_MATRIX", "0") in ("", "0"), reason="Ray: NUTRACE_DEVKIT_MATRIX=1"
    ),
]

SCENARIOS = 12
WORDS = (
    "scenario_filter.scenario_types=[low_magnitude_speed,medium_magnitude_speed,high_magnitude_speed,"
    "following_lane_with_lead,on_traffic_light_intersection]",
    "scenario_filter.num_scenarios_per_type=8",
    f"scenario_filter.limit_total_scenarios={SCENARIOS}",
    "worker=ray_distributed",
    "worker.threads_per_node=2",
)


@pytest.mark.timeout(600)
def test_scenarios_of_ray(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthesize(tmp_path / "data", "--seconds", "80")
    run_file = tmp_path / "run.json"
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(run_file)}
    done = simulate(tmp_path / "data", tmp_path / "out", "simple", words=WORDS, **variables)
    assert done.returncode == 0, done.stderr[-2000:]
    trace = nutrace.load(run_file)
    assert [scenario.number for scenario in trace.simulations] == list(range(1, SCENARIOS + 1))
    assert len({scenario.token for scenario in trace.simulations}) == SCENARIOS
    for scenario in trace.simulations:
        assert (scenario.outcome, scenario.attempt, scenario.planner) == ("finished", 1, "SimplePlanner")
        assert scenario.type in WORDS[0]
        assert scenario.log
    processes = {trace.threads[trace.thread[scenario.span or 0]].resource for scenario in trace.simulations}
    assert len(processes) > 1, "all scenarios ran in one process"
    every = [(number, step) for number in range(1, SCENARIOS + 1) for step in range(STEPS)]
    assert sorted(trace.step_addresses) == every

    scenario = trace.simulations[2]
    words = ("--scenario", scenario.token[:6], "--steps", "10:20")
    assert main(["report", str(run_file), "--json", *words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["steps"]["count"] == 10
    assert said["selection"] == f"steps 10 to 19 of scenario {scenario.token} ({scenario.type})"
    part = select(trace, scenario=3, steps="10:20")
    assert part.step_addresses == [(3, step) for step in range(10, 20)]
    assert main(["report", str(run_file)]) == 0
    assert f"{SCENARIOS} scenarios: all finished. {SCENARIOS * STEPS:,} steps." in capsys.readouterr().out
    assert main(["scenarios", str(run_file), "--sort", "number", "--json"]) == 0
    rows = {row["scenario"]: row for row in json.loads(capsys.readouterr().out)["scenarios"]}
    _equal_the_devkits_own(trace, rows, tmp_path)
    needed = worker_memory(trace)
    assert needed is not None
    assert needed.by_kernel, "Ray kills its workers: their peaks are noted at the ends of scenarios"
    assert needed.per_worker_mb is not None
    ends = [row["memory_end_mb"] for row in rows.values()]
    assert max(ends) <= needed.per_worker_mb < 2 * max(ends)
    assert sum(worker.scenarios for worker in needed.workers) == SCENARIOS
    _have_lanes(trace, capsys)


def _equal_the_devkits_own(trace: nutrace.Trace, rows: Dict[str, Any], folder: Path) -> None:
    """Scenarios, steps, outcomes and times are those of the runner's report and of the simulation logs."""
    environ = devkit_environment(NUPLAN_MAPS_ROOT=str(folder / "data" / "dataset" / "maps"))
    script = str(Path(__file__).with_name("devkit_reports.py"))
    done = run_python([script, str(folder / "out")], environ, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told) == set(rows)
    first = min(told.values(), key=lambda each: each["start_s"])["start_s"]
    first_row = min(row["start_s"] for row in rows.values())
    for scenario in trace.simulations:
        says, row = told[scenario.token], rows[scenario.token]
        assert (row["outcome"] == "finished", row["log"], row["steps"]) == (
            says["finished"],
            says["log"],
            says["steps"],
        )
        assert row["start_s"] - first_row == pytest.approx(says["start_s"] - first, abs=0.1)
        assert scenario.span is not None
        until_last_step_ns = trace.end_ns[scenario.steps[-1]] - trace.start_ns[scenario.span]
        assert until_last_step_ns / 1e9 == pytest.approx(says["until_last_step_s"], rel=0.02, abs=0.1)
        assert row["wall_s"] > says["until_last_step_s"]


def _have_lanes(trace: nutrace.Trace, capsys: pytest.CaptureFixture[str]) -> None:
    """The lanes of the run, and the model, which has to give the run's own time for its own workers."""
    lanes = lanes_of(trace)
    assert lanes is not None
    assert lanes.kind == PROCESSES
    working = [lane for lane in lanes.workers if lane.scenarios]
    assert len(working) == 2
    assert sorted(number for lane in working for number in lane.scenarios) == list(range(1, SCENARIOS + 1))
    for lane in (lanes.driver, *lanes.workers):
        assert lane.spent_ns(*Doing) == lanes.wall_ns
        assert lane.spent_ns(Doing.UNACCOUNTED) == 0
    assert lanes.wall_ns == pytest.approx(trace.finish_ns - trace.begin_ns, rel=0.02)
    in_scenarios = sum(
        trace.end_ns[each.span] - trace.start_ns[each.span] for each in trace.simulations if each.span
    )
    assert sum(lane.spent_ns(Doing.BUSY) for lane in working) == in_scenarios
    assert sum(part.ns for part in lanes.serial) == lanes.serial_ns
    assert {"worker.build", "scenario.build", "config.compose"} <= {part.name for part in lanes.serial}
    assert lanes.processors
    assert 0 < (lanes.cores_used or 0) < lanes.processors + 0.5
    assert Model(trace, lanes).predict(2).ns == pytest.approx(lanes.wall_ns, rel=0.15)
    assert main(["workers", trace.path]) == 0
    said = capsys.readouterr().out
    assert f"{SCENARIOS} scenarios, 2 workers in processes of their own" in said
    assert "2 (now)" in said
