"""``nutrace probes`` as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from devkit import devkit_python, needs_devkit

import nutrace
from nutrace.cli.main import main
from nutrace.errors import MissingDependencyError, ProbeError
from nutrace.probes.catalogue import built_in

ROOT = Path(nutrace.__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("NUTRACE_")]:
        monkeypatch.delenv(name)


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Dict[str, Any]:
    assert main(["probes", "--json", *arguments]) == 0
    document: Dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_lists_every_probe_once_under_its_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line for line in lines[:-2] if not line.startswith(" ")]
    assert len(headings) == len(set(headings)) == 18
    for probe in built_in():
        assert sum({probe.span_name, probe.target} <= set(line.split()) for line in lines) == 1
    assert lines[-1].startswith(f"{len(built_in())} probes: ")


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    main(["probes", "--component", "history"])
    rows = [line for line in capsys.readouterr().out.splitlines() if "nuplan." in line]
    assert len({row.index("nuplan.") for row in rows}) == 1


def test_level_and_component_select(capsys: pytest.CaptureFixture[str]) -> None:
    coarse = _json(capsys, "--level", "coarse")["probes"]
    normal = _json(capsys, "--level", "normal", "--component", "planner")["probes"]
    assert {row["level"] for row in coarse} == {"coarse"}
    assert {row["component"] for row in normal} == {"planner"}
    assert {row["level"] for row in normal} == {"coarse", "normal"}


def test_probe_file_is_listed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "probes.toml"
    file.write_text("[[probe]]\ntarget = 'mine.planner:search'\ncomponent = 'planner'\n")
    monkeypatch.setenv("NUTRACE_PROBES", str(file))
    targets = [row["target"] for row in _json(capsys, "--component", "planner")["probes"]]
    assert "mine.planner:search" in targets


def test_hostile_span_name_stays_on_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "probes.toml"
    file.write_text('[[probe]]\ntarget = "a:b"\nname = "two\\nlines\\u001b[31m"\n')
    monkeypatch.setenv("NUTRACE_PROBES", str(file))
    main(["probes", "--component", "other"])
    assert capsys.readouterr().out.splitlines()[1].split() == ["normal", r"two\nlines\x1b[31m", "a:b"]


def test_bad_probe_file_is_one_line_and_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "probes.toml"
    file.write_text("[[probe]]\ntarget = 'mine'\n")
    monkeypatch.setenv("NUTRACE_PROBES", str(file))
    assert main(["probes"]) == ProbeError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"{file}: [[probe]] number 1: bad probe target 'mine'" in captured.err


def test_check_without_a_devkit_is_one_line_and_exit_code_8(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["probes", "--check"]) == MissingDependencyError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nutrace: error: no nuPlan devkit for ")


@pytest.fixture
def little_devkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package called nuplan with only one of the probed modules, which prints when it is imported."""
    package = tmp_path / "nuplan" / "planning" / "script"
    package.mkdir(parents=True)
    (package / "utils.py").write_text("print('noise')\ndef run_runners(): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "nuplan"]:
        del sys.modules[name]


def test_missing_targets_are_inactive_and_not_an_error(
    little_devkit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probes", "--check", "--component", "simulation"]) == 0
    *table, verdict = capsys.readouterr().out.splitlines()
    assert verdict == (
        f"nuPlan devkit (version unknown) in {little_devkit}: "
        f"1 of {len(table) - 3} targets present, {len(table) - 4} missing and therefore inactive"
    )
    (present,) = [line for line in table if "script.utils:run_runners" in line]
    assert "missing:" not in present
    assert sum("missing: ModuleNotFoundError" in line for line in table) == len(table) - 4
    assert "noise" not in table


@pytest.fixture
def devkit_check(tmp_path: Path) -> Dict[str, Any]:
    """``nutrace probes --check --json`` by the devkit's interpreter, with a probe misspelled."""
    file = tmp_path / "probes.toml"
    file.write_text("[[probe]]\ntarget = 'nuplan.planning.simulation.simulation:Simulation.porpagate'\n")
    finished = subprocess.run(
        [devkit_python() or sys.executable, "-m", "nutrace.cli.main", "probes", "--check", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUTRACE_PROBES": str(file)},
        check=True,
        stdout=subprocess.PIPE,
    )
    document: Dict[str, Any] = json.loads(finished.stdout)
    return document


@needs_devkit
def test_the_devkit_has_every_target_of_the_catalogue(devkit_check: Dict[str, Any]) -> None:
    missing: List[Dict[str, Any]] = [row for row in devkit_check["probes"] if not row["present"]]
    assert [row["missing"] for row in missing] == [
        "nuplan.planning.simulation.simulation has no Simulation.porpagate"
    ]
    assert devkit_check["summary"] == {
        "probes": len(built_in()) + 1,
        "present": len(built_in()),
        "missing": 1,
    }
    assert devkit_check["devkit"]["version"]
    assert Path(devkit_check["devkit"]["path"]).is_dir()
