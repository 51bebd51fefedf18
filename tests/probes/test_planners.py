"""Probes of planners where their packages are not what they expect, and the steps of navsim."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Dict, Iterator

import pytest
from fakes.tracing import Tracing

from nutrace import semconv
from nutrace.analysis import divide, each_step
from nutrace.probes.catalogue import planner_catalogues, planner_of
from nutrace.probes.catalogue.check import check_planner
from nutrace.probes.probe import Probe

PROBES: Dict[str, tuple[Probe, ...]] = {planner.name: planner.load() for planner in planner_catalogues()}

NAVSIM = {
    "common/dataloader": """
        class MetricCacheLoader:
            def get_from_token(self, token):
                return {"token": token}
        """,
    "evaluate/pdm_score": """
        def pdm_score(metric_cache, trajectory):
            return len(trajectory)
        """,
    "agents/abstract_agent": """
        class AbstractAgent:
            def initialize(self):
                raise NotImplementedError
            def forward(self, features):
                raise NotImplementedError
            def compute_trajectory(self, agent_input):
                return self.forward(agent_input)
        """,
    "script": """
        from navsim.common.dataloader import MetricCacheLoader
        from navsim.agents.abstract_agent import AbstractAgent
        from navsim.evaluate.pdm_score import pdm_score

        class Agent(AbstractAgent):
            def forward(self, features):
                if features["token"] == "bad":
                    raise ValueError("no plan")
                return [0, 1]

        def run(tokens):
            loader, agent, scores = MetricCacheLoader(), Agent(), []
            for token in tokens:
                try:
                    cache = loader.get_from_token(token)
                    scores.append(pdm_score(cache, agent.compute_trajectory(cache)))
                except ValueError:
                    scores.append(None)
            return scores
        """,
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for packages named as planners' packages are."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("navsim", "src")]:
        del sys.modules[name]


def _write(folder: Path, sources: Dict[str, str]) -> None:
    for name, source in sources.items():
        file = folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = source.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        file.write_text("\n".join(line[indent:] for line in lines) + "\n", encoding="utf-8")


def test_a_step_of_navsim_is_a_token(package: Path, recorded: Tracing) -> None:
    _write(package / "navsim", NAVSIM)
    with recorded(*PROBES["navsim"]):
        scores = importlib.import_module("navsim.script").run(["a", "bad", "b"])
    assert scores == [2, None, 2]
    assert recorded.shape() == [
        (semconv.STEP_SPAN, [("planner.compute", ["model.forward"])]),
        (semconv.STEP_SPAN, [("planner.compute", ["model.forward"])]),
        (semconv.STEP_SPAN, [("planner.compute", ["model.forward"])]),
    ]
    a, bad, b = recorded.spans(semconv.STEP_SPAN)
    assert [step.attributes[semconv.SCENARIO_TOKEN] for step in (a, bad, b)] == ["a", "bad", "b"]
    unfinished = [step.attributes.get(semconv.UNFINISHED, False) for step in (a, bad, b)]
    assert unfinished == [False, True, False]
    finished = each_step(recorded.trace, divide(recorded.trace))
    assert [step.token for step in finished] == ["a", "b"]
    assert recorded.faults == []


def test_planners_that_share_a_packages_name_leave_each_other_alone(
    package: Path, recorded: Tracing, capfd: pytest.CaptureFixture[str]
) -> None:
    """planTF and pluto are both ``src``; so may be a user's own project."""
    own = {probe.module for probe in PROBES["pluto"]}
    assert own.isdisjoint(probe.module for probe in PROBES["planTF"])
    module = package / "src" / "planners" / "pluto_planner.py"
    module.parent.mkdir(parents=True)
    module.write_text("class PlutoPlanner:\n    def _run_planning_once(self): ...\n", encoding="utf-8")
    with warnings.catch_warnings(), recorded(*PROBES["planTF"], *PROBES["pluto"]) as session:
        warnings.simplefilter("error")
        planner = importlib.import_module("src.planners.pluto_planner").PlutoPlanner()
        planner._run_planning_once()
        assert session.engine.applied == ["src.planners.pluto_planner:PlutoPlanner._run_planning_once"]
    assert recorded.calls("pluto.plan") == 1
    assert {target.partition(":")[0] for target in recorded.missing} == {"src.planners.pluto_planner"}
    assert recorded.faults == []
    assert capfd.readouterr().err == ""
    found = {planner.name: check_planner(planner, planner.load()) for planner in planner_catalogues()}
    assert [name for name, each in found.items() if each.installed] == ["pluto"]
    assert found["pluto"].present == 1


def test_a_package_that_cannot_be_imported_is_no_planner(package: Path) -> None:
    (package / "src").mkdir()
    (package / "src" / "__init__.py").write_text("raise SystemExit('not today')", encoding="utf-8")
    planner = next(planner for planner in planner_catalogues() if planner.name == "planTF")
    assert not check_planner(planner, planner.load()).installed


def test_probes_say_which_planner_they_are_on() -> None:
    assert {planner_of(probe) for probes in PROBES.values() for probe in probes} == set(PROBES)
    assert planner_of(Probe("a:b")) == ""
