"""Scenarios of a real simulation that Ray spreads over processes, and the addresses of their steps.

Ray starts its workers for minutes on a busy machine, so this runs with NUTRACE_DEVKIT_MATRIX=1 only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from devkit import MARKS, STEPS, simulate, synthesize

import nutrace
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
    assert [scenario.number for scenario in trace.scenarios] == list(range(1, SCENARIOS + 1))
    assert len({scenario.token for scenario in trace.scenarios}) == SCENARIOS
    for scenario in trace.scenarios:
        assert (scenario.outcome, scenario.attempt, scenario.planner) == ("finished", 1, "SimplePlanner")
        assert scenario.type in WORDS[0]
        assert scenario.log
    processes = {trace.threads[trace.thread[scenario.span or 0]].resource for scenario in trace.scenarios}
    assert len(processes) > 1, "all scenarios ran in one process"
    every = [(number, step) for number in range(1, SCENARIOS + 1) for step in range(STEPS)]
    assert sorted(trace.step_addresses) == every

    scenario = trace.scenarios[2]
    words = ("--scenario", scenario.token[:6], "--steps", "10:20")
    assert main(["report", str(run_file), "--json", *words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["steps"]["count"] == 10
    assert said["selection"] == f"steps 10 to 19 of scenario {scenario.token} ({scenario.type})"
    part = select(trace, scenario=3, steps="10:20")
    assert part.step_addresses == [(3, step) for step in range(10, 20)]
    assert main(["report", str(run_file)]) == 0
    assert f"{SCENARIOS} scenarios: all finished." in capsys.readouterr().out
