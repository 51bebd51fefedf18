"""Growth of memory: from made-up readings, and from simulations with a planner that keeps memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, List, Optional

import pytest
from fakes.otlp import document, write
from fakes.programs import finish, start

import nutrace
from nutrace import semconv
from nutrace.analysis.evaluation.memory_growth import BEFORE
from nutrace.analysis.evaluation.worker_memory import worker_memory
from nutrace.analysis.memory import Memory, memory
from nutrace.cli.main import main
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import load

MB = 1_000_000


def _scenario(place: int, start_mb: float, end_mb: float, planner: str = "A", **more: Any) -> Any:
    attributes = {
        semconv.COMPONENT: "simulation",
        semconv.PLANNER_NAME: planner,
        semconv.MEMORY_START: int(start_mb * MB),
        semconv.MEMORY: int(end_mb * MB),
        **more,
    }
    return (semconv.RUN_SPAN, place * 1_000, place * 1_000 + 900, [], attributes)


def _memory(tmp_path: Path, *scenarios: Any, peak: int = 900 * MB) -> Optional[Memory]:
    resource = {"process.pid": 4711, semconv.MEMORY_PEAK: peak}
    return memory(load(write(tmp_path / "run.json", document(*scenarios, resource=resource))))


def test_steady_growth_is_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = (0.3, -0.2, 0.1, 0.0, -0.4, 0.4)
    scenarios = [
        _scenario(place, 500 + 20.1 * place, 520 + 20.1 * place + off) for place, off in enumerate(noise)
    ]
    found = _memory(tmp_path, *scenarios)
    assert found is not None
    (growth,) = found.growth
    assert (growth.pid, growth.planner, growth.scenarios, growth.steady) == (4711, "A", 6, True)
    assert growth.per_scenario == pytest.approx(20.1 * MB, rel=0.01)
    assert main(["report", str(tmp_path / "run.json")]) == 0
    text = capsys.readouterr().out
    assert "With A memory grew by 20.0 MB a scenario over 6 scenarios in process 4711" in text
    assert "900.0 MB resident" in text
    assert main(["report", str(tmp_path / "run.json"), "--json"]) == 0
    part = json.loads(capsys.readouterr().out)["memory"]
    assert part["growth_mb_per_scenario"] == pytest.approx(20.1, rel=0.01)
    assert (part["peak_mb"], part["scenarios"], part["planner"], part["steady"]) == (900.0, 6, "A", True)


def test_what_the_first_scenarios_load_is_no_growth(tmp_path: Path) -> None:
    ends = [431.4, 454.9, 456.0, 456.7, 457.6]  # of a worker of Ray
    found = _memory(tmp_path, *(_scenario(place, 384, end) for place, end in enumerate(ends)))
    assert found is not None
    (growth,) = found.growth
    assert growth.per_scenario == pytest.approx(1 * MB, rel=0.1)
    assert not growth.steady
    leaking = [_scenario(place, 384, end + 20 * place) for place, end in enumerate(ends)]
    found = _memory(tmp_path, *leaking)
    assert found is not None
    (growth,) = found.growth
    assert growth.per_scenario == pytest.approx(21 * MB, rel=0.1)
    assert growth.steady


def test_a_thousand_scenarios_in_one_process(tmp_path: Path) -> None:
    scenarios = [_scenario(place, 500, 520 + 2 * place + place % 7) for place in range(1_100)]
    found = _memory(tmp_path, *scenarios)
    assert found is not None
    assert found.growth[0].per_scenario == pytest.approx(2 * MB, rel=0.01)


@pytest.mark.parametrize("ends", [[520.0], [520, 521], [520, 540], [520, 590, 525, 530], [520, 500, 480]])
def test_what_may_be_chance_is_not_stated(tmp_path: Path, ends: List[float]) -> None:
    found = _memory(tmp_path, *(_scenario(place, 500, end) for place, end in enumerate(ends)))
    assert found is not None
    assert not found.growth[0].steady
    assert (found.growth[0].per_scenario is None) == (len(ends) == 1)


def test_two_planners_that_take_turns(tmp_path: Path) -> None:
    scenarios, now = [], 500.0
    for place in range(8):
        gain = 20 if place % 2 else 0
        scenarios.append(_scenario(place, now, now + gain, "leaky" if gain else "tidy"))
        now += gain
    found = _memory(tmp_path, *scenarios)
    assert found is not None
    by_planner = {growth.planner: growth for growth in found.growth}
    assert by_planner["leaky"].per_scenario == pytest.approx(20 * MB)
    assert by_planner["leaky"].steady
    assert by_planner["tidy"].per_scenario == 0
    assert not by_planner["tidy"].steady


def test_without_readings_there_is_no_section(tmp_path: Path) -> None:
    assert memory(load(write(tmp_path / "run.json", document(("a", 0, 1), resource={})))) is None


LEAKY = """
import sys
from nutrace.demo import probes
from nutrace.demo.miniature import planner, runner
from nutrace import session

kept = []

class LeakyPlanner(planner.IDMPlanner):
    def name(self):
        return "leaky"
    def initialize(self, *args):
        super().initialize(*args)
        kept.append(bytearray(20_000_000))

session._session.engine.add(probes.PROBES)
runner.IDMPlanner = LeakyPlanner
if len(sys.argv) > 3:
    LeakyPlanner._model = None
    def initialize(self, *args):
        planner.IDMPlanner.initialize(self, *args)
        self._model = bytes(50_000_000)
    LeakyPlanner.initialize = initialize
for _ in range(4):
    runner.run_simulation(sys.argv[1], sys.argv[2], ["scenario.frames=12"])
"""


def _simulate(tmp_path: Path, *more: str) -> Any:
    log = str(tmp_path / "log.db")
    write_log(log, LogSpec(seconds=27, agents=5, traffic_lights=2))
    (tmp_path / "program.py").write_text(LEAKY)
    process = start(tmp_path, ["program.py", log, str(tmp_path / "output"), *more])
    ended = finish(tmp_path, process)
    assert ended.code == 0, ended.err
    return ended


def test_a_planner_that_grows_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = _simulate(tmp_path)
    found = memory(ended.trace)
    assert found is not None
    (growth,) = found.growth
    assert (growth.planner, growth.steady) == ("leaky", True)
    assert growth.per_scenario == pytest.approx(20 * MB, rel=0.15)
    assert found.peak >= growth.last_end
    needed = worker_memory(ended.trace)
    assert needed is not None
    assert (needed.by_kernel, needed.driver_simulates, needed.steady) == (True, True, True)
    # planner.initialize keeps it, which runs before the steps.
    first = needed.grew_in[0]
    assert first.part == BEFORE
    assert first.per_scenario == pytest.approx(20 * MB, rel=0.15)
    assert "planner" in [name for name, _ in first.components]
    assert main(["report", str(tmp_path / "run.json")]) == 0
    assert "With leaky memory grew by " in capsys.readouterr().out
    steps = [span for span in ended.trace if semconv.MEMORY in span.attributes]
    assert any(span.name == semconv.STEP_SPAN for span in steps)
    frame = nutrace.load(tmp_path / "run.json").steps()
    assert frame.memory_mb.dropna().between(10, 2_000).all()
    assert 0 < frame.memory_mb.count() <= len(frame)


def test_a_model_inside_the_simulation_log_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _simulate(tmp_path, "with a model")
    assert main(["report", str(tmp_path / "run.json"), "--json"]) == 0
    log = json.loads(capsys.readouterr().out)["simulation_log"]
    assert log["count"] >= 4
    assert log["complete"]
    assert log["parts_mb"]["planner._model"] == pytest.approx(50.0, abs=0.1)
    assert log["mb_per_scenario"] == pytest.approx(50.0, abs=2)
    assert log["planner"] == "__main__.LeakyPlanner"
    assert main(["report", str(tmp_path / "run.json")]) == 0
    text = capsys.readouterr().out
    assert "MB pickled for each scenario" in text
    assert "planner 50." in text
    assert "(of it _model 50.0)" in text
    assert "The planner is 100% of it" in text
