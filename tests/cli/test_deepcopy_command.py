"""What ``nutrace deepcopy`` prints, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.otlp import document, write

from nutrace import semconv
from nutrace.cli.main import main

C = semconv.COMPONENT


def _copies(begin: float, end: float, function: str, file: str, root_type: str, objects: int) -> Any:
    return (
        "copy.deepcopy",
        begin,
        end,
        {
            C: "deepcopy",
            semconv.CODE_FUNCTION: function,
            semconv.CODE_FILE: file,
            semconv.CODE_LINE: 12,
            semconv.COPY_ROOT_TYPE: root_type,
            semconv.COPY_OBJECTS: objects,
        },
    )


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    config = _copies(0, 3_000, "omegaconf.Config.set", "/v/site-packages/omegaconf/c.py", "a.DictConfig", 900)
    node = _copies(4_000, 4_500, "omegaconf.Config.set", "/v/site-packages/omegaconf/c.py", "a.Node", 20)
    step = (
        "simulation.step",
        10_000,
        20_000,
        [_copies(11_000, 11_500, "user.plan", "/home/user.py", "list", 7)],
        {C: "simulation"},
    )
    shallow = ("copy.copy", 30_000, 30_100, {C: "deepcopy", semconv.CODE_FUNCTION: "plot.lines"})
    return write(tmp_path / "run.json", document(config, node, step, shallow))


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["deepcopy", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_first_line_says_what_is_in_the_steps(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, blank, *_ = _run(capsys, run_file).splitlines()
    assert first == (
        "Inside the one step: 1 root call, 7 objects, 0.500 ms; outside: 2 root calls, 920 objects, 3.5 ms."
    )
    assert blank == ""


def test_rows_by_caller(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _run(capsys, run_file).splitlines()
    (row,) = (line.split() for line in lines if "omegaconf" in line)
    assert row == [
        *("omegaconf.Config.set", "omegaconf/c.py:12", "2", "types", "other"),
        *("2", "0", "920", "3.5", "87.5", "%"),
    ]
    (row,) = (line.split() for line in lines if "user.plan" in line)
    assert row[:5] == ["user.plan", "/home/user.py:12", "list", "simulation", "1"]
    assert any(line.split()[:2] == ["copy.copy", "plot.lines"] for line in lines)


@pytest.mark.parametrize(
    ("by", "names"),
    [("type", ["a.DictConfig", "a.Node", "list"]), ("component", ["other", "simulation"])],
)
def test_rows_by_type_and_component(
    run_file: Path, capsys: pytest.CaptureFixture[str], by: str, names: Any
) -> None:
    lines = _run(capsys, run_file, "--by", by).splitlines()
    begin = lines.index("Deep copies") + 2
    assert [line.split()[0] for line in lines[begin : begin + len(names)]] == names


def test_limit(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = _run(capsys, run_file, "--limit", 1)
    assert "user.plan" not in out
    assert "  and 1 more\n" in out
    assert main(["deepcopy", str(run_file), "--limit", "-1"]) == 2


def test_json(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(_run(capsys, run_file, "--json"))
    assert (report["root_calls"], report["objects"], report["total_ms"]) == (3, 927, 4.0)
    assert report["in_steps"] == {"root_calls": 1, "objects": 7, "total_ms": 0.5}
    first = report["sources"][0]
    keys = ["caller", "root_type", "component", "root_calls", "root_calls_in_steps", "objects", "total_ms"]
    assert list(first)[:8] == [*keys, "share"]
    assert first["caller"] == {
        "function": "omegaconf.Config.set",
        "file": "/v/site-packages/omegaconf/c.py",
        "line": 12,
    }
    assert sum(source["share"] for source in report["sources"]) == pytest.approx(1)
    assert report["others"][0]["call"] == "copy.copy"


def test_flamegraph_of_deep_copies_only(
    run_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    drawing = tmp_path / "copies.html"
    out = _run(capsys, run_file, "--flamegraph", drawing)
    assert out.splitlines()[-1].startswith(str(drawing)[:40])
    page = drawing.read_text(encoding="utf-8")
    assert "user.plan:12 copies list" in page
    assert "simulation.step" not in page


def test_runs_without_copies_and_without_probes_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write(tmp_path / "plain.json", document(("work", 0, 1)))
    assert _run(capsys, plain).startswith("This run did not record deep copies: NUTRACE_DEEPCOPY was off")
    no_steps = write(tmp_path / "no-steps.json", document(_copies(0, 1, "f", "/f.py", "list", 2)))
    assert _run(capsys, no_steps).startswith(
        "The run has no finished steps. Deep copies of the whole run: 1 root"
    )
    assert main(["deepcopy", str(plain), "--flamegraph", str(tmp_path / "no.html")]) == 2
    assert not (tmp_path / "no.html").exists()


def test_a_users_own_program(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from copy import deepcopy\n"
        "class Board:\n"
        "    def __init__(self):\n"
        "        self.cells = [[0] * 3 for _ in range(3)]\n"
        "    def after(self, move):\n"
        "        board = deepcopy(self)\n"
        "        return board\n"
        "board = Board()\n"
        "for move in range(100):\n"
        "    board = board.after(move)\n"
    )
    run = [sys.executable, "-m", "nutrace.cli.main"]
    subprocess.run([*run, "run", str(program)], check=True, capture_output=True, cwd=tmp_path)
    told = subprocess.run([*run, "deepcopy", "run.json"], check=True, capture_output=True, cwd=tmp_path)
    lines = told.stdout.decode().splitlines()
    assert "100 root calls, 700 objects" in lines[0]  # board, its dictionary, 4 lists, the originals'
    (row,) = (line.split() for line in lines if "Board.after" in line)
    assert row[1].endswith("program.py:6")
    assert [row[0], row[2]] == ["__main__.Board.after", "__main__.Board"]
