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
from nutrace.probes.catalogue import built_in, planner_catalogues, planner_of

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
    assert headings[18:] == [planner.name for planner in planner_catalogues()]
    assert len(set(headings[:18])) == 18
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
    *table, verdict, interplan, navsim = capsys.readouterr().out.splitlines()
    assert (interplan, navsim) == ("interPlan: not installed", "navsim: not installed")
    assert verdict == (
        f"nuPlan devkit (version unknown) in {little_devkit}: "
        f"1 of {len(table) - 3} targets present, {len(table) - 4} missing and therefore inactive"
    )
    (present,) = [line for line in table if "script.utils:run_runners" in line]
    assert "missing:" not in present
    assert sum("missing: ModuleNotFoundError" in line for line in table) == len(table) - 4
    assert "noise" not in table


@pytest.fixture
def little_planner(little_devkit: Path) -> Iterator[None]:
    """A little of planTF: the planner without most of its methods, and a module that cannot be imported."""
    for name, source in (
        ("planners/imitation_planner", "class ImitationPlanner:\n    def _planning(self): ...\n"),
        ("models/planTF/modules/map_encoder", "import natten_is_not_there\n"),
    ):
        file = little_devkit / "src" / f"{name}.py"
        file.parent.mkdir(parents=True)
        file.write_text(source, encoding="utf-8")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "src"]:
        del sys.modules[name]


def test_planners_have_a_line_each_and_what_they_lack(
    little_planner: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probes", "--check"]) == 0
    output = capsys.readouterr().out
    lines = output[output.index("tuplan_garage: not installed") :].splitlines()
    targets = sum(planner_of(probe) == "planTF" for probe in built_in())
    place = lines.index(f"planTF: 1 of {targets} targets")
    reasons = lines[place + 1 : lines.index("pluto: not installed")]
    assert "  1 missing: ModuleNotFoundError: No module named 'natten_is_not_there'" in reasons
    assert (
        "  1 missing: src.planners.imitation_planner has no ImitationPlanner._get_global_trajectory"
        in reasons
    )
    assert sum(int(reason.split()[0]) for reason in reasons) == targets - 1
    assert "pluto.plan" not in output

    document = _json(capsys, "--check")
    by_name = {row["name"]: row for row in document["planners"]}
    assert by_name["planTF"] == {"name": "planTF", "installed": True, "targets": targets, "present": 1}
    assert not by_name["pluto"]["installed"]
    reasons_of_pluto = {row["missing"] for row in document["probes"] if row["planner"] == "pluto"}
    assert reasons_of_pluto == {"pluto is not installed"}


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
    rows: List[Dict[str, Any]] = [row for row in devkit_check["probes"] if row["planner"] is None]
    assert [row["missing"] for row in rows if not row["present"]] == [
        "nuplan.planning.simulation.simulation has no Simulation.porpagate"
    ]
    of_the_devkit = sum(not planner_of(probe) for probe in built_in())
    assert len(rows) == of_the_devkit + 1
    assert devkit_check["summary"] == {
        "probes": of_the_devkit + 1,
        "present": of_the_devkit,
        "missing": 1,
    }
    assert devkit_check["devkit"]["version"]
    assert Path(devkit_check["devkit"]["path"]).is_dir()
