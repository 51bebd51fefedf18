"""Comparisons in a notebook say what ``nutrace compare`` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.commands import command
from fakes.runs import write_runs

import nutrace
from nutrace.errors import InputError, UsageError

pytest.importorskip("pandas")
pytest.importorskip("scipy")

SCATTER = (1.0, 1.01, 0.99, 1.005, 0.995)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    base = write_runs(tmp_path / "base", [50 * part for part in SCATTER])
    return base, write_runs(tmp_path / "new", [60.5 * part for part in reversed(SCATTER)])


def test_tables_are_those_of_the_command(sides: tuple[Path, Path]) -> None:
    said = json.loads(command("compare", sides[0], "--against", sides[1], "--json").out)
    found = nutrace.compare(*sides)
    verdicts = found.verdicts()
    assert [*verdicts.index] == [row["figure"] for row in said["verdicts"]]
    assert verdicts.loc["steps.p50_ms"].verdict == "slower"
    assert [*verdicts.verdict] == [row["verdict"] for row in said["verdicts"]]
    assert [*found.paths().index] == [" > ".join(row["path"]) for row in said["paths"]]
    assert len(found.statements().index.levels[0]) == len(said["statements"])


def test_it_shows_what_the_command_prints(sides: tuple[Path, Path]) -> None:
    printed = command("compare", sides[0], "--against", sides[1]).out
    found = nutrace.compare(nutrace.load_many(sides[0]), [str(sides[1] / "*.json")])
    assert repr(found) == printed.rstrip()
    assert found._repr_html_().startswith("<pre>")
    assert "&gt;" in found._repr_html_() or ">" not in printed


def test_what_cannot_be_compared_is_said_in_one_line(sides: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="same run"):
        nutrace.compare(sides[0], sides[0])
    with pytest.raises(InputError):
        nutrace.compare(sides[0], sides[1] / "nothing.json")
