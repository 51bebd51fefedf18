"""docs/many-runs.md: its queries run in DuckDB, and its lines under Ray, as they stand there.

DuckDB is installed in an environment of its own; Ray is the devkit's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, DefaultDict, Dict, List, Tuple

import pytest
from devkit import devkit_environment, needs_devkit, run_python
from fakes.commands import command
from fakes.programs import environment
from fakes.runs import write_run
from simulations import run_file

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"<!-- (?P<name>query: \w+|ray) -->\n```\w+\n(?P<text>.*?)```", re.DOTALL)


def _blocks(page: str) -> Dict[str, str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return {match["name"]: match["text"] for match in _BLOCK.finditer(text)}


BLOCKS = _blocks("docs/many-runs.md")

#: Prints the rows of the queries that it reads, by their names.
_ASK = """
import json, sys
import duckdb

answers = {}
for name, text in json.load(sys.stdin).items():
    rows = duckdb.sql(text)
    answers[name] = [dict(zip(rows.columns, row)) for row in rows.fetchall()]
print(json.dumps(answers, default=int))
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of four runs: two of several scenarios, and two with statements."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs"
    folder.mkdir()
    for number, name in enumerate(("01", "2026-11-29")):
        file = run_file(folder / f"{name}.json", seed=number)
        file.write_text(file.read_text().replace('"run1"', f'"{name}"'))  # an id of its own
    write_run(folder / "a b.json", 12.5, statements=3)
    write_run(folder / "new.json", 11.1, statements=2, steps=7, token="token-2")
    return folder


@pytest.fixture
def duckdb_python(tmp_path: Path) -> str:
    """An interpreter that has DuckDB, the last version that has a wheel for it."""
    made = tmp_path / "env"
    venv = [sys.executable, "-m", "venv", "--without-pip", str(made)]
    subprocess.run(venv, check=True, env=environment())
    python = str(made / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    install = [*pip, "install", "-q", "--no-compile", "--only-binary=:all:", "duckdb"]
    ended = subprocess.run(install, env=environment(), capture_output=True, text=True)
    if ended.returncode:
        pytest.skip(f"pip does not get duckdb here: {' '.join(ended.stderr.split())[-200:]}")
    return python


@pytest.mark.once
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="once is enough: on Python 3.11")
def test_duckdb_says_what_the_reports_say(runs: Path, duckdb_python: str) -> None:
    done = command("export", "runs", "-o", "evaluation")
    assert (done.code, done.err) == (0, "")
    queries = {name.partition(": ")[2]: text for name, text in BLOCKS.items() if name.startswith("query: ")}
    ended = subprocess.run(
        [duckdb_python, "-c", _ASK],
        input=json.dumps(queries),
        cwd=runs.parent,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    answers: Dict[str, List[Dict[str, Any]]] = json.loads(ended.stdout)
    assert set(answers) == {"steps", "components", "statements"}
    reports = {file.stem: _json("report", file) for file in sorted(runs.glob("*.json"))}
    _check_steps(answers["steps"], runs)
    _check_components(answers["components"], reports)
    _check_statements(answers["statements"], runs, reports)


def _json(name: str, file: Path, *words: str) -> Dict[str, Any]:
    done = command(name, file, "--json", *words)
    assert done.code == 0, done.err
    document: Dict[str, Any] = json.loads(done.out)
    return document


def _check_steps(rows: List[Dict[str, Any]], runs: Path) -> None:
    assert len(rows) == 6
    assert [row["mean_ms"] for row in rows] == sorted((row["mean_ms"] for row in rows), reverse=True)
    for row in rows:
        steps = _json("report", runs / f"{row['nutrace_run']}.json", "--scenario", row["type"])["steps"]
        assert (row["steps"], row["mean_ms"], row["p95_ms"]) == (
            steps["count"],
            steps["mean_ms"],
            steps["p95_ms"],
        )


def _check_components(rows: List[Dict[str, Any]], reports: Dict[str, Dict[str, Any]]) -> None:
    asked = {(row["nutrace_run"], row["component"]): row["self_ms_per_step"] for row in rows}
    assert len(asked) == len(rows)
    expected: Dict[Tuple[Any, str], float] = {}
    together_ns: DefaultDict[str, int] = defaultdict(int)
    for run, report in reports.items():
        for cost in report["components"]:
            if cost["self_ms"]:
                expected[run, cost["component"]] = cost["self_ms_per_step"]
                together_ns[cost["component"]] += round(cost["self_ms"] * 1e6)
    steps = sum(report["steps"]["count"] for report in reports.values())
    expected.update({(None, component): ns / 1e6 / steps for component, ns in together_ns.items()})
    assert asked == expected


def _check_statements(rows: List[Dict[str, Any]], runs: Path, reports: Dict[str, Dict[str, Any]]) -> None:
    expected: DefaultDict[str, List[int]] = defaultdict(lambda: [0, 0, 0])
    texts = {}
    for run in reports:
        for statement in _json("sql", runs / f"{run}.json")["statements"]:
            key = statement["hash"]
            texts[key] = statement["statement"]
            sums = expected[key]
            sums[0] += statement["executions"]
            sums[1] += statement["rows"]
            sums[2] += round(statement["total_ms"] * 1e6)
    assert {
        row["statement"]: (row["text"], row["executions"], row["rows"], row["total_ms"]) for row in rows
    } == {
        key: (texts[key], executions, rows, total_ns / 1e6)
        for key, (executions, rows, total_ns) in expected.items()
    }
    with_statements = [report for report in reports.values() if report["per_step"]["queries"]]
    assert sum(row["in_steps"] for row in rows) == sum(
        report["per_step"]["queries"] * report["steps"]["count"] for report in with_statements
    )
    assert sum(row["in_steps_ms"] for row in rows) == sum(
        report["per_step"]["query_ms"] * report["steps"]["count"] for report in with_statements
    )


@needs_devkit
@pytest.mark.skipif(
    os.environ.get("NUTRACE_DEVKIT_MATRIX", "0") in ("", "0"), reason="Ray: NUTRACE_DEVKIT_MATRIX=1"
)
@pytest.mark.timeout(600)
def test_ray_writes_what_export_writes(runs: Path) -> None:
    # On a busy machine Ray waits for ever if its workers take longer than this to start.
    environ = devkit_environment(RAY_ADDRESS="local", RAY_worker_register_timeout_seconds="500")
    words = ["-m", "nutrace.cli.main", "export", "runs", "-o", "expected", "--jobs", "1"]
    for code in (words, ["-c", BLOCKS["ray"]]):
        ended = run_python(code, environ, cwd=runs.parent)
        assert ended.returncode == 0, ended.stderr[-3000:]
    assert _files(runs.parent / "evaluation") == _files(runs.parent / "expected")


def _files(folder: Path) -> Dict[str, bytes]:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(files) == 24
    return files
