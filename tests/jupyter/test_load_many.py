"""Many runs: tables in which a row says whose it is."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import trace_of

import nutrace
from nutrace.errors import InputError
from nutrace.jupyter.runs import Runs
from nutrace.trace import Trace

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


def _run_of(folder: Path, name: str, component: str, thread: int) -> None:
    """A run of one step, half of which is the component's."""
    about = {"nutrace.component": component, "thread.id": thread}
    work = (f"{component}.work", 0, 5, about)
    step = ("simulation.step", 0, 10, [work], {**about, "nutrace.step.index": 0})
    trace_of(folder, ("simulation.run", 0, 20, [step], about))
    (folder / "run.json").rename(folder / f"{name}.json")


def test_a_component_that_a_run_does_not_have_takes_nothing(tmp_path: Path) -> None:
    for name, component in (("base", "planner"), ("cached", "database")):
        _run_of(tmp_path, name, component, 1)
    steps = nutrace.load_many(tmp_path).steps()
    assert steps.planner_self_ms.groupby("run").mean().to_dict() == {"base": 0.01, "cached": 0}
    assert steps.database_self_ms.groupby("run").mean().to_dict() == {"base": 0, "cached": 0.01}
    assert list(steps.filter(like="_self_ms").sum(axis="columns")) == list(steps.duration_ms)
    assert steps.memory_mb.isna().all()  # what is not known is still missing


def test_only_components_are_filled_up(tmp_path: Path) -> None:
    """An attribute of spans may be called as a component's column is."""
    for name in ("base", "new"):
        trace_of(tmp_path, ("work", 0, 10, [("inner", 1, 2, {"wheel_self_ms": 1.5})]))
        (tmp_path / "run.json").rename(tmp_path / f"{name}.json")
    wheel = nutrace.load_many(tmp_path).spans(["wheel_self_ms"]).wheel_self_ms
    assert list(wheel.isna()) == [True, False, True, False]


def test_columns_of_categories_stay_so_in_runs_that_differ(tmp_path: Path) -> None:
    for name, component, thread in (("base", "planner", 9), ("new", "database", 8)):
        _run_of(tmp_path, name, component, thread)
    runs = nutrace.load_many(tmp_path)
    together = runs.spans()
    for column in ("name", "component", "process", "thread"):
        assert isinstance(together[column].dtype, pandas.CategoricalDtype)
        alone = [value for run in runs.values() for value in run.spans()[column]]
        assert list(together[column]) == alone
    assert list(together.component.cat.categories) == ["database", "planner"]
    assert list(together.groupby("component", observed=True).size()) == [3, 3]


@pytest.mark.parametrize("table", ["steps", "components", "spans", "scenarios", "statements", "workers"])
def test_one_run_is_in_memory_at_a_time(table: str, folder: Path) -> None:
    read: List[weakref.ref[Trace]] = []

    def load(path: str) -> Trace:
        assert [each() for each in read] == [None] * len(read)
        trace = nutrace.load(path)
        read.append(weakref.ref(trace))
        return trace

    getattr(Runs({name: str(folder / "new.json") for name in "abc"}, load), table)()
    assert len(read) == 3


def test_a_file_may_be_called_as_a_pattern_is_written(folder: Path) -> None:
    (folder / "base.json").rename(folder / "run[1].json")
    (folder / "new.json").rename(folder / "run[2].json.partial")
    (folder / "what?").mkdir()
    assert list(nutrace.load_many("runs/run[1].json")) == ["run[1]"]
    assert len(nutrace.load_many("runs/run[2].json").spans())  # cut short
    (folder / "run[1].json").rename(folder / "what?" / "run1.json")
    assert list(nutrace.load_many("runs/what?")) == ["run1"]
    assert list(nutrace.load_many("runs/what?/run[1].json")) == ["run1"]
