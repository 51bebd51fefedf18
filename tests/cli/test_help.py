"""What `nutrace` says before it does anything: help, near misses, what there is to do with a run file."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import List

import pytest
from fakes.otlp import RESOURCE, document, write

from nutrace.cli.commands import COMMANDS, LISTING, WISHES
from nutrace.cli.main import main

STEP = ("simulation.step", 0, 10, [("planner.compute", 1, 5, {"nutrace.component": "planner"})])


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _error(arguments: List[str], capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    """The one line that is said."""
    assert main(arguments) == code
    said = capsys.readouterr()
    assert not said.out
    (line,) = said.err.splitlines()
    assert line.startswith("nutrace: error: ")
    return line


def test_every_command_is_good_for_one_thing() -> None:
    wished = [name for _, names in WISHES for name in names]
    assert sorted(wished) == sorted(command.name for command in COMMANDS)
    assert set(wished) >= LISTING


@pytest.mark.parametrize("columns", ["60", "160"])
def test_nutrace_alone_is_help(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main([]) == 0
    alone = capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert capsys.readouterr().out == alone
    assert max(map(len, alone.splitlines())) <= int(columns)
    flowing = " ".join(alone.split())
    for command in COMMANDS:
        assert f" {command.name} {command.help}" in flowing
    assert "Here is" not in alone


def test_beside_a_run_it_says_what_to_do_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "other.json", {"resourceMetrics": []})
    assert main([]) == 0
    assert "Here is" not in capsys.readouterr().out
    (tmp_path / "my run.json").write_text('{"resourceSpans":[')  # only its head is read
    assert main([]) == 0
    hint = capsys.readouterr().out.rpartition("Here is ")[2].splitlines()
    assert hint[0] == "my run.json: 0.0 kB, of just now. Try"
    assert [line.partition("  ")[0] for line in map(str.strip, hint[1:])] == [
        "nutrace report --tree 'my run.json'",
        "nutrace flamegraph --open 'my run.json'",
        "nutrace advise 'my run.json'",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reprot"], "no command 'reprot'; did you mean report?"),
        (["Demo"], "no command 'Demo'; did you mean demo?"),
        (["view", "run.json"], "no command 'view'; did you mean flamegraph?"),
        (["open"], "no command 'open'; did you mean flamegraph?"),
        (["show"], "no command 'show'; did you mean flamegraph?"),
        (["diff", "a", "b"], "no command 'diff'; did you mean compare?"),
        (["version"], "no command 'version'; did you mean --version?"),
        (["run.json", "--tree"], "no command 'run.json'; did you mean nutrace report run.json?"),
        (["help", "reprot"], "no command 'reprot'; did you mean report?"),
        (["report", "run.json", "--steps", "10-20"], " or one number; did you mean 10:20?"),
        (["compare", "a b", "c", "d"], "; did you mean nutrace compare 'a b' c --against d?"),
        (["compare", "a"], " follow --against: nutrace compare a --against NEW"),
        (["report", "gone"], "gone does not exist: check the path; run.json is here"),
        (["xyzzy"], "no command 'xyzzy'; nutrace --help lists them"),
        (["report", "run.json", "--jsn"], "report knows no option --jsn; did you mean --json?"),
        (["report", "run.json", "--setps=3"], "report knows no option --setps; did you mean --steps?"),
        (["--vresion"], "nutrace knows no option --vresion; did you mean --version?"),
        (["report", "a", "b"], "report knows no argument b; nutrace report --help says what there is"),
        (["report", "run.jsn"], "run.jsn does not exist; did you mean run.json?"),
        (["report", "run"], "run does not exist, but run.json does: read that"),
        (["report", "run.json", "--scenario", "folowing_lane"], "; did you mean following_lane?"),
        (["report", "run.json", "--scenario", "5f3b1c2d4e6f7a80"], "; did you mean 5f3a1c2d4e6f7a80?"),
        (["whatif", "run.json", "planer=0.5"], "; did you mean planner?"),
        (["whatif", "run.json", "span:planner.compte=0.5"], "; did you mean planner.compute?"),
        (["flamegraph", "run.json", "--component", "databse"], "; did you mean database?"),
        (["probes", "--component", "databse"], "; did you mean database?"),
        (["flamegraph", "run.json", "-f", "speedscoop"], "; did you mean speedscope?"),
        (["export", "run.json", "-o", "out", "-f", "parket"], "; did you mean parquet?"),
    ],
)  # fmt: skip
def test_near_misses(
    tmp_path: Path, arguments: List[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = {
        "nuplan.scenario.token": "5f3a1c2d4e6f7a80",
        "nuplan.scenario.type": "following_lane",
    }
    write(tmp_path / "run.json", document(("simulation.run", 0, 20, [STEP], scenario), resource=RESOURCE))
    line = _error(arguments, capsys, 3 if "does not exist" in said else 2)
    assert said in line
    assert line.endswith(said)


@pytest.mark.parametrize(
    ("words", "same"), [(["help"], ["--help"]), (["help", "help"], []), (["help", "sql"], ["sql", "--help"])]
)
def test_help_as_a_word(words: List[str], same: List[str], capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for arguments in (words, same):
        with contextlib.suppress(SystemExit):
            assert main(arguments) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""


def test_the_newest_run_of_the_demo_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nutrace-demo").mkdir()
    for number, name in enumerate(("run-1.json", "run.json")):
        file = tmp_path / "nutrace-demo" / name
        write(file, document(STEP))
        os.utime(file, (number, number))
    newest = "nutrace-demo/run.json"
    assert main([]) == 0
    assert f"\n  nutrace report --tree {newest} " in capsys.readouterr().out
    assert _error(["report"], capsys).endswith(f"; {newest} is here: nutrace report {newest}")
    assert _error(["sql", "run.json"], capsys, 3).endswith(f"check the path; {newest} is here")


def test_the_program_is_named_as_it_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "run.json", document(STEP))
    called = tmp_path / "my env" / "bin" / "nutrace"
    called.parent.mkdir(parents=True)
    called.touch(0o755)
    for argument, path, word in (
        ("my env/bin/nutrace", "/bin", "'my env/bin/nutrace'"),
        (str(called), "/bin", "'my env/bin/nutrace'"),
        (str(called), f"/bin:{called.parent}", "nutrace"),
        (str(called), os.environ["PATH"], "'my env/bin/nutrace'"),  # another one is found there
    ):
        monkeypatch.setattr(sys, "argv", [argument])
        monkeypatch.setenv("PATH", path)
        assert main([]) == 0
        assert f"\n  {word} report --tree run.json " in capsys.readouterr().out


def test_near_misses_of_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NUTRACE_OUTPTU", "x.json")
    assert _error(["run", "--", "python"], capsys, 6).endswith(
        "; did you mean NUTRACE_OUTPUT? (nothing was started)"
    )
    monkeypatch.delenv("NUTRACE_OUTPTU")
    line = _error(["run", "--with", "conection_pool", "--", "python"], capsys, 6)
    assert line.endswith("; did you mean connection_pool? (nothing was started)")


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "required: file" in _error(["report"], capsys)
    write(tmp_path / "run.json", document(STEP))
    assert _error(["report"], capsys).endswith("; run.json is here: nutrace report run.json")
