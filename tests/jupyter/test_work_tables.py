"""Tables of what steps, scenarios, statements and copies do: the figures of the commands, in a frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.commands import command
from fakes.evaluation import write_evaluation
from fakes.otlp import trace_of

import nutrace
from nutrace.errors import UsageError

pandas = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_evaluation(tmp_path_factory.mktemp("tables"), scenarios=6, steps=5, workers=2).path


@pytest.fixture(scope="module")
def trace(run: Path) -> nutrace.Trace:
    return nutrace.load(run)


def _loaded(folder: Path, *roots: Any) -> nutrace.Trace:
    """A trace that has tables, whichever tests ran before."""
    return nutrace.load(trace_of(folder, *roots).path)


def _said(*words: object) -> Dict[str, Any]:
    done = command(*words, "--json")
    assert done.code == 0, done.err
    said: Dict[str, Any] = json.loads(done.out)
    return said


def test_counts_of_steps_are_those_of_the_report(run: Path, trace: nutrace.Trace) -> None:
    steps = trace.steps()
    said = _said("report", run)["per_step"]
    assert said["queries"] > 0 < said["rows"]
    assert steps.statements.mean() == pytest.approx(said["queries"])
    assert steps.rows.mean() == pytest.approx(said["rows"])
    assert steps.statement_ms.mean() == pytest.approx(said["query_ms"])
    if said["connections"] is not None:
        assert steps.connections.mean() == pytest.approx(said["connections"])
    if said["deep_copies"] is not None:
        assert steps.deep_copies.mean() == pytest.approx(said["deep_copies"])


def test_components_of_each_step_are_those_of_all_steps(trace: nutrace.Trace) -> None:
    each = trace.components(each_step=True)
    assert list(each.index.names) == ["scenario", "step", "component"]
    assert each.index.is_unique
    together = each.groupby("component")[["calls", "self_ms", "total_ms"]].sum()
    whole = trace.components().loc["in steps"]
    for column in ("calls", "self_ms", "total_ms"):
        assert together[column].to_dict() == pytest.approx(whole[column].to_dict())
    sums = each.self_ms.groupby(["scenario", "step"]).sum()
    assert sums.to_dict() == pytest.approx(trace.steps().duration_ms.to_dict())


def test_scenarios_are_those_of_the_command(run: Path, trace: nutrace.Trace) -> None:
    table = trace.scenarios()
    said = {each["scenario"]: each for each in _said("scenarios", run)["scenarios"]}
    assert len(table) == len(said) > 5
    for row in table.itertuples():
        shown = said[row.name]
        assert (row.steps, row.type, row.log) == (shown["steps"], shown["type"], shown["log"])
        if row.steps:
            assert row.step_mean_ms == pytest.approx(shown["step_mean_ms"])
            assert row.step_p95_ms == pytest.approx(shown["step_p95_ms"])
        assert row.wall_ms / 1e3 == pytest.approx(shown["wall_s"])
    joined = trace.steps().join(table[["outcome"]], on="scenario")
    assert joined.outcome.notna().all()


def test_workers_are_those_of_the_command(run: Path, trace: nutrace.Trace) -> None:
    table = trace.workers()
    said = _said("workers", run)
    assert [*table.process] == [each["process"] for each in said["workers"]]
    for column, name in (("busy_s", "busy_s"), ("waiting_s", "waiting_s"), ("idle_s", "nothing_left_s")):
        assert [*table[column]] == pytest.approx([each[name] for each in said["workers"]])
    for lasted in table.filter(regex="_s$").sum(axis=1):
        assert lasted == pytest.approx(said["driver"]["wall_s"])
    assert trace.scenarios().worker.isin(table.index).all()
    killed = table.ended_in.dropna()
    assert trace.scenarios().killed[killed].all()
    assert len(killed) == 1
    for part in (trace.select(scenario=1), trace.merged(), trace.pruned(without="database")):
        with pytest.raises(UsageError, match="a whole run"):
            part.workers()
        pytest.importorskip("pyarrow")
        with pytest.raises(UsageError, match="write the whole trace, and select from it"):
            part.to_parquet(run.parent / "tables")


def test_statements_are_those_of_the_command(run: Path, trace: nutrace.Trace) -> None:
    table = trace.statements()
    said = _said("sql", run, "--limit", 0)["statements"]
    assert len(table) == len(said) > 1
    assert table.executions.sum() == sum(each["executions"] for each in said)
    assert not [column for column in table.columns if column.endswith("_ns")]


def test_copies_have_their_callers(tmp_path: Path) -> None:
    copied = {
        "nutrace.component": "deepcopy",
        "code.function.name": "plan",
        "nutrace.deepcopy.root_type": "Ego",
        "nutrace.deepcopy.objects": 12,
    }
    step = ("simulation.step", 100, 900, [("copy.deepcopy", 200, 300, copied)], {"nutrace.step.index": 0})
    trace = _loaded(tmp_path, ("simulation.run", 0, 1000, [("copy.copy", 10, 20, copied), step]))
    table = trace.deepcopies().reset_index("kind").set_index("kind")
    assert table.loc["copy.deepcopy", "root_calls_in_steps"] == 1
    assert table.loc["copy.copy", "total_ms"] == pytest.approx(0.01)
    assert trace.steps().deep_copies.tolist() == [1]


def test_a_trace_of_nothing_has_empty_tables(tmp_path: Path) -> None:
    trace = _loaded(tmp_path, ("main", 0, 10))
    for table in (
        trace.steps(),
        trace.workers(),
        trace.statements(),
        trace.deepcopies(),
        trace.components(each_step=True),
    ):
        assert table.empty


_COPIED = {"nutrace.component": "deepcopy", "code.function.name": "f"}


def _kinds(table: Any, *, empty: bool = False) -> Dict[str, str]:
    assert table.empty == empty
    return {str(column): str(kind) for column, kind in table.dtypes.items()}


@pytest.mark.parametrize("name", ["scenarios", "statements", "deepcopies"])
def test_empty_tables_have_the_columns_of_full_ones(name: str, trace: nutrace.Trace, tmp_path: Path) -> None:
    nothing = getattr(_loaded(tmp_path, ("main", 0, 10)), name)()
    full = getattr(trace, name)()
    assert list(nothing.index.names) == list(full.index.names) != [None]
    kinds = _kinds(nothing, empty=True)
    assert list(kinds) == list(_kinds(full))
    assert {column for column, kind in kinds.items() if kind == "object"} <= {
        *("name", "token", "type", "log", "planner", "outcome", "worker"),
        *("text", "operation", "system", "component"),
    }
    if name == "deepcopies":
        assert nothing.query("kind == 'copy.deepcopy'").groupby("function").objects.sum().empty


def test_copies_of_other_kinds_have_all_columns(trace: nutrace.Trace, tmp_path: Path) -> None:
    table = _loaded(tmp_path, ("main", 0, 100, [("pickle.dumps", 10, 20, _COPIED)])).deepcopies()
    assert list(_kinds(table)) == list(trace.deepcopies().columns)
    assert "object" not in {kind for column, kind in _kinds(table).items() if column != "component"}
    assert table.loc["pickle.dumps"].objects_in_steps.isna().all()


def test_what_is_not_known_is_missing_among_numbers(tmp_path: Path) -> None:
    def step(begin: int, **more: Any) -> Any:
        return ("simulation.step", begin, begin + 50, {"nutrace.step.index": 0, **more})

    beside = step(2000, **{"thread.id": 7})
    trace = _loaded(tmp_path, ("main", 0, 5), ("simulation.run", 10, 1000, [step(100)]), beside)
    table = trace.scenarios()
    assert table.realtime_factor.round(2).isna().tolist() == [True, True]
    assert table.span.isna().tolist() == [False, True]
    assert trace[table.span[1]].name == "simulation.run"
    assert trace.steps().realtime_factor.dtype == trace.steps().memory_mb.dtype == "float64"


def test_sums_beyond_64_bits_are_floats(tmp_path: Path) -> None:
    huge = {**_COPIED, "nutrace.deepcopy.objects": 2**53}
    copies = [("copy.deepcopy", number, number + 1, huge) for number in range(1100)]
    assert _loaded(tmp_path, ("main", 0, 2000, copies)).deepcopies().objects.tolist() == [1100 * 2.0**53]


def test_a_run_is_written_as_parquet_and_read_back(trace: nutrace.Trace, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    written = trace.to_parquet(tmp_path / "tables")
    back = nutrace.load(written)
    pandas.testing.assert_frame_equal(back.steps(), trace.steps())
    assert trace.to_parquet(tmp_path / "tables", "other").name == "run=other"


def test_a_table_of_spans_has_no_object_for_each_row(trace: nutrace.Trace) -> None:
    spans = trace.spans()
    kinds = {column: str(kind) for column, kind in spans.dtypes.items()}
    assert [column for column, kind in kinds.items() if kind == "object"] == []
    assert kinds["name"] == kinds["component"] == kinds["thread"] == "category"
    assert spans.name.tolist() == trace.name
    assert spans.total_ms.tolist() == pytest.approx([time / 1e6 for time in trace.busy_ns])
    spans.loc[0, "calls"] = 99
    assert trace.calls[0] != 99
