"""`-` is a run from standard input, plain or gzip, for every command that reads one."""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Sequence, Tuple

import pytest
from fakes.otlp import document, write
from fuzz.watch import run_command

STEP = ("simulation.step", 0, 10_000, [
    ("planner.compute", 1_000, 5_000, {"nutrace.component": "planner"}),
    ("sqlite3.statement", 6_000, 7_000, {
        "nutrace.component": "database", "db.query.text": "SELECT 1", "nutrace.sql.statement": "ab"}),
])  # fmt: skip
RUN = (
    "simulation.run",
    0,
    20_000,
    [STEP, ("simulation.step", 12_000, 15_000), ("simulation.step", 16_000, 18_000)],
    {"nuplan.scenario.token": "5f3a"},
)

#: Each command that reads a run; what it prints, or writes into a file, is the same as with the file's name.
COMMANDS: Dict[str, Sequence[str]] = {
    "report": ("report", "-"),
    "tree": ("report", "--tree", "-"),
    "scenarios": ("scenarios", "-"),
    "workers": ("workers", "-"),
    "overhead": ("overhead", "-"),
    "sql": ("sql", "-"),
    "deepcopy": ("deepcopy", "-"),
    "advise": ("advise", "-"),
    "whatif": ("whatif", "-", "planner=0.5"),
    "suggest": ("suggest", "-"),
    "speedups": ("speedups", "-"),
    "cprofile": ("cprofile", "made.prof", "-"),
    "index": ("index", "log.db", "--run", "-"),
    "flamegraph": ("flamegraph", "-", "-f", "collapsed", "-o", "-"),
    "slowest": ("flamegraph", "-", "--slowest", "40%", "-o", "drawn.html"),
    "difference": ("flamegraph", "other.json", "--against", "-", "-o", "drawn.html"),
    "compare": ("compare", "other.json", "--against", "-", "--anyway"),
    "export": ("export", "-", "-f", "collapsed", "-o", "out", "--force"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs")
    write(made / "run.json", document(RUN))
    other = document(RUN)
    (made / "other.json").write_text(str(write(made / "x.json", other).read_text()).replace("run1", "run2"))
    sqlite3.connect(made / "log.db").execute("CREATE TABLE t (a)")
    program = "import cProfile; p = cProfile.Profile(); p.runcall(len, []); p.dump_stats('made.prof')"
    subprocess.run([sys.executable, "-c", program], cwd=made, check=True, timeout=60)
    return made


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def _run(words: Sequence[str], given: bytes) -> Tuple[int, str, str]:
    """Run a command with something on its standard input, the descriptor."""
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        kept = os.dup(0)
        os.dup2(file.fileno(), 0)
        try:
            code, out, err = run_command(list(words))
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    return code, out.decode(), err


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_run_from_standard_input(folder: Path, words: Sequence[str], zipped: bool) -> None:
    content = (folder / "run.json").read_bytes()
    code, out, err = _run(words, gzip.compress(content) if zipped else content)
    assert code == 0, err
    if words[0] in ("export", "flamegraph") and "collapsed" not in words:
        return
    if words[0] == "export":
        assert "planner.compute" in (folder / "out" / "run.collapsed.txt").read_text()
        return
    named = [
        "run.json" if word == "-" and before != "-o" else word for before, word in zip(("", *words), words)
    ]
    assert out.replace("run.json", "-") == _run(named, b"")[1].replace("run.json", "-")


def test_two_of_them_are_one_too_many() -> None:
    code, _, err = _run(("compare", "-", "--against", "-"), b"")
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize("given", [b"", b"{}", b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_what_is_no_run(given: bytes) -> None:
    code, _, err = _run(("report", "-"), given)
    assert code == 3
    (line,) = err.splitlines()
    assert line.startswith("nutrace: error: - ")
