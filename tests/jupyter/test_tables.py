"""Tables of spans and steps: the trace's own figures, in the units of their columns."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from fakes.joined_samples import with_samples
from fakes.otlp import trace_of

from nutrace.errors import MissingDependencyError, UsageError
from nutrace.jupyter import sample_table, span_table, step_table
from nutrace.trace import Trace, select

pandas = pytest.importorskip("pandas")


def component(name: str, **more: object) -> dict[str, object]:
    return {"nutrace.component": name, **more}


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    lights = component("database", **{"nutrace.generator.yielded": 23, "nutrace.busy_ns": 400_000})
    first = component("simulation", **{"nutrace.step.index": 10, "nutrace.step.simulated_interval_s": 0.002})
    second = component("simulation", **{"nutrace.step.index": 11})
    half = component("simulation", **{"nutrace.step.index": 12, "nutrace.unfinished": True})
    plan = ("plan", 2000, 4000, [("lights", 2500, 3500, lights)], component("planner"))
    beside = ("helper", 2000, 9000, component("model", **{"thread.id": 2, "thread.name": "pool"}))
    return trace_of(
        tmp_path,
        (
            "simulation.run",
            0,
            20000,
            [
                ("simulation.step", 1000, 5000, [plan, beside], first),
                ("simulation.step", 6000, 7000, second),
                ("simulation.step", 8000, 9000, half),
            ],
            component("simulation", **{"nuplan.scenario.token": "abc"}),
        ),
    )


def test_steps(trace: Trace) -> None:
    steps = step_table(trace)
    assert list(steps.index.names) == ["scenario", "step"]
    assert list(steps.index) == [(1, 10), (1, 11)]  # the unfinished one has no duration
    assert list(steps.columns) == [
        "span",
        "token",
        "type",
        "start_s",
        "duration_ms",
        "own_ms",
        "simulated_interval_s",
        "realtime_factor",
        "memory_mb",
        "statements",
        "rows",
        "connections",
        "deep_copies",
        "copied_objects",
        "collections",
        "statement_ms",
        "collection_ms",
        "simulation_self_ms",
        "planner_self_ms",
        "database_self_ms",
    ]
    first = steps.loc[1, 10]
    assert trace[first.span].name == "simulation.step"
    assert (first.token, first.type) == ("abc", "")
    assert first.start_s == pytest.approx(0.001)
    assert first.duration_ms == pytest.approx(4.0)
    assert first.simulated_interval_s == pytest.approx(0.002)
    assert first.realtime_factor == pytest.approx(2.0)
    assert first.planner_self_ms == pytest.approx(1.6)
    assert first.database_self_ms == pytest.approx(0.4)
    assert pandas.isna(steps.loc[1, 11].realtime_factor)


def test_components_of_a_step_sum_to_its_duration(trace: Trace) -> None:
    steps = step_table(trace)
    sums = steps.filter(like="_self_ms").sum(axis=1)
    assert list(sums) == pytest.approx(list(steps.duration_ms))


def test_spans(trace: Trace) -> None:
    spans = span_table(trace)
    assert len(spans) == len(trace)
    lights = spans[spans.name == "lights"].iloc[0]
    assert lights.component == "database"
    assert lights.step == 10
    assert lights.start_s == pytest.approx(0.0025)
    assert lights.total_ms == lights.self_ms == pytest.approx(0.4)  # time inside, not the interval
    assert (lights.calls, lights.yielded, lights.depth) == (1, 23, 3)
    assert spans.name[lights.parent] == "plan"
    assert spans.self_ms[spans.name == "plan"].iloc[0] == pytest.approx(1.6)
    helper = spans[spans.name == "helper"].iloc[0]
    assert (helper.process, helper.thread) == (100, "pool")
    assert pandas.isna(spans.step[0])
    assert spans.step.dtype == "Int64"


def test_attributes_are_added_when_asked_for(trace: Trace) -> None:
    assert "nuplan.scenario.token" not in span_table(trace).columns
    spans = span_table(trace, ["nuplan.scenario.token"])
    assert spans["nuplan.scenario.token"][0] == "abc"
    assert spans["nuplan.scenario.token"].isna().sum() == len(trace) - 1
    assert "thread.id" in span_table(trace, "thread.id").columns


@pytest.mark.parametrize(
    ("attributes", "clashing"),
    [(["name", "thread.id", "component"], "name, component"), ("calls", "calls"), (["span"], "span")],
)
def test_an_attribute_takes_no_column_s_place(trace: Trace, attributes: List[str], clashing: str) -> None:
    with pytest.raises(UsageError, match=f"the table of spans has its own {clashing}: "):
        span_table(trace, attributes)


def test_a_trace_without_steps_has_numbers_in_its_table(trace: Trace) -> None:
    kinds = step_table(select(trace, component="planner")).drop(columns=["token", "type"]).dtypes
    assert {str(kind) for kind in kinds} == {"int64", "float64"}


def test_tables_of_a_part(trace: Trace) -> None:
    part = select(trace, steps="10")
    assert list(span_table(part).name) == ["simulation.step", "plan", "lights", "helper"]
    assert list(step_table(part).index) == [(1, 10)]
    assert step_table(select(trace, component="planner")).empty
    assert list(span_table(part).step) == [10] * 4
    assert list(span_table(part).scenario) == [1] * 4


def test_steps_of_several_scenarios_have_a_unique_index(tmp_path: Path) -> None:
    def run(token: str, start: int) -> object:
        steps = [
            (
                "simulation.step",
                start + at,
                start + at + 90,
                component("simulation", **{"nutrace.step.index": i}),
            )
            for i, at in enumerate((100, 300))
        ]
        says = {"nuplan.scenario.token": token, "nuplan.scenario.type": f"type of {token}"}
        return ("simulation.run", start, start + 1000, steps, says)

    trace = trace_of(tmp_path, ("main", 0, 10), run("abc", 1000), run("abc", 3000), run("xyz", 5000))
    steps = step_table(trace)
    assert steps.index.is_unique
    assert list(steps.index) == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1)]
    assert list(steps.loc[3].type) == ["type of xyz"] * 2
    spans = span_table(trace)
    assert spans.scenario.isna().sum() == 1
    assert list(spans.scenario[1:]) == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert list(spans[spans.name == "simulation.step"].step) == [0, 1] * 3
    scenario, step = steps["duration_ms"].idxmax()
    assert step_table(select(trace, steps=step, scenario=scenario)).index.tolist() == [(scenario, step)]


def test_missing_pandas_is_one_line(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'pandas>=1.3'") as caught:
        step_table(trace)
    assert "\n" not in str(caught.value)


def test_loading_and_card_import_no_pandas_and_no_ipython(trace: Trace) -> None:
    code = (
        "import sys, nutrace\n"
        "trace = nutrace.load(sys.argv[1])\n"
        "trace._repr_html_()\n"
        "trace.flamegraph()._repr_html_()\n"
        "print([name for name in ('pandas', 'numpy', 'IPython') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, trace.path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_samples(trace: Trace) -> None:
    code = ("f", "/p.py", 10)
    few = ("g", "/p.py", 20)
    sampled = with_samples(trace, {"plan": [((code,), 60), ((code, few), 5), ((), 35)]})
    table = sample_table(sampled)
    assert list(table["function"]) == ["f", "plan", "(others)"]
    assert set(table["span"]) == {"plan"}
    assert table["own_ms"].sum() == pytest.approx(1.6)  # 2 ms without 0.4 ms in the generator
    assert list(table["samples"]) == [60, 35, 5]
    assert table["share"].sum() == pytest.approx(1)
    first = table.iloc[0]
    assert (first["file"], first["line"], first["total_samples"], first["itself"]) == ("/p.py", 10, 65, False)
    assert first["total_ms"] == pytest.approx(1.6 * 0.65)
    assert first["share_low"] < first["share"] < first["share_high"]


def test_a_trace_without_samples_has_an_empty_table(trace: Trace) -> None:
    assert len(sample_table(trace)) == 0
    assert "share_low" in sample_table(trace).columns
