"""Statements of programs that other instrumentations traced."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.otlp import document, trace_of, write
from fakes.programs import environment

from nutrace.analysis import report
from nutrace.analysis.database import Database, Executions, database
from nutrace.cli.main import main
from nutrace.trace import load

_PROGRAM = """
import sys
import sqlalchemy
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from nutrace_exporters.otlp import encode

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
engine = sqlalchemy.create_engine("sqlite://")
SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=provider)
with engine.connect() as connection:
    connection.execute(sqlalchemy.text("CREATE TABLE t (a)"))
    for number in range(3):
        connection.execute(sqlalchemy.text(f"INSERT INTO t VALUES ({number})"))
    connection.execute(sqlalchemy.text("SELECT a FROM t WHERE a > :a"), {"a": 1}).fetchall()
sys.stdout.buffer.write(encode(spans.get_finished_spans()))
"""


@pytest.mark.parametrize("conventions", ["", "database", "database/dup"])
def test_spans_of_opentelemetrys_sqlalchemy(
    tmp_path: Path, conventions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.json"
    written = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment(OTEL_SEMCONV_STABILITY_OPT_IN=conventions),
        check=True,
        capture_output=True,
        timeout=60,
    )
    path.write_bytes(written.stdout)
    result = database(load(path))
    counts = {statement.text: statement.all.count for statement in result.statements}
    assert counts == {"CREATE TABLE t(a)": 1, "INSERT INTO t VALUES (?)": 3, "SELECT a FROM t WHERE a > ?": 1}
    assert {(statement.operation, statement.system) for statement in result.statements} == {
        ("CREATE", "sqlite"),
        ("INSERT", "sqlite"),
        ("SELECT", "sqlite"),
    }
    assert result.all.total_ns == sum(load(path).busy_ns[span] for span in _statements(path))
    assert main(["sql", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Connections: not recorded." in out
    assert "rows not recorded" in out
    assert "Repeats: not recorded." in out


def _statements(path: Path) -> Any:
    trace = load(path)
    return [
        span for span in range(len(trace)) if {"db.statement", "db.query.text"} & set(trace.attributes(span))
    ]


def _of(tmp_path: Path, *tree: Any) -> Database:
    return database(trace_of(tmp_path, *tree, resource={"service.name": "shop"}))


def _query(text: str, system: str = "postgresql", new: bool = False) -> Dict[str, Any]:
    """Attributes as opentelemetry-instrumentation-dbapi writes them, on which psycopg's and others build."""
    if new:
        return {"db.system.name": system, "db.namespace": "app", "db.query.text": text}
    return {"db.system": system, "db.name": "app", "db.statement": text, "net.peer.name": "db.example"}


@pytest.mark.parametrize("new", [False, True])
def test_literals_and_drivers_parameters_make_no_difference(tmp_path: Path, new: bool) -> None:
    texts = (
        "SELECT a FROM t WHERE b = 'x'",
        "SELECT a FROM t WHERE b = %s",
        "SELECT a FROM t WHERE b = %(b)s",
    )
    result = _of(tmp_path, *(("SELECT", at, at + 1, _query(text, new=new)) for at, text in enumerate(texts)))
    (only,) = result.statements
    assert only.text == "SELECT a FROM t WHERE b = ?"
    assert only.all == Executions(3, None, 3_000)
    assert [use.database for use in only.uses] == ["app"]
    assert (only.distinct, only.repeated, only.fetch_ns, result.connections) == (None, None, None, None)


def test_rows_are_counted_where_they_are_recorded(tmp_path: Path) -> None:
    rows = {**_query("SELECT 1", new=True), "db.response.returned_rows": 7}
    none = {**_query("SELECT 2", new=True), "db.response.returned_rows": 0}
    result = _of(tmp_path, ("SELECT", 0, 1, rows), ("SELECT", 2, 3, none), ("SELECT", 4, 5, _query("DELETE")))
    assert [(statement.text, statement.all.rows) for statement in result.statements] == [
        ("SELECT ?", 7),
        ("DELETE", None),
    ]
    assert result.all.rows == 7


def test_spans_of_others_in_a_run_of_ours(tmp_path: Path) -> None:
    """The recorder gives them a component like all spans, and knows no better one."""
    own = {**_query("SELECT 1"), "nutrace.component": "other"}
    result = _of(tmp_path, ("SELECT", 0, 1, own), ("f", 2, 3, {"nutrace.component": "map", "db.system": "x"}))
    assert result.all.count == 1


def test_a_batch_counts_each_of_its_sets(tmp_path: Path) -> None:
    batch = {**_query("INSERT INTO t VALUES (%s)", new=True), "db.operation.batch.size": 20}
    assert _of(tmp_path, ("INSERT", 0, 1, batch)).all.count == 20


def test_an_execution_that_two_instrumentations_saw_is_one(tmp_path: Path) -> None:
    inner = ("SELECT", 2, 8, _query("SELECT 1"))
    result = _of(tmp_path, ("SELECT app", 0, 10, [inner], _query("SELECT 1")))
    assert (result.all.count, result.all.total_ns) == (1, 6_000)


def test_commands_that_are_not_sql_stay_as_they_are(tmp_path: Path) -> None:
    result = _of(tmp_path, ("GET", 0, 1, _query("GET user:17", "redis")))
    assert [statement.text for statement in result.statements] == ["GET user:17"]


def test_the_report_shows_them_as_the_databases_time(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        (
            "GET /",
            0,
            100,
            [("connect", 1, 2, {"db.system": "mysql"}), ("SELECT", 10, 50, _query("SELECT 1"))],
        ),
        resource={"service.name": "shop"},
    )
    result = report(trace)
    assert {cost.component: cost.self_ns for cost in result.outside_steps} == {
        "other": 59_000,
        "database": 41_000,
    }
    assert result.work.statements == Executions(1, None, 40_000)
    assert result.work.connections is None


def test_what_is_not_recorded_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "run.json", document(("SELECT", 0, 1, _query("SELECT 1")), resource={}))
    assert main(["sql", str(path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["totals"]["executions"] == 1
    assert (result["totals"]["rows"], result["totals"]["repeated"]) == (None, None)
    assert set(result["connections"].values()) == {None}
    assert result["statements"][0]["distinct"] is None
    assert main(["report", str(path)]) == 0
    assert "not recorded" in capsys.readouterr().out
