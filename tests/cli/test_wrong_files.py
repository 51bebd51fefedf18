"""Every command on a file that is missing, empty or something else: one line that says so, and a code."""

from __future__ import annotations

import cProfile
import sqlite3
from pathlib import Path

import pytest
from fakes.commands import command
from fakes.otlp import document, write

COMMANDS = (
    "report F", "report --tree F", "scenarios F", "workers F", "overhead F", "flamegraph F -o x.html",
    "flamegraph good.json --against F -o x.html", "export F -o out", "compare good.json --against F",
    "compare F --against good.json", "suggest F", "cprofile made.prof F", "cprofile F", "deepcopy F", "sql F",
    "sql --explain F", "index log.db --run F", "index F --run good.json", "advise F", "whatif F planner=0.5",
    "speedups F", "join F -o x.json", "history F", "push F --timeout 1", "report good.json --samples F",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wrong")
    write(made / "good.json", document(("simulation.step", 0, 10)))
    sqlite3.connect(made / "log.db").execute("CREATE TABLE t (a)")
    profile = cProfile.Profile()
    profile.runcall(len, [])
    profile.dump_stats(made / "made.prof")
    (made / "empty.json").touch()
    (made / "chrome.json").write_text('{"traceEvents": []}')
    (made / "text.json").write_text("hello\n")
    (made / "folder").mkdir()
    return made


@pytest.mark.parametrize("words", COMMANDS)
def test_one_line_says_what_is_wrong(folder: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.rglob("*"))
    for name in ("missing.json", "empty.json", "chrome.json", "text.json", "folder"):
        done = command(*(name if word == "F" else word for word in words.split()))
        assert (done.code in (1, 2, 3), done.out) == (True, ""), (name, done)
        (line,) = done.err.splitlines()
        assert line.startswith("nutrace: error: "), name
        assert name in line
        assert ": " in line[len("nutrace: error: ") :] or ";" in line  # and what to do
    assert sorted(path.name for path in folder.rglob("*")) == before
