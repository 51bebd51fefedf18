"""``nutrace run``: the program runs traced, or a line says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.programs import environment

import nutrace

_PROGRAM = """
import sys, nutrace
with nutrace.span("work", component="planner"):
    pass
print("done", *sys.argv[1:])
sys.exit(5)
"""


def _run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nutrace.cli.main", "run", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(**variables), capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(_PROGRAM, encoding="utf-8")
    return path


@pytest.mark.parametrize(("flag", "file"), [("--output", "mine.json"), ("-o", "mine.json.gz")])
def test_flags_exit_code_and_arguments_are_passed_on(program: Path, flag: str, file: str) -> None:
    done = _run(program.parent, flag, file, "--", sys.executable, "program.py", flag, "x")
    assert (done.returncode, done.stdout) == (5, f"done {flag} x\n")
    assert nutrace.load(program.parent / file).name == ["work"]
    assert (program.parent / file).read_bytes().startswith(b"\x1f\x8b") == file.endswith(".gz")


def test_a_script_runs_in_our_own_interpreter(program: Path) -> None:
    assert _run(program.parent, "--no-summary", "program.py").returncode == 5
    assert (program.parent / "run.json").exists()


def test_a_program_without_a_span_keeps_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("print('hello')\nraise SystemExit(3)")
    done = _run(tmp_path, "--", "python", "hello.py")
    assert (done.returncode, done.stdout) == (3, "hello\n")
    assert done.stderr == (
        "nutrace: no span was recorded, so there is no file: nutrace probes lists what is traced\n"
    )


def test_an_interpreter_without_the_hook_is_refused(program: Path) -> None:
    # Without its site module, it is like an interpreter without nutrace.
    other = program.parent / "bin" / "python3.9"
    other.parent.mkdir()
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', encoding="utf-8")
    other.chmod(0o755)
    done = _run(program.parent, "--", str(other), "program.py")
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr.startswith(f"nutrace: error: {other} has no nutrace and would run untraced")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "nothing to run"),
        (["--level", "loud", "--", "true"], 6, "nothing was started"),
        (["--", "/no/such/program"], 127, "cannot run /no/such/program"),
    ],
)
def test_what_cannot_run(tmp_path: Path, words: Any, code: int, said: str) -> None:
    done = _run(tmp_path, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert os.listdir(tmp_path) == []
