"""What ``nutrace cprofile`` prints, and how it ends."""

from __future__ import annotations

import json
import marshal
import os
from pathlib import Path
from typing import Any, Tuple

import pytest
from fakes.otlp import document, write

from nutrace.cli.main import main

FILE = "/opt/devkit/nuplan/queries.py"
ROWS = {
    (FILE, 7, "lights"): (7200, 7200, 0.1, 0.25, {}),
    (FILE, 30, "plain"): (4, 4, 0.1, 0.2, {}),
    ("/usr/lib/python3.9/copy.py", 128, "deepcopy"): (1060, 706842, 1.0, 4.0, {}),
    ("/usr/lib/python3.9/copy.py", 226, "_deepcopy_dict"): (34698, 71002, 1.0, 2.0, {}),
    ("~", 0, "<built-in method builtins.len>"): (9, 12, 0.0, 0.0, {}),
    ("/x/y.py", 3, "<genexpr>"): (12, 12, 0.0, 0.0, {}),
    ("/x/y.py", 9, "esc\x1b[31m"): (5, 9, 0.0, 0.0, {}),
}


def _code(function: str, line: int) -> Any:
    return {
        "code.function.name": f"nuplan.queries.{function}",
        "code.file.path": FILE,
        "code.line.number": line,
    }


@pytest.fixture
def files(tmp_path: Path) -> Tuple[str, str]:
    profile = tmp_path / "old.prof"
    profile.write_bytes(marshal.dumps(ROWS))
    yields = {"nutrace.generator.yielded": 23, "nutrace.busy_ns": 500_000}
    spans = [("lights", 1000 * at, 1000 * at + 600, {**_code("lights", 7), **yields}) for at in range(300)]
    spans += [("plain", 500_000, 600_000, {**_code("plain", 30), "nutrace.composite.count": 4})]
    run = write(tmp_path / "run.json", document(("root", 0, 700_000, spans)))
    return str(profile), str(run)


def _out(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["cprofile", *words]) == 0
    return capsys.readouterr().out


def test_the_tables(files: Tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    lines = _out(capsys, *files).splitlines()
    (lights,) = (at for at, line in enumerate(lines) if line.split()[:1] == ["lights"])
    assert lines[lights].split() == [*("lights", "7,200", "300", "6,900", "0.250", "0.150", "queries.py:7")]
    assert lines[lights + 1].strip() == (
        "7,200 = 300 calls + 6,900 resumptions: a generator that yields 23 values is counted 24 times"
    )
    (copies,) = (at for at, line in enumerate(lines) if line.split()[:1] == ["deepcopy"])
    assert lines[copies + 1].strip().startswith("706,842 = 1,060 root calls + 705,782 recursive calls: ")
    assert lines[copies + 2].strip().endswith("_deepcopy_dict 71,002")
    assert any("2 functions; for 1 of them the count is the number of calls" in line for line in lines)
    assert "builtins.len" not in "\n".join(lines)
    assert "\x1b" not in "\n".join(lines)


def test_alone(files: Tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    text = _out(capsys, files[0])
    assert "in both the profile" not in text
    assert "run s" not in text
    (row,) = (line for line in text.splitlines() if line.split()[:1] == ["<genexpr>"])
    assert row.split() == ["<genexpr>", "12", "?", "?", "?", "0.000", "y.py:3"]
    # The source of the queries is not here, so their kind is unknown.
    assert "more functions were entered repeatedly, and their source is not here" in text


def test_limit(files: Tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "and 1 more: --limit 0 shows all" in _out(capsys, *files, "--limit", "1")
    assert "--limit 0" not in _out(capsys, *files, "--limit", "0")
    assert main(["cprofile", *files, "--limit", "-1"]) == 2
    assert "bad --limit" in capsys.readouterr().err


def test_json(files: Tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    report = json.loads(_out(capsys, *files, "--json", "--limit", "1"))
    assert list(report) == [
        *("profile", "run", "functions", "counted", "time_ratio", "unreadable", "known", "alone"),
        *("complete", "running", "times"),
    ]
    assert report["functions"] == len(ROWS)
    lights, plain = report["known"]
    assert lights["made_of"] == {"calls": 300, "resumptions": 6900, "recursion": 0, "unexplained": 0}
    assert (lights["function"], lights["kind"]) == ("nuplan.queries.lights", "generator")
    assert (lights["cprofile_cumulative_ms"], lights["run_total_ms"]) == (250.0, 150.0)
    assert plain["made_of"]["calls"] == plain["count"] == 4
    assert [row["function"] for row in report["alone"]] == ["deepcopy", "<genexpr>", "esc\x1b[31m"]
    assert [row["made_of"]["calls"] for row in report["alone"]] == [1060, None, None]
    assert report["alone"][2]["reasons"][0].startswith("9 = 5 entries from outside + 4 from within itself")
    assert json.loads(_out(capsys, files[0], "--json"))["known"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"hello", b"\x80\x04."])
def test_bad_profiles(
    tmp_path: Path, files: Tuple[str, str], capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    bad = tmp_path / "bad.prof"
    bad.write_bytes(content)
    for words in ([str(bad)], [str(bad), files[1]]):
        assert main(["cprofile", *words]) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert str(bad) in line


def test_files_in_the_wrong_order_and_missing(
    files: Tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([files[1], files[0]], ["no.prof"], [files[0], "no.json"], [os.path.dirname(files[0])]):
        assert main(["cprofile", *words]) == 3
        assert len(capsys.readouterr().err.splitlines()) == 1
