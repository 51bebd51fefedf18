"""`nutrace demo` as a user types it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, List, Optional

import pytest
from devkit import devkit_environment, needs_devkit, run_python

import nutrace
from nutrace.cli.main import main
from nutrace.demo import launch
from nutrace.demo.launch import Target, choose, fresh_run_file, run_traced

FAST = ["--miniature", "--steps", "3"]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child finds this checkout, whether or not it is installed."""
    root = str(Path(nutrace.__file__).parent.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))))


def test_reports_and_writes_three_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "new" / "results"
    assert main(["demo", "--output", str(directory), *FAST]) == 0
    captured = capsys.readouterr()
    assert sorted(os.listdir(directory)) == ["run.flamegraph.html", "run.json", "run.speedscope.json"]
    assert len(nutrace.load(str(directory / "run.json")).step_indices) == 3
    assert captured.out.startswith("Simulating a synthetic log under NUTRACE=1 with a miniature simulation")
    assert "Components in the steps" in captured.out
    assert f"open {directory}/run.flamegraph.html" in captured.out
    assert "nutrace: wrote" in captured.err


def test_earlier_results_stay(tmp_path: Path) -> None:
    assert main(["demo", "--output", str(tmp_path), *FAST]) == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["demo", "--output", str(tmp_path), *FAST]) == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name in before} == before
    assert (tmp_path / "run-1.json").exists()
    assert (tmp_path / "run-1.flamegraph.html").exists()


@pytest.mark.parametrize(
    "name", ["run.json", "run.json.partial", "run.flamegraph.html", "run.speedscope.json"]
)
def test_a_name_is_fresh_only_if_nothing_bears_it(tmp_path: Path, name: str) -> None:
    assert fresh_run_file(tmp_path).name == "run.json"
    (tmp_path / name).touch()
    assert fresh_run_file(tmp_path).name == "run-1.json"


@pytest.mark.parametrize("steps", ["0", "151", "-1"])
def test_bad_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str], steps: str) -> None:
    assert main(["demo", "--output", str(tmp_path / "out"), "--miniature", "--steps", steps]) == 2
    assert capsys.readouterr().err == f"nutrace: error: --steps must be 1 to 150, not {steps}\n"
    assert not list(tmp_path.iterdir())


def test_output_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--output", str(tmp_path / "file"), *FAST]) == 5
    assert capsys.readouterr().err.startswith("nutrace: error: cannot make ")


@pytest.mark.parametrize(
    ("script", "missing", "said", "devkit"),
    [
        (None, None, "this interpreter has no nuPlan devkit", False),
        ("run_simulation.py", "geopandas", "the devkit's maps need geopandas", False),
        ("run_simulation.py", "pyogrio", "the devkit's maps need pyogrio", False),
        ("run_simulation.py", None, "the nuPlan devkit's own run_simulation.py", True),
    ],
)
def test_it_says_what_it_simulates_with_and_why(
    monkeypatch: pytest.MonkeyPatch, script: Optional[str], missing: Optional[str], said: str, devkit: bool
) -> None:
    monkeypatch.setattr(launch, "_devkit_script", lambda: script)
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None if name == missing else name)
    target = choose()
    assert said in target.description
    assert target.is_devkit is devkit
    assert not choose(miniature=True).is_devkit


class Broken(Target):
    """A few lines of Python in place of a simulation."""

    code = ""

    def command(self, data: Any, steps: int) -> List[str]:
        return [sys.executable, "-c", self.code]


def test_a_failing_simulation_shows_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Broken, "code", "print('line before'); raise SystemExit('it broke')")
    monkeypatch.setattr("nutrace.cli.demo.choose", lambda miniature: Broken("a broken simulation"))
    assert main(["demo", "--output", str(tmp_path)]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-1] == "nutrace: error: the simulation failed with exit code 1"
    assert err[-3:-1] == ["line before", "it broke"]


def test_a_simulation_that_ran_untraced_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Broken, "code", "print('nutrace: cannot do that')")
    monkeypatch.setattr("nutrace.cli.demo.choose", lambda miniature: Broken("an untraced simulation"))
    assert main(["demo", "--output", str(tmp_path)]) == 8
    assert "ran untraced: nutrace: cannot do that" in capsys.readouterr().err


def test_the_child_is_no_part_of_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUTRACE_PARENT", "somebody else")
    monkeypatch.setenv("NUTRACE_OUTPUT", str(tmp_path / "elsewhere.json"))
    code = "import os; open(os.environ['NUTRACE_OUTPUT'], 'w').write(os.environ.get('NUTRACE_PARENT', ''))"
    monkeypatch.setattr(Broken, "code", code)
    run_traced(Broken("writes where it belongs to"), tmp_path / "run.json")
    assert "somebody else" not in (tmp_path / "run.json").read_text()
    assert not (tmp_path / "elsewhere.json").exists()


@needs_devkit
@pytest.mark.timeout(600)
def test_with_the_devkit_it_is_the_devkit(tmp_path: Path) -> None:
    done = run_python(["-m", "nutrace.cli.main", "demo", "--output", str(tmp_path)], devkit_environment())
    assert done.returncode == 0, done.stderr[-2000:]
    assert "the nuPlan devkit's own run_simulation.py" in done.stdout
    trace = nutrace.load(str(tmp_path / "run.json"))
    assert len(trace.step_indices) == 149
    lights = [
        i for i in range(len(trace)) if trace.name[i] == "scenario.get_traffic_light_status_at_iteration"
    ]
    assert sum(trace.calls[i] for i in lights) == 2 * 149
    assert sum(trace.yielded[i] for i in lights) == 2 * 149 * 23
