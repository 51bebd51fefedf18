"""The tables of an export: their columns, their figures, and what is in the folder whatever happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.commands import command
from fakes.exported import everything, exported, pq, rows, with_named_numbers
from fakes.otlp import RESOURCE, attributes, document, envelope, spans, write
from fakes.programs import environment
from simulations import run_file

import nutrace
from nutrace import semconv
from nutrace.analysis.tables import analyse
from nutrace.errors import MissingDependencyError, NutraceError, OutputError, UsageError
from nutrace.trace import analysed, load, select
from nutrace.trace.parquet_format import TABLES
from nutrace_exporters import parquet, parquettables

C = "nutrace.component"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Scenarios in two processes, with threads, generators, recursion, failures and prices."""
    return run_file(tmp_path / "run.json", 1)


def _report(file: Path, what: str = "report") -> Any:
    done = command(what, file, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def _sums(table: List[Dict[str, Any]], key: str, value: str, **where: Any) -> Dict[str, float]:
    """``SELECT key, SUM(value) / 1e6 FROM table WHERE ... GROUP BY key``."""
    sums: Dict[str, int] = defaultdict(int)
    for row in table:
        if all(row[name] == wanted for name, wanted in where.items()):
            sums[row[key]] += row[value]
    return {name: total / 1e6 for name, total in sums.items()}


def test_the_first_columns_are_those_of_duckdbs_extension(file: Path, tmp_path: Path) -> None:
    schema = pq.read_schema(exported(file, tmp_path / "out") / "part-0.parquet")
    text, number = "string", "int32"
    assert [(name, str(schema.field(name).type)) for name in schema.names[:24]] == [
        ("start_time_unix_nano", "timestamp[ns]"),
        ("duration_time_unix_nano", "int64"),
        *((name, text) for name in ("trace_id", "span_id", "parent_span_id", "trace_state")),
        *((f"service_{name}", text) for name in ("name", "namespace", "instance_id")),
        ("name", text),
        *((name, number) for name in ("kind", "status_code")),
        *((name, text) for name in ("status_status_message", "resource_attributes")),
        *((f"scope_{name}", text) for name in ("name", "version", "attributes")),
        *((name, text) for name in ("span_attributes", "events_json", "links_json")),
        *((f"dropped_{name}_count", number) for name in ("attributes", "events", "links")),
        ("flags", number),
    ]
    assert all(name.startswith("nutrace_") for name in schema.names[24:])


def test_every_column_says_what_it_is(file: Path, tmp_path: Path) -> None:
    tables = exported(file, tmp_path / "out")
    for table in TABLES:
        schema = pq.read_schema(tables.parents[1] / table / tables.name / "part-0.parquet")
        about = {field.name: field.metadata[b"about"].decode() for field in schema}
        assert all(about.values())
        assert json.loads(schema.metadata[b"nutrace.columns"]) == about
        assert schema.metadata[b"nutrace.schema"] == b"1"
        assert schema.metadata[b"nutrace.run"] == b"run"
        # A time that does not say which it is would be taken for the other.
        times = [name for name in schema.names if name.endswith("_ns")]
        assert [
            name for name in times if not re.search("correct|record|taken out|of these", about[name])
        ] == []


def test_the_figures_of_spans_are_those_of_the_report(file: Path, tmp_path: Path) -> None:
    report, table = _report(file), rows(exported(file, tmp_path / "out"))
    for key, region in (
        ("components", "in_steps"),
        ("concurrent", "concurrent"),
        ("outside_steps", "outside_steps"),
    ):
        of = {"nutrace_region": region}
        assert {row["component"]: row["self_ms"] for row in report[key]} == pytest.approx(
            _sums(table, "nutrace_component", "nutrace_self_ns", **of)
        )
        outermost = {**of, "nutrace_outermost_component": True}
        calls = _sums(table, "nutrace_component", "nutrace_calls", **outermost)
        assert {row["component"]: row["calls"] / 1e6 for row in report[key]} == pytest.approx(calls)
        assert {row["component"]: row["own_ms"] for row in report[key]} == pytest.approx(
            _sums(table, "nutrace_component", "nutrace_own_ns", **of)
        )
    by_name: Dict[str, float] = defaultdict(float)
    for row in report["spans"]:
        by_name[row["name"]] += row["self_ms"]
    assert dict(by_name) == pytest.approx(_sums(table, "name", "nutrace_self_ns"))


def test_the_figures_of_steps_are_those_of_the_report(file: Path, tmp_path: Path) -> None:
    report, tables = _report(file), exported(file, tmp_path / "out")
    steps = rows(tables, "steps")
    assert len(steps) == report["steps"]["count"]
    assert sum(row["total_ns"] for row in steps) / len(steps) / 1e6 == pytest.approx(
        report["steps"]["mean_ms"]
    )
    for row in report["components"]:
        in_steps = sum(step[f"{row['component']}_self_ns"] for step in steps)
        assert in_steps / 1e6 == pytest.approx(row["self_ms"])
    of_spans = {row["nutrace_span"]: row for row in rows(tables)}
    for step in steps:
        span = of_spans[step["span"]]
        assert (step["scenario"], step["step"]) == (span["nutrace_scenario"], span["nutrace_step"])
        assert (step["total_ns"], step["thread"]) == (span["nutrace_total_ns"], span["nutrace_thread"])
        assert sum(step[f"{component}_self_ns"] for component in semconv.COMPONENTS) == step["total_ns"]
    assert any(step["memory_bytes"] for step in steps)
    assert any(step["own_ns"] for step in steps)
    assert {step["simulated_interval_s"] for step in steps} == {0.1, None}


def test_the_figures_of_scenarios_are_those_of_their_command(file: Path, tmp_path: Path) -> None:
    table = rows(exported(file, tmp_path / "out"), "scenarios")
    said = {row["scenario"]: row for row in _report(file, "scenarios")["scenarios"]}
    assert len(table) == len(said) == 5
    for row in table:
        told = said[row["name"]]
        for key in ("type", "log", "outcome", "steps", "realtime_factor", "worker"):
            assert row[key] == told[key], key
        for key in ("step_mean", "step_p95"):
            assert row[f"{key}_ns"] == (
                None if told[f"{key}_ms"] is None else pytest.approx(told[f"{key}_ms"] * 1e6)
            )
        for key in ("memory_start", "memory_end"):
            assert row[f"{key}_bytes"] == (
                None if told[f"{key}_mb"] is None else pytest.approx(told[f"{key}_mb"] * 1e6)
            )
        assert row["wall_ns"] == pytest.approx(told["wall_s"] * 1e9)
    assert any(row["memory_end_bytes"] for row in table)


def _work(path: Path) -> Path:
    """Statements and copies, in steps and outside."""
    sql = {
        C: "database",
        semconv.DB_SYSTEM: "sqlite",
        semconv.DB_NAMESPACE: "/data/log.db",
        semconv.DB_TEXT: "SELECT a FROM b WHERE c = ?",
        semconv.SQL_STATEMENT: "abc",
        semconv.SQL_EXECUTE_NS: 40_000,
        semconv.SQL_FETCH_NS: 7_000,
        semconv.SQL_TOOK_NS: [47_000],
        semconv.SQL_PARAMETERS: ["p"],
        semconv.DB_ROWS: 3,
        "code.function.name": "execute_many",
        "code.file.path": "q.py",
        "code.line.number": 20,
    }
    copy = {
        C: "deepcopy",
        semconv.COPY_ROOT_TYPE: "list",
        semconv.COPY_OBJECTS: 11,
        semconv.COPY_TYPES: {"list": {"objects": 11, "bytes": 99}},
    }
    steps = [
        (
            "simulation.step",
            1000 * index,
            1000 * index + 900,
            [
                ("sqlite3.statement", 1000 * index + 10, 1000 * index + 70, sql),
                ("copy.deepcopy", 1000 * index + 100, 1000 * index + 190, copy),
                ("copy.copy", 1000 * index + 200, 1000 * index + 290, copy),
            ],
            {C: "simulation", semconv.STEP_INDEX: index},
        )
        for index in range(3)
    ]
    outside = ("sqlite3.statement", 5000, 5060, {**sql, semconv.DB_NAMESPACE: "/maps.db"})
    return write(path, document(("simulation.run", 0, 6000, [*steps, outside], {C: "simulation"})))


def test_the_figures_of_statements_and_copies_are_those_of_their_commands(tmp_path: Path) -> None:
    file = _work(tmp_path / "run.json")
    tables = exported(file, tmp_path / "out")
    (statement,) = rows(tables, "statements")
    (said,) = _report(file, "sql")["statements"]
    assert (statement["statement"], statement["text"]) == ("abc", "SELECT a FROM b WHERE c = ?")
    assert (statement["executions"], statement["executions_in_steps"]) == (4, 3)
    assert (statement["rows"], statement["rows_in_steps"]) == (12, 9)
    assert statement["total_ns"] / 1e6 == said["total_ms"] == 4 * 0.047
    assert (statement["repeated"], statement["repeated_ns"]) == (2, 94_000)
    assert [each["database"] for each in statement["databases"]] == ["/data/log.db", "/maps.db"]
    assert [(each["function"], each["executions"]) for each in statement["origins"]] == [
        ("execute_many", 3),
        ("execute_many", 1),
    ]
    deep, shallow = rows(tables, "deepcopies")
    totals = _report(file, "deepcopy")
    assert (deep["kind"], deep["root_type"], deep["objects"]) == ("copy.deepcopy", "list", 33)
    assert (deep["root_calls"], deep["root_calls_in_steps"]) == (totals["root_calls"], 3)
    assert deep["total_ns"] / 1e6 == pytest.approx(totals["total_ms"])
    assert deep["types"] == [{"type": "list", "objects": 33, "bytes": 297}]
    assert (shallow["kind"], shallow["root_calls"], shallow["objects"]) == ("copy.copy", 3, None)


def test_texts_are_json_that_sql_can_ask(tmp_path: Path) -> None:
    made = spans(("query", 0, 10, {"n": 3, "x": 0.5, "list": ["a", 1], "nan": float("nan"), "yes": True}))
    made[0]["events"] = [
        {"name": "exception", "timeUnixNano": "17", "attributes": attributes({"exception.type": "E"})}
    ]
    made[0]["status"] = {"code": 2, "message": "no"}
    resource = {
        **RESOURCE,
        "service.name": "nutrace",
        "service.instance.id": "i",
        semconv.SAMPLES: "x" * 5000,
    }
    file = write(tmp_path / "run.json", with_named_numbers(envelope(made, resource)))
    tables = exported(file, tmp_path / "out")
    (row,) = rows(tables)
    assert '"doubleValue":"NaN"' in row["nutrace_exact"]
    assert json.loads(row["span_attributes"]) == {
        "thread.id": 1,
        "n": 3,
        "x": 0.5,
        "list": ["a", 1],
        "nan": None,
        "yes": True,
    }
    assert json.loads(row["events_json"]) == [
        {"name": "exception", "time_unix_nano": 17, "attributes": {"exception.type": "E"}}
    ]
    assert (row["status_code"], row["status_status_message"], row["kind"]) == (2, "no", 1)
    assert (row["service_name"], row["service_instance_id"], row["service_namespace"]) == (
        "nutrace",
        "i",
        None,
    )
    assert json.loads(row["resource_attributes"])["process.pid"] == 100
    assert semconv.SAMPLES not in row["resource_attributes"]
    (process,) = rows(tables, "processes")
    assert json.loads(process["resource_attributes"])[semconv.SAMPLES] == "x" * 5000
    assert (process["pid"], process["run_id"], process["complete"]) == (100, "run1", True)
    assert process["command"] == "python run_simulation.py"


def test_ancestors_are_those_of_the_tree(file: Path, tmp_path: Path) -> None:
    table = rows(exported(file, tmp_path / "out"))
    by_id = {row["span_id"]: row for row in table}
    for row in table:
        above = row["nutrace_parent"]
        assert (above is None) == (row["parent_span_id"] is None) == (row["nutrace_depth"] == 0)
        if above is not None:
            around = by_id[row["parent_span_id"]]
            assert (around["nutrace_span"], around["nutrace_depth"]) == (above, row["nutrace_depth"] - 1)
            assert above < row["nutrace_span"] < row["nutrace_subtree_end"] <= around["nutrace_subtree_end"]


def _one(path: Path, run_id: str = "run1", end: int = 10) -> Path:
    return write(path, document(("a", 0, end), resource={**RESOURCE, semconv.RUN_ID: run_id}))


def _runs(out: Path) -> Dict[str, List[str]]:
    """The runs of each table; fails if there is anything else."""
    assert sorted(path.name for path in out.iterdir()) == sorted(TABLES)
    return {
        table: sorted(path.parent.name[4:] for path in (out / table).glob("run=*/part-0.parquet"))
        for table in TABLES
    }


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("night-2", "night-2"),
        ("a b/c", "a%20b%2Fc"),
        ("..", ".."),
        ("", "run"),
        ("é=50%", "%C3%A9%3D50%25"),
        ("line\nbreak\0", "line%0Abreak%00"),
        ("lone \udc80", "lone%20%3F"),
        ("x" * 300, "x" * 200),
        ("é" * 300, "%C3%A9" * 33),
    ],
    ids=["plain", "blank", "dots", "empty", "é", "control", "surrogate", "long", "long é"],
)
def test_any_name_is_safe_in_a_path(tmp_path: Path, name: str, folder: str) -> None:
    tables = exported(_one(tmp_path / "run.json"), tmp_path / "out", name)
    assert tables == tmp_path / "out" / "spans" / f"run={folder}"
    assert _runs(tmp_path / "out") == {table: [folder] for table in TABLES}
    dataset = pytest.importorskip("pyarrow.dataset").dataset(tmp_path / "out" / "spans", partitioning="hive")
    (row,) = dataset.to_table(columns=["run", "nutrace_run"]).to_pylist()
    assert str(row["run"]) == row["nutrace_run"]
    assert everything(load(tables)) == everything(load(tmp_path / "run.json"))
    second = exported(_one(tmp_path / "run.json", "run2"), tmp_path / "out", name)
    assert second.name.endswith("-2")
    assert len(second.name) <= len("run=") + 200


def test_two_runs_of_one_name(tmp_path: Path) -> None:
    names = []
    for number in (1, 2, 3):
        file = _one(tmp_path / "run.json", f"run{number}")
        names.append(exported(file, tmp_path / "out", "night").name)
    assert names == ["run=night", "run=night-2", "run=night-3"]
    assert _runs(tmp_path / "out")["spans"] == ["night", "night-2", "night-3"]
    second = tmp_path / "out" / "spans" / "run=night-2"
    assert rows(second)[0]["nutrace_run"] == "night-2"
    assert load(second).resources[0].attributes[semconv.RUN_ID] == "run2"


def test_the_same_run_again_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    exported(_one(tmp_path / "run.json"), tmp_path / "out", "night")
    tables = exported(_one(tmp_path / "run.json", end=20), tmp_path / "out", "night")
    assert _runs(tmp_path / "out") == {table: ["night"] for table in TABLES}
    assert load(tables).busy_ns[0] == 20_000


def test_another_run_is_replaced_on_demand(tmp_path: Path) -> None:
    exported(_one(tmp_path / "run.json"), tmp_path / "out", "night")
    trace = nutrace.load(_one(tmp_path / "run.json", "run2", 20))
    tables = parquet.export(trace, tmp_path / "out", "night", replace=True)
    assert _runs(tmp_path / "out") == {table: ["night"] for table in TABLES}
    assert load(tables).busy_ns[0] == 20_000


def test_runs_of_other_programs_are_told_apart(tmp_path: Path) -> None:
    for number in (1, 1, 2):
        tree = spans(("GET /", number, number + 5), trace_id=f"{number:032x}")
        file = write(tmp_path / "run.json", envelope(tree, {"service.name": "shop"}, "io.shop"))
        exported(file, tmp_path / "out", "shop")
    assert _runs(tmp_path / "out")["spans"] == ["shop", "shop-2"]


def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_done: int, _all: int) -> None:
        raise KeyboardInterrupt

    trace = nutrace.load(_one(tmp_path / "run.json"))
    with pytest.raises(KeyboardInterrupt):
        parquet.export(trace, tmp_path / "out", "night", progress=interrupt)
    assert not (tmp_path / "out").exists()
    before = everything(load(exported(_one(tmp_path / "other.json"), tmp_path / "out", "night")))
    with pytest.raises(KeyboardInterrupt):
        parquet.export(trace, tmp_path / "out", "night", progress=interrupt)
    assert _runs(tmp_path / "out") == {table: ["night"] for table in TABLES}
    assert everything(load(tmp_path / "out")) == before


def test_a_failed_renaming_puts_everything_back(tmp_path: Path) -> None:
    tables = exported(_one(tmp_path / "run.json"), tmp_path / "out", "night")
    before = everything(load(tables))
    (tmp_path / "out" / "spans" / "run=night").rename(tmp_path / "kept")
    (tmp_path / "out" / "spans").rmdir()
    (tmp_path / "out" / "spans").write_text("a file in the place of a folder")
    trace = nutrace.load(_one(tmp_path / "run.json", end=20))
    with pytest.raises(OutputError, match="it is not a folder; choose another folder with -o"):
        parquet.export(trace, tmp_path / "out", "night")
    (tmp_path / "out" / "spans").unlink()
    (tmp_path / "out" / "spans").mkdir()
    (tmp_path / "kept").rename(tables)
    assert _runs(tmp_path / "out") == {table: ["night"] for table in TABLES}
    assert everything(load(tables)) == before
    assert rows(tables, "scenarios") == []


#: Says when it is in the middle of an export, and waits there.
_KILLED = """
import sys, time
from pathlib import Path
import nutrace
from nutrace_exporters import parquet
def wait(_done, _all):
    print("writing", flush=True)
    time.sleep(60)
parquet.export(nutrace.load(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], progress=wait)
"""


def _started(file: Path, out: Path, name: str) -> subprocess.Popen[str]:
    """A process that is in the middle of an export."""
    words = [sys.executable, "-c", _KILLED, str(file), str(out), name]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_a_killed_export_leaves_nothing_under_its_name(tmp_path: Path) -> None:
    file, out = _one(tmp_path / "run.json"), tmp_path / "out"
    process = _started(file, out, "night")
    try:
        # Another run of that name meanwhile, which must not take what is being written.
        assert exported(_one(tmp_path / "other.json", "run2"), out, "night").name == "run=night-2"
        assert (out / ".nutrace-night.tmp" / "spans").exists()
    finally:
        process.kill()
        process.communicate()
    assert not (out / "spans" / "run=night").exists()
    assert exported(file, out, "night").name == "run=night"
    assert _runs(out) == {table: ["night", "night-2"] for table in TABLES}


def test_a_full_disk(tmp_path: Path) -> None:
    """A file that may not grow fails as one on a full disk does."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "import nutrace; from nutrace_exporters import parquet\n"
        "import pyarrow.parquet\n"
        "trace = nutrace.load(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: parquet.export(trace, Path(sys.argv[2]), 'night')\n"
        "except nutrace.NutraceError as error: print(type(error).__name__, error)\n"
    )
    file = run_file(tmp_path / "run.json", 1)
    words = [sys.executable, "-c", program, str(file), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=100, check=False)
    assert done.stdout == (
        f"OutputError cannot write {tmp_path / 'out'}: File too large; choose another folder with -o\n"
    ), done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    trace = nutrace.load(_one(tmp_path / "run.json"))
    with pytest.raises(OutputError, match=r"cannot write .*run\.json: it is not a folder"):
        parquet.export(trace, tmp_path / "run.json", "night")
    with pytest.raises(OutputError, match="cannot write /proc/out: "):
        parquet.export(trace, Path("/proc/out"), "night")


def test_what_is_not_the_whole_truth_is_refused(file: Path, tmp_path: Path) -> None:
    whole = nutrace.load(file)
    with pytest.raises(UsageError, match="tables hold whole runs, and this is only step 1"):
        parquet.export(select(whole, steps="1"), tmp_path / "out", "a")
    with pytest.raises(UsageError, match="load it without raw"):
        parquet.export(nutrace.load(file, raw=True), tmp_path / "out", "a")
    assert not (tmp_path / "out").exists()


def test_an_analysis_has_to_be_registered(tmp_path: Path) -> None:
    before = analysed.register(None)
    try:
        trace = load(_one(tmp_path / "run.json"))
        with pytest.raises(NutraceError, match=r"tables need a trace that nutrace\.load has read"):
            parquet.export(trace, tmp_path / "out", "night")
        assert not (tmp_path / "out").exists()
    finally:
        analysed.register(before)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = nutrace.load(_one(tmp_path / "run.json"))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'pyarrow>=15'"):
        parquet.export(trace, tmp_path / "out", "night")
    assert not (tmp_path / "out").exists()


def test_sums_beyond_64_bits_are_bounded(tmp_path: Path) -> None:
    huge = {C: "deepcopy", semconv.COPY_OBJECTS: 2**53}
    made = [("copy.deepcopy", number, number + 1, huge) for number in range(1100)]
    tables = exported(write(tmp_path / "run.json", document(*made)), tmp_path / "out")
    assert rows(tables, "deepcopies")[0]["objects"] == 2**63 - 1


def test_rows_have_the_columns_of_their_tables(file: Path, tmp_path: Path) -> None:
    """A row's value that has no column would be lost in silence."""
    for path in (file, _work(tmp_path / "work.json")):
        trace = load(path)
        told = analyse(trace)
        for columns, made in (
            (parquettables.STEPS, told.steps),
            (parquettables.SCENARIOS, told.scenarios),
            (parquettables.STATEMENTS, told.statements),
            (parquettables.DEEPCOPIES, told.deepcopies),
            (parquettables.PROCESSES, parquettables.process_rows(trace)),
        ):
            names = {column.name for column in columns}
            for row in made:
                assert set(row) <= names
                for column in columns:
                    for item in row.get(column.name) or () if column.items else ():
                        assert set(item) == {each.name for each in column.items}
