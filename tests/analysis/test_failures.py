"""Which errors a trace has."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pytest
from fakes.otlp import document, trace_of, write
from fakes.tracing import Tracing

import nutrace
from nutrace.analysis import Failure, divide, failures
from nutrace.cli.main import main
from nutrace.jupyter.card import card
from nutrace.probes.catalogue.sqlite import PROBES

TAKEN = "sqlite3.IntegrityError: UNIQUE constraint failed" + (
    " (SQLITE_CONSTRAINT_UNIQUE)" if sys.version_info >= (3, 11) else ""
)


@pytest.fixture
def path(recorded: Tracing) -> Path:
    """A run in which a statement fails in two of three steps, and once outside; one step fails with it."""
    with recorded(*PROBES):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE t (a UNIQUE)")
        for _ in range(2):
            with nutrace.span("simulation.step", component="simulation"):
                try:
                    connection.execute("INSERT INTO t VALUES (?)", (1,))
                except sqlite3.IntegrityError:
                    continue
        for name in ("simulation.step", "plan"):
            with pytest.raises(RuntimeError), nutrace.span(name, component="planner"):  # noqa: PT012
                try:
                    connection.execute("INSERT INTO t VALUES (?)", (1,))
                except sqlite3.IntegrityError as error:
                    raise RuntimeError(f"no row: {error}") from error
        connection.close()
    assert recorded.path is not None
    return recorded.path


def test_an_error_counts_where_it_comes_from(path: Path) -> None:
    trace = nutrace.load(path)
    wrapped = f"RuntimeError: no row: … [{TAKEN}]"
    assert failures(trace, divide(trace)) == (
        Failure(TAKEN, "sqlite3.statement", "database", 3, 2),
        Failure(wrapped, "plan", "planner", 1, 0),
        Failure(wrapped, "simulation.step", "planner", 1, 1),
    )


def test_reports_and_card_say_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for markdown in ([], ["--markdown"]):
        assert main(["report", str(path), *markdown]) == 0
        printed = capsys.readouterr().out.replace("\\", "")
        assert "Errors" in printed
        assert TAKEN in printed
    assert main(["sql", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "Failed: 3 executions" in printed
    assert f"3 x  failed: {TAKEN}" in printed
    assert f"5 errors, most often {TAKEN} from sqlite3.statement" in card(nutrace.load(path))


def test_errors_of_other_programs(tmp_path: Path) -> None:
    tree = ("outer", 0, 10, [("inner", 1, 2)])
    text = write(tmp_path / "run.json", document(tree)).read_text(encoding="utf-8")
    assert failures(trace_of(tmp_path, tree), divide(trace_of(tmp_path, tree))) == ()
    file = tmp_path / "failed.json"
    file.write_text(text.replace('"name":"outer"', '"name":"outer","status":{"code":2}'), encoding="utf-8")
    if '"status"' not in file.read_text(encoding="utf-8"):
        file.write_text(text.replace('"name": "outer"', '"name": "outer", "status": {"code": 2}'), "utf-8")
    trace = nutrace.load(file)
    assert failures(trace, divide(trace)) == (Failure("error", "outer", trace.component[0], 1, 0),)
