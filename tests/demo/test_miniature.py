"""The miniature: the query pattern that it is there for, and results that make sense."""

from __future__ import annotations

import ast
import copy
import json
import lzma
import pickle
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, List, Sequence

import pytest

import nutrace.demo.miniature as miniature
from nutrace.demo.miniature import metadata, query_session
from nutrace.demo.miniature.callback import MultiCallback
from nutrace.demo.miniature.config import ConfigError, compose, group
from nutrace.demo.miniature.history import History
from nutrace.demo.miniature.runner import run_simulation
from nutrace.demo.miniature.simulation_log import SimulationLog
from nutrace.synthetic import LogSpec, write_log

STEPS = 12
LIGHTS = 23


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("log") / "log.db")
    write_log(path, LogSpec(seconds=27, agents=20, traffic_lights=LIGHTS))
    return path


class Recorded:
    """What SQLite was asked, and how many rows it gave."""

    def __init__(self) -> None:
        self.statements: List[str] = []
        self.rows: List[int] = []
        self.connections = 0

    def connect(self, path: str) -> sqlite3.Connection:
        recorded = self

        class Cursor(sqlite3.Cursor):
            def __next__(self) -> Any:
                row = super().__next__()
                recorded.rows[-1] += 1
                return row

            def execute(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:  # type: ignore[override]
                recorded.rows.append(0)
                return super().execute(query, parameters)

        class Connection(sqlite3.Connection):
            def cursor(self) -> sqlite3.Cursor:  # type: ignore[override]
                return super().cursor(Cursor)

        connection: sqlite3.Connection = self.original(path, factory=Connection)
        connection.set_trace_callback(self.statements.append)
        self.connections += 1
        return connection

    original = staticmethod(sqlite3.connect)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    found = Recorded()
    monkeypatch.setattr(query_session.sqlite3, "connect", found.connect)
    monkeypatch.setattr(metadata, "_sqlalchemy", None)
    return found


def test_two_traffic_light_queries_a_step_each_with_a_row_a_light(
    log_file: str, tmp_path: Path, recorded: Recorded
) -> None:
    (report,) = run_simulation(log_file, str(tmp_path), [f"scenario.frames={STEPS + 1}"])
    assert report.steps == STEPS
    lights = [
        rows
        for statement, rows in zip(recorded.statements, recorded.rows)
        if "traffic_light_status" in statement
    ]
    assert lights == [LIGHTS] * (2 * STEPS)


def test_every_query_opens_a_connection(log_file: str, tmp_path: Path, recorded: Recorded) -> None:
    run_simulation(log_file, str(tmp_path), [f"scenario.frames={STEPS + 1}"])
    assert recorded.connections == len(recorded.statements) == len(recorded.rows) > 6 * STEPS
    # Most of what is asked was asked before: light and time queries come twice a step.
    assert Counter(recorded.statements).most_common(1)[0][1] >= 2


def test_all_of_a_scenario_is_150_steps(log_file: str, tmp_path: Path) -> None:
    (report,) = run_simulation(log_file, str(tmp_path))
    assert report.steps == 150
    metrics = json.loads((tmp_path / "metrics" / f"{report.scenario_token}.json").read_text())
    assert {name for name, found in metrics.items() if not found["passes"]} == set()
    assert 0.5 < metrics["progress"]["value"] < 1.5  # it drives about as far as the driver did
    token, planner, history = load_log(tmp_path, report.scenario_token)
    assert (token, planner) == (report.scenario_token, "IDMPlanner")
    assert [sample.iteration.index for sample in history.samples] == list(range(150))
    # The controller follows the plan: what was planned for the next step is about where it came.
    for sample, following in zip(history.samples, history.samples[1:]):
        planned = sample.trajectory.at(following.iteration.time_us)
        assert abs(planned.x - following.ego_state.x) < 0.2
        assert abs(planned.y - following.ego_state.y) < 0.2


def test_results_are_the_same_each_time(log_file: str, tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        (report,) = run_simulation(log_file, str(tmp_path / name), [f"scenario.frames={STEPS + 1}"])
        runs.append(load_log(tmp_path / name, report.scenario_token))
    for one, other in zip(runs[0][2].samples, runs[1][2].samples):
        assert (one.iteration, one.ego_state, one.observation) == (
            other.iteration,
            other.ego_state,
            other.observation,
        )


def test_nothing_is_copied_inside_a_step(
    log_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the devkit, whose deep copies come from composing its configuration."""
    inside, copies = [False], Counter[bool]()
    original, start, end = copy.deepcopy, MultiCallback.on_step_start, MultiCallback.on_step_end

    def deepcopy(value: Any) -> Any:
        copies[inside[0]] += 1
        return original(value)

    def on_step_start(self: MultiCallback, *args: Any) -> None:
        inside[0] = True
        start(self, *args)

    def on_step_end(self: MultiCallback, *args: Any) -> None:
        end(self, *args)
        inside[0] = False

    monkeypatch.setattr(copy, "deepcopy", deepcopy)
    monkeypatch.setattr(MultiCallback, "on_step_start", on_step_start)
    monkeypatch.setattr(MultiCallback, "on_step_end", on_step_end)
    run_simulation(log_file, str(tmp_path), [f"scenario.frames={STEPS + 1}"])
    assert copies[True] == 0
    assert copies[False] > 3


def test_metadata_are_the_same_with_and_without_sqlalchemy(
    log_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy")

    def read() -> Any:
        return metadata.read_log_metadata(log_file), metadata.read_tags(log_file, "medium_magnitude_speed")

    assert metadata.has_sqlalchemy()
    through_sqlalchemy = read()
    monkeypatch.setattr(metadata, "_sqlalchemy", None)
    assert not metadata.has_sqlalchemy()
    assert read() == through_sqlalchemy
    assert len(through_sqlalchemy[1]) > 3


def test_groups_of_the_configuration_are_copies() -> None:
    config = compose(["scenario.frames=5", "planner.target_velocity=3.5"])
    assert group(config, "scenario")["frames"] == 5
    assert group(config, "planner")["target_velocity"] == 3.5
    group(config, "scenario")["frames"] = 9
    assert config["scenario"]["frames"] == 5
    assert compose([])["scenario"]["frames"] == 151
    with pytest.raises(ConfigError, match="no option scenario"):
        compose(["scenario.nothing=1"])
    with pytest.raises(ConfigError, match="no option planner"):
        compose(["planner=idm_planner"])
    with pytest.raises(ConfigError, match="of type int"):
        compose(["scenario.frames=many"])


def test_simulation_modules_know_nothing_of_nutrace() -> None:
    """They are traced from outside, as the devkit is; of ours they use the synthetic road."""
    for file in Path(miniature.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name is not None
                if name.startswith("nutrace"):
                    assert name.startswith(("nutrace.demo.miniature", "nutrace.synthetic")), (file, name)


def load_log(directory: Path, token: str) -> tuple[str, str, History]:
    with lzma.open(directory / "simulation_log" / f"{token}.pkl.xz") as file:
        log: SimulationLog = pickle.load(file)
    return log.scenario_token, log.planner.name(), log.simulation_history
