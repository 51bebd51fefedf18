"""What columns mean is said on --explain, and each time how to see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.commands import command
from fakes.otlp import document, priced, write

COMMANDS = ("report", "overhead", "sql", "deepcopy", "scenarios")
TREE = ("simulation.run", 0, 90, [("simulation.step", 0, 50, [
    ("copy.deepcopy", 1, 5, {"nutrace.component": "deepcopy", "nutrace.deepcopy.objects": 3}),
    ("sqlite3.statement", 6, 9, {
        "nutrace.component": "database", "db.query.text": "SELECT 1", "nutrace.sql.statement": "ab"}),
])])  # fmt: skip


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    return write(tmp_path / "run.json", document(TREE, resource=priced(call=100)))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_glossary_waits_until_it_is_asked_for(run_file: Path, name: str) -> None:
    short, long = (command(name, run_file, *more).out for more in ((), ("--explain",)))
    assert short.count("\n--explain says what the columns mean.\n") == 1
    assert "\nColumns\n" not in short
    assert "\nColumns\n" in long
    assert "--explain" not in long


@pytest.mark.parametrize("name", ["report", "overhead"])
def test_a_pull_request_is_not_told_of_options(run_file: Path, name: str) -> None:
    short, long = (command(name, run_file, "--markdown", *more).out for more in ((), ("--explain",)))
    assert "--explain" not in short
    assert "\n## Columns\n" in long
