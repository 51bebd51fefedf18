"""Many runs: tables in which a row says whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes.otlp import trace_of

import nutrace
from nutrace.errors import InputError

pandas = pytest.importorskip("pandas")


def _step(index: int) -> Any:
    begin = 100 * index
    planner = ("planner.compute", begin + 10, begin + 50, {"nutrace.component": "planner"})
    statement = ("sqlite3.statement", begin + 51, begin + 52, {"nutrace.component": "database"})
    inner = [planner, statement, *(("work", begin + 53 + n, begin + 54 + n, {"n": n}) for n in range(3))]
    return ("simulation.step", begin, begin + 60 + index, inner, {"nutrace.step.index": index})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("base", "new"):
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "runs").mkdir(exist_ok=True)
        trace_of(tmp_path / "made", ("simulation.run", 0, 1000, [_step(index) for index in range(5)]))
        (tmp_path / "made" / "run.json").rename(tmp_path / "runs" / f"{name}.json")
    return tmp_path / "runs"


def test_tables_are_those_of_the_runs(folder: Path) -> None:
    runs = nutrace.load_many(folder)
    for table in ("steps", "components", "costs", "spans", "scenarios", "samples", "deepcopies"):
        together = getattr(runs, table)()
        for name in runs if len(together) else ():
            alone = getattr(runs[name], table)()
            pandas.testing.assert_frame_equal(
                together.loc[name], alone, check_categorical=False, check_dtype=False
            )
    assert list(runs.components(each_step=True).index.names) == ["run", "scenario", "step", "component"]


def test_runs_are_named_by_files_folders_and_patterns(folder: Path) -> None:
    assert list(nutrace.load_many("runs/n*.json")) == ["new"]
    assert list(nutrace.load_many("runs/new.json", folder / "base.json")) == ["new", "base"]
    assert repr(nutrace.load_many("runs")) == "<2 runs: base, new>"
    assert nutrace.load_many(folder, raw=True)["new"].correction.raw


@pytest.mark.parametrize("path", ["nothing/*.json", "made"])
@pytest.mark.usefixtures("folder")
def test_what_there_is_not_is_said(path: str) -> None:
    with pytest.raises(InputError):
        nutrace.load_many(path)


def test_a_broken_run_is_named(folder: Path) -> None:
    (folder / "half.json").write_text('{"resourceSpans": [')
    with pytest.raises(InputError, match="half"):
        nutrace.load_many("runs/*.json").steps()
