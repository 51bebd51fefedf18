"""Models with a span around their ``forward``: torch compiles, copies, saves and exports them as without."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest
from devkit import devkit_environment, devkit_python, needs_devkit
from fakes.programs import losses

import nutrace

PROGRAM = Path(__file__).parents[1] / "fakes" / "torch_modules.py"


def printed(python: Optional[str], folder: Path, mode: str) -> str:
    assert python is not None
    command = [python, str(PROGRAM), mode]
    done = subprocess.run(command, cwd=folder, env=devkit_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def compared(python: Optional[str], folder: Path) -> str:
    """What the program prints, with and without nutrace."""
    plain = printed(python, folder, "plain")
    assert " fails: " not in plain
    assert printed(python, folder, "traced") == plain
    trace = nutrace.load(folder / "run.json")
    assert trace.diagnostics.faults == 0
    assert losses(trace) == {}
    assert {(span.name, span.component) for span in trace if span.component != "deepcopy"} == {
        ("model.forward", "model")
    }
    return plain


@pytest.mark.timeout(300)
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_here(tmp_path: Path) -> None:
    compared(sys.executable, tmp_path)


@needs_devkit
def test_with_the_torch_of_the_devkit(tmp_path: Path) -> None:
    assert "script with an unused forward: torch.Size" in compared(devkit_python(), tmp_path)
