"""What notebooks simulate with: the commands simulate what was asked for, and are traced by NUTRACE=1."""

from __future__ import annotations

import pstats
import subprocess
import sys
from pathlib import Path

import pytest
from devkit import devkit_environment, devkit_python, needs_devkit
from fakes.programs import environment

import nutrace
from nutrace.demo.simulator import TYPES, VARIABLE, Simulator, simulator
from nutrace.errors import InputError

OWN_PLANNER = """
import copy

from nutrace.demo.miniature.planner import IDMPlanner


class Own(IDMPlanner):
    def compute_planner_trajectory(self, current_input):
        copy.deepcopy([1, 2])
        return super().compute_planner_trajectory(current_input)
"""


def _run(command: str, run_file: Path) -> nutrace.Trace:
    environ = environment(NUTRACE="1", NUTRACE_OUTPUT=str(run_file))
    done = subprocess.run(command, shell=True, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return nutrace.load(run_file)


def test_the_miniature_simulates_several_scenarios(tmp_path: Path) -> None:
    chosen = simulator(miniature=True)
    assert not chosen.is_devkit
    chosen.synth(tmp_path / "data", "--seconds", "40")
    command = chosen.command(tmp_path / "data", tmp_path / "results", scenarios=5, seconds=0.6)
    trace = _run(command, tmp_path / "run.json")
    assert [len(each.steps) for each in trace.simulations] == [6] * 5
    assert len({each.token for each in trace.simulations}) == 5
    assert {each.type for each in trace.simulations} <= set(TYPES)


def test_a_planner_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_planner.py").write_text(OWN_PLANNER, encoding="utf-8")
    chosen = simulator(miniature=True)
    chosen.synth("data")
    command = chosen.command("data", "results", seconds=0.5, planner_class="own_planner.Own")
    trace = _run(command, tmp_path / "run.json")
    assert [each.planner for each in trace.simulations] == ["Own"]
    assert list(trace.steps()["deep_copies"]) == [1] * 5


def test_options_for_the_interpreter(tmp_path: Path) -> None:
    chosen = simulator(miniature=True)
    chosen.synth(tmp_path / "data")
    profile = tmp_path / "it.prof"
    command = chosen.command(
        tmp_path / "data", tmp_path / "results", seconds=0.5, python=["-m", "cProfile", "-o", str(profile)]
    )
    assert len(_run(command, tmp_path / "run.json").finished_steps) == 5
    assert any(name == "run_simulation" for _, _, name in pstats.Stats(str(profile)).stats)


@needs_devkit
@pytest.mark.timeout(300)
def test_the_devkit_simulates_several_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(devkit_python()))
    monkeypatch.setenv("PYTHONPATH", devkit_environment()["PYTHONPATH"])
    chosen = simulator()
    assert chosen.is_devkit
    chosen.synth(tmp_path / "data", "--seconds", "40")
    command = chosen.command(tmp_path / "data", tmp_path / "results", scenarios=3, seconds=1)
    trace = _run(command, tmp_path / "run.json")
    assert len({each.token for each in trace.simulations}) == 3
    assert [len(each.steps) for each in trace.simulations] == [9] * 3


def test_a_variable_that_names_no_devkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    with pytest.raises(InputError, match="cannot run"):
        simulator()
    if devkit_python() != sys.executable:
        monkeypatch.setenv(VARIABLE, sys.executable)
        with pytest.raises(InputError, match="nuplan"):
            simulator()
    assert simulator(miniature=True) == Simulator(sys.executable)


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nutrace synth"):
        Simulator(sys.executable).command(tmp_path, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a directory"):
        Simulator(sys.executable).synth(tmp_path / "file")
