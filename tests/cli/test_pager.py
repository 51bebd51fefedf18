"""Long lists in a terminal go through a pager; short ones, pipes and drawings do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest
from fakes.otlp import document, write
from fakes.programs import environment
from fakes.terminal_session import in_terminal


@pytest.fixture
def pager(tmp_path: Path) -> str:
    """A pager that keeps what it shows in a file, and says that it was there."""
    return f"cat > '{tmp_path}/shown'; echo PAGED"


def test_a_long_list(tmp_path: Path, pager: str) -> None:
    code, got = in_terminal("probes", PAGER=pager)
    assert code == 0
    assert got == "PAGED\r\n"
    assert len((tmp_path / "shown").read_text().splitlines()) > 300


@pytest.mark.parametrize("arguments", [("probes", "--no-pager"), ("--no-pager", "probes")])
def test_not_if_the_user_wants_none(arguments: Tuple[str, ...], pager: str) -> None:
    code, got = in_terminal(*arguments, PAGER=pager)
    assert code == 0
    assert "PAGED" not in got
    assert got.count("\n") > 300


@pytest.mark.parametrize("named", ["", "cat", "no-such-pager-at-all"])
def test_nothing_is_lost_without_a_pager(named: str) -> None:
    code, got = in_terminal("probes", PAGER=named)
    assert code == 0
    assert got.count("\n") > 300


def test_what_fits_is_printed(tmp_path: Path, pager: str) -> None:
    path = write(tmp_path / "run.json", document(("simulation.step", 0, 10)))
    code, got = in_terminal("report", "--tree", str(path), PAGER=pager)
    assert code == 0
    assert "PAGED" not in got
    assert "simulation.step" in got


def test_a_pager_that_ends_early_is_no_error(pager: str) -> None:
    code, got = in_terminal("probes", PAGER="head -1")
    assert code == 0
    assert got.count("\n") == 1


def test_an_error_is_not_paged(tmp_path: Path, pager: str) -> None:
    code, got = in_terminal("report", str(tmp_path / "none.json"), PAGER=pager)
    assert code == 3
    assert "PAGED" not in got
    assert "does not exist" in got


def test_less_stops_where_the_list_ends(tmp_path: Path) -> None:
    """Without PAGER it is less, with git's options; LESS of the user's has precedence."""
    (tmp_path / "less").write_text('#!/bin/sh\ncat > /dev/null\necho "less with $LESS"\n')
    (tmp_path / "less").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert in_terminal("probes", PATH=path) == (0, "less with FRX\r\n")
    assert in_terminal("probes", PATH=path, LESS="-S") == (0, "less with -S\r\n")


def test_a_pipe_has_no_pager(pager: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "probes"],
        env={**environment(), "PAGER": pager},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") > 300
