"""What ``nutrace sql`` prints, from a program that really ran, and how it ends."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes.otlp import document, write
from fakes.tracing import Tracing

import nutrace
from nutrace.cli.main import main
from nutrace.probes.catalogue.sqlite import PROBES


@pytest.fixture
def tracing(tmp_path: Path) -> Tracing:
    return Tracing(tmp_path)


def _query(path: str, token: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert len(connection.execute("SELECT status FROM lights WHERE pc = ?", (token,)).fetchall()) == 20


@pytest.fixture
def run_file(tmp_path: Path, tracing: Tracing) -> Path:
    """Three steps with two, two and six queries."""
    path = str(tmp_path / "log.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lights (pc INTEGER, status TEXT)")
        connection.executemany("INSERT INTO lights VALUES (?, 'red')", [(n % 500,) for n in range(10_000)])
    with tracing(*PROBES, compress_us=200):
        for tokens in ([1, 1], [2, 2], [1, 2, 3, 4, 5, 6]):
            with nutrace.span("simulation.step", component="simulation"):
                for token in tokens:
                    _query(path, token)
    assert tracing.path is not None
    return tracing.path


def _json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert main(["sql", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, run_file)
    totals = result["totals"]
    assert (totals["executions"], totals["repeated"], totals["rows"]) == (10, 4, 200)
    assert totals["repeated_in_step"] == 2
    assert totals["total_ms"] > totals["repeated_ms"] > 0
    per_step = result["per_step"]
    assert (per_step["executions"], per_step["connections"], per_step["rows"]) == (10 / 3, 10 / 3, 200 / 3)
    assert per_step["ms"] == pytest.approx(totals["total_ms"] / 3)
    connections = result["connections"]
    assert (connections["opened"], connections["closed"], connections["peak_open"]) == (10, 10, 1)
    (statement,) = result["statements"]
    assert {
        *("statement", "callers", "component", "executions", "distinct", "repeated", "rows", "execute_ms"),
        *("fetch_ms", "total_ms", "per_step", "plan", "full_scan", "advice"),
    } <= set(statement)
    assert statement["statement"] == "SELECT status FROM lights WHERE pc = ?"
    assert (statement["executions"], statement["distinct"], statement["repeated"]) == (10, 6, 4)
    assert statement["plan"] is statement["full_scan"] is statement["advice"] is None
    assert sum(caller["executions"] for caller in statement["callers"]) == 10
    assert statement["callers"][0]["function"].endswith("_query")
    (loop,) = result["loops"]
    assert (loop["steps"], loop["executions"]) == (1, 6)


def test_some_of_the_steps(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, run_file, "--steps", "0:2")
    assert (result["steps"], result["totals"]["executions"], result["totals"]["repeated"]) == (2, 4, 2)


def test_explain_names_the_scan_and_the_index(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = _json(capsys, run_file, "--explain")
    (statement,) = result["statements"]
    assert statement["full_scan"] is True
    assert statement["plan"] == ["SCAN lights"] or statement["plan"] == ["SCAN TABLE lights"]
    assert statement["advice"] == "CREATE INDEX nutrace_lights_pc ON lights (pc)"
    (advice,) = result["advice"]
    assert (advice["rows"], advice["rows_after"]) == (10_000, 20)
    assert 0 < advice["saved_ms_per_step"] < result["per_step"]["ms"]

    assert main(["sql", str(run_file), "--explain"]) == 0
    text = capsys.readouterr().out
    assert "full scan: lights, 10,000 rows" in text
    assert "CREATE INDEX nutrace_lights_pc ON lights (pc);" in text
    assert "20 rows to read instead of 10,000" in text


def test_once_the_index_is_there_nothing_is_advised(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        connection.execute("CREATE INDEX mine ON lights (pc)")
    assert main(["sql", str(run_file), "--explain"]) == 0
    assert "Advice: none. No statement scans a whole table." in capsys.readouterr().out


def test_text(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", str(run_file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Per step (3): 3.33 queries, 3.33 connections, 66.7 rows, ")
    assert "Repeats: 4 executions (40 %)" in out
    assert "Queries in a loop (N+1)" in out
    assert "Plans" not in out


def test_who_opens_connections_and_who_executes(
    tmp_path: Path, tracing: Tracing, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "log.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lights (pc INTEGER, status TEXT)")
        connection.executemany("INSERT INTO lights VALUES (7, ?)", [("red",)] * 20)
    with tracing(*PROBES):
        for number in range(6):
            for _ in range(6 - number):
                with nutrace.span(f"read.part{number}", component="scenario"):
                    _query(path, 7)
    result = _json(capsys, tracing.path)
    opened_by = result["connections"]["opened_by"]
    assert [each["connections"] for each in opened_by] == [6, 5, 4, 3, 2, 1]
    assert opened_by[0]["path"] == ["read.part0"]
    assert opened_by[0]["function"].endswith("_query")
    (statement,) = result["statements"]
    callers = statement["callers"]
    assert sum(each["total_ms"] for each in callers) == pytest.approx(statement["total_ms"])

    assert main(["sql", str(tracing.path)]) == 0
    out = capsys.readouterr().out
    assert "21 opened by read.part0 6, read.part1 5, read.part2 4, 3 others 6; 21 closed" in out
    lines = out.split("Callers")[1].splitlines()
    assert [line.split()[0] for line in lines if "_query:" in line] == ["executed"]  # once
    assert lines[3].split()[:2] == ["6", "x"]
    assert lines[3].endswith(" ms  read.part0")
    assert "and 2 other callers" in out


def test_callers_of_statements_that_take_next_to_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def statement(number: int, start: int, end: int) -> Any:
        told = {
            "nutrace.component": "database",
            "db.system.name": "sqlite",
            "nutrace.sql.statement": f"s{number}",
            "db.query.text": f"SELECT {'x' * number}",
            "nutrace.sql.execute_ns": 1_000 * (end - start),
            "code.function.name": "mine.read",
        }
        return ("sqlite3.statement", start, end, told)

    file = str(write(tmp_path / "run.json", document(statement(1, 0, 10_000), statement(2, 10_000, 10_050))))
    assert main(["sql", file]) == 0
    out = capsys.readouterr().out.split("Callers")[1]
    assert out.count("mine.read") == 1
    assert "and those of 1 statement with less than 1 % of the time: --limit 0 shows all" in out
    for more in (["--limit", "0"], ["--full"]):
        assert main(["sql", file, *more]) == 0
        assert capsys.readouterr().out.split("Callers")[1].count("mine.read") == 2


def test_the_report_counts_what_the_steps_ask(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run_file)]) == 0
    out = capsys.readouterr().out
    assert "queries      3.33 per step" in out
    assert "connections  3.33 per step" in out
    assert main(["report", str(run_file), "--json"]) == 0
    per_step = json.loads(capsys.readouterr().out)["per_step"]
    assert (per_step["queries"], per_step["rows"], per_step["deep_copies"]) == (10 / 3, 200 / 3, None)


def test_a_database_that_is_gone(run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log.db").unlink()
    result = _json(capsys, run_file, "--explain")
    assert result["notes"] == [f"no plans: {tmp_path / 'log.db'}: there is no such file"]
    assert result["statements"][0]["plan"] is None
    assert main(["sql", str(run_file), "--explain"]) == 0
    assert "Advice" not in capsys.readouterr().out  # nothing is known of its scans


def test_without_the_parser_there_are_plans(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / "sqlglot.py").write_text("raise ImportError('absent')")
    monkeypatch.syspath_prepend(str(absent))  # plans are made in another process
    assert main(["sql", str(run_file), "--explain"]) == 0
    out, err = capsys.readouterr()
    assert "full scan: lights" in out
    assert err.startswith(
        "nutrace: plans without advice: advising indexes needs sqlglot (absent): pip install"
    )
    assert "Advice" not in out


def test_texts_can_be_left_out(tmp_path: Path, tracing: Tracing, capsys: pytest.CaptureFixture[str]) -> None:
    with tracing(*PROBES, sql_text=False), closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT 'hunter2', ?", (5,)).fetchall()
    assert tracing.path is not None
    assert "hunter2" not in tracing.path.read_text(encoding="utf-8")
    assert main(["sql", str(tracing.path), "--explain"]) == 0
    assert "NUTRACE_SQL_TEXT=off" in capsys.readouterr().out


def test_a_run_without_databases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "run.json", document(("work", 0, 10)))
    assert main(["sql", str(path)]) == 0
    assert capsys.readouterr().out.startswith("This run did not record databases")


@pytest.mark.parametrize(("arguments", "code"), [(["--limit", "-1"], 2), (["--steps", "x"], 2)])
def test_bad_options(run_file: Path, arguments: Any, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", str(run_file), *arguments]) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_hostile_texts_stay_on_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "SELECT '\x1b[2J' FROM \x00 <script> " + "x" * 10_000
    span = (
        "sqlite3.statement",
        0,
        10,
        {
            "nutrace.component": "database",
            "db.system.name": "sqlite",
            "db.query.text": text,
            "db.namespace": "/nowhere\n/x.db",
            "nutrace.sql.statement": "s",
        },
    )
    path = write(tmp_path / "run.json", document(span))
    assert main(["sql", str(path), "--explain", "--full"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x00" not in out
