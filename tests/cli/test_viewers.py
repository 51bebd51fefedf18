"""``nutrace flamegraph -f speedscope --open``, with programs in the places of speedscope and npx."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

import pytest
from fakes.otlp import document, write

from nutrace.cli import viewers
from nutrace.cli.main import main

COMMAND = ["flamegraph", "run.json", "-f", "speedscope", "--open"]
INSTEAD = "drop run.speedscope.json on https://www.speedscope.app, which keeps it in the browser\n"
MISSING = f"nutrace: error: speedscope is not installed: npm install -g speedscope, or {INSTEAD}"
#: A program that writes what it is called with, a word a line, and says something to its user.
NOTES = 'printf "%s\\n" "$@" >> "$0.called"\necho opening'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs; a run file is in the working directory."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "run.json", document(("simulation.step", 0, 10)))
    return folder


def program(folder: Path, name: str, script: str, interpreter: str = "/bin/sh") -> None:
    file = folder / name
    file.write_text(f"#!{interpreter}\n{script}\n")
    file.chmod(0o755)


def calls(folder: Path, name: str) -> List[str]:
    return (folder / f"{name}.called").read_text().splitlines()


def test_the_viewer_gets_the_file_and_speaks_on_stderr(
    programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program(programs, "speedscope", NOTES)
    assert main(COMMAND) == 0
    (drawing,) = calls(programs, "speedscope")
    assert drawing == str(programs.parent / "run.speedscope.json")
    assert json.loads(Path(drawing).read_text())["profiles"]
    out, err = capfd.readouterr()
    assert out.startswith("run.speedscope.json: speedscope, ")
    assert out.count("\n") == 1
    assert err == "opening\n"


def test_a_name_that_looks_like_an_option(programs: Path) -> None:
    program(programs, "speedscope", NOTES)
    assert main([*COMMAND, "--output=--help"]) == 0
    assert calls(programs, "speedscope") == [str(programs.parent / "--help")]


def test_npx_opens_what_it_finds_on_this_computer(programs: Path) -> None:
    program(programs, "npx", NOTES)
    assert main(COMMAND) == 0
    offline = ["--no-install", "--offline", "speedscope"]
    drawing = str(programs.parent / "run.speedscope.json")
    assert calls(programs, "npx") == [*offline, "--version", *offline, drawing]


@pytest.mark.parametrize("npx", ["", "exit 1", "kill -9 $$", "exec sleep 100"])
def test_where_it_is_not_installed_a_line_says_how_to_get_it(
    npx: str, programs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "_PATIENCE_S", 0.3)
    if npx:
        program(programs, "npx", f"echo noise; echo noise >&2; PATH=/bin:/usr/bin; {npx}")
    assert main(COMMAND) == 8
    out, err = capfd.readouterr()
    assert out.startswith("run.speedscope.json: speedscope, ")
    assert err == MISSING
    assert Path("run.speedscope.json").exists()


@pytest.mark.parametrize(
    ("script", "interpreter", "how"),
    [
        ("exit 3", "/bin/sh", "speedscope did not open run.speedscope.json (exit code 3)"),
        ("kill -9 $$", "/bin/sh", "speedscope did not open run.speedscope.json (SIGKILL)"),
        ("", "/no/such/node", "speedscope cannot be started (No such file or directory)"),
    ],
)
def test_a_viewer_that_fails(
    script: str, interpreter: str, how: str, programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program(programs, "speedscope", script, interpreter)
    assert main(COMMAND) == 1
    assert capfd.readouterr().err == f"nutrace: error: {how}: {INSTEAD}"
