"""A planner of the user's own in the miniature, on several scenarios of a log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

import nutrace
from nutrace.demo.miniature.config import ConfigError, compose, group
from nutrace.demo.miniature.road_map import RoadMap
from nutrace.demo.miniature.runner import planner_class, run_simulation
from nutrace.demo.miniature.scenario import LogScenario, ScenarioBuilder
from nutrace.synthetic import LogSpec, write_log

STEPS = 4
TYPES = "scenario.type=low_magnitude_speed,medium_magnitude_speed,high_magnitude_speed"
OPTIONS = [TYPES, "scenario.offset_s=0", f"scenario.frames={STEPS + 1}"]
PLANNER = """
from nutrace.demo.miniature.planner import AbstractPlanner
from nutrace.demo.miniature.state import Trajectory
from dataclasses import replace


class StandingPlanner(AbstractPlanner):
    def initialize(self, road_map, route):
        self.route = list(route)

    def compute_planner_trajectory(self, current_input):
        ego, _ = current_input.history.current_state
        stopped = replace(ego, time_us=ego.time_us + 8_000_000, speed=0.0)
        return Trajectory([ego, stopped])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own")
    (path / "standing_planner.py").write_text(PLANNER)
    write_log(str(path / "log.db"), LogSpec(seconds=40, agents=12, traffic_lights=3))
    return path


def simulated(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the miniature as a user does, in the folder with the planner."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    root = str(Path(nutrace.__file__).parent.parent)
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environ.get("PYTHONPATH"))))
    environ.update(NUTRACE="1", NUTRACE_OUTPUT=str(folder / "run.json"))
    command = [sys.executable, "-m", "nutrace.demo", "log.db", "out", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, cwd=folder)


def chosen(folder: Path, *words: str) -> List[LogScenario]:
    options = group(compose([*OPTIONS, *words]), "scenario")
    return ScenarioBuilder(str(folder / "log.db")).get_scenarios(options, 2.0)


def test_a_planner_of_the_current_directory_is_traced_in_several_scenarios(folder: Path) -> None:
    words = [*OPTIONS, "scenario.count=3", "planner.class=standing_planner.StandingPlanner"]
    done = simulated(folder, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{STEPS} steps with StandingPlanner") == 3
    trace = nutrace.load(folder / "run.json")
    assert [each.planner for each in trace.simulations] == ["StandingPlanner"] * 3
    assert len(trace.step_indices) == 3 * STEPS
    computed = [i for i in range(len(trace)) if trace.name[i] == "planner.compute"]
    assert sum(trace.calls[i] for i in computed) == 3 * STEPS
    assert len(list((folder / "out" / "metrics").iterdir())) == 3


def test_scenarios_lie_in_the_log_with_what_is_before_them(folder: Path) -> None:
    scenarios = sorted(chosen(folder, "scenario.count=99"), key=lambda each: each.get_time_point(0))
    assert len(scenarios) == 19  # one every 2 s, from 2 s to 38 s
    assert all(scenario.get_number_of_iterations() == STEPS + 1 for scenario in scenarios)
    past = list(scenarios[0].get_ego_past_trajectory(2.0))
    assert len(past) == 20
    assert past[-1].time_us < scenarios[0].get_time_point(0)
    longer = chosen(folder, "scenario.count=99", "scenario.frames=201")
    assert 0 < len(longer) < len(scenarios)
    assert {each.get_number_of_iterations() for each in longer} == {201}


def test_the_last_scenario_has_its_lanes_on_the_map(folder: Path) -> None:
    scenarios = chosen(folder, "scenario.count=99")
    assert len({id(scenario.map_api) for scenario in scenarios}) == 1
    last = scenarios[-1]
    for roadblock in last.get_route_roadblock_ids()[:4]:
        assert last.map_api.lanes_of(roadblock)
    assert isinstance(last.map_api, RoadMap)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere.planner.Planner", "no module nowhere"),
        ("Planner", "write package.module.Class"),
        ("nutrace.demo.miniature.planner.Planner", "has no AbstractPlanner Planner"),
        ("nutrace.demo.miniature.planner.Obstacle", "has no AbstractPlanner Obstacle"),
    ],
)
def test_a_path_that_is_no_planner_is_said(path: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        planner_class(path)


def test_an_import_that_fails_inside_the_planners_module_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        planner_class("needs_more.Planner")


def test_a_log_without_such_scenarios_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no whole scenario of the types nothing"):
        run_simulation(str(folder / "log.db"), str(tmp_path), ["scenario.type=nothing"])


def test_what_is_wrong_is_one_line_for_the_user(folder: Path) -> None:
    done = simulated(folder, "planner.class=nowhere.Planner")
    assert done.returncode == 2
    assert "error: planner.class=nowhere.Planner: there is no module nowhere\n" in done.stderr
    assert "Traceback" not in done.stderr
