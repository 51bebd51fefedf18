"""On the real devkit's classes: a planner that grows is named, and a model in a simulation log is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from devkit import MARKS, devkit_environment, run_python

from nutrace.analysis.memory import memory
from nutrace.analysis.simulation_logs import simulation_logs
from nutrace.trace import load

pytestmark = [*MARKS, pytest.mark.timeout(300)]

_PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from nuplan.planning.simulation.history.simulation_history import SimulationHistory
from nuplan.planning.simulation.planner.simple_planner import SimplePlanner
from nuplan.planning.simulation.runner.simulations_runner import SimulationRunner
from nuplan.planning.simulation.simulation_log import SimulationLog

class Growing(SimplePlanner):
    _kept = []

class Runner(SimulationRunner):
    def __init__(self, planner, scenario):
        self._simulation = SimpleNamespace(scenario=scenario)
        self._planner = planner

    def run(self):
        Growing._kept.append(bytearray(20_000_000))
        history = SimulationHistory(None, None, [])
        file = Path(sys.argv[1]) / f"{self.scenario.token}.msgpack.xz"
        SimulationLog(file, self.scenario, self.planner, history).save_to_file()

planner = Growing(horizon_seconds=1.0, sampling_time=0.5, acceleration=[0.0, 0.0])
planner._model = bytes(50_000_000)
for number in range(4):
    Runner(planner, SimpleNamespace(token=str(number), scenario_type="t", log_name="l")).run()
"""


def test_growth_and_a_model_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    environ = devkit_environment(NUTRACE="1", NUTRACE_OUTPUT=str(tmp_path / "run.json"))
    done = run_python([str(tmp_path / "program.py"), str(tmp_path)], environ, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fault" not in done.stderr
    trace = load(tmp_path / "run.json")
    found = memory(trace)
    assert found is not None
    (growth,) = found.growth
    assert (growth.planner, growth.scenarios) == ("Growing", 4)
    assert growth.steady
    assert growth.per_scenario == pytest.approx(20e6, rel=0.25)
    logs = simulation_logs(trace)
    assert logs is not None
    assert (logs.count, logs.complete, logs.planner) == (4, True, "__main__.Growing")
    assert logs.parts["planner._model"] == pytest.approx(50e6, rel=0.001)
