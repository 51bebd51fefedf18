"""Comparisons in a notebook say what ``nutrace compare`` says."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from fakes.commands import command
from fakes.runs import write_runs

import nutrace
from nutrace.errors import InputError, UsageError
from nutrace.jupyter.runs import Runs
from nutrace.trace import load

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
    page = found._repr_html_()
    seen = " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)).split())
    for word in " ".join(printed.split()).split(" "):
        assert word in seen
    assert 'class="nt-bad">slower' in page
    assert page.index("Headline") < page.index("<details")


def test_runs_show_their_names_and_files(sides: tuple[Path, Path]) -> None:
    runs = nutrace.load_many(sides[0])
    page = runs._repr_html_()
    assert "<strong>5 runs</strong>" in page
    for name, file in runs.files.items():
        assert name in page
        assert html.escape(file) in page


def test_hostile_names_of_runs_are_text() -> None:
    shown = Runs({"<img src=x>": "<script>.json"}, load)._repr_html_()
    assert "<img" not in shown
    assert "<script" not in shown


def test_what_cannot_be_compared_is_said_in_one_line(sides: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="same run"):
        nutrace.compare(sides[0], sides[0])
    with pytest.raises(InputError):
        nutrace.compare(sides[0], sides[1] / "nothing.json")
