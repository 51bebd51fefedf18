"""Where the nuPlan devkit is, for tests that run the real thing."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar

import pytest

_VARIABLE = "NUTRACE_DEVKIT_PYTHON"
_FILE = Path.home() / ".config" / "nutrace" / "devkit-python"
_SCRIPT = "nuplan.planning.script.run_simulation"
_ROOT = Path(__file__).parent.parent

#: What `run_simulation` is started with, by set-up.
SETUPS = {
    "simple": ("planner=simple_planner", "+simulation=open_loop_boxes"),
    "idm": ("planner=idm_planner", "+simulation=closed_loop_reactive_agents"),
}
COMMON = ("scenario_builder=nuplan_mini", "scenario_filter=one_of_each_scenario_type", "worker=sequential")

Test = TypeVar("Test", bound=Callable[..., Any])


@functools.cache
def devkit_python() -> Optional[str]:
    """An interpreter that has the devkit: $NUTRACE_DEVKIT_PYTHON, or what the file names, or none."""
    path = os.environ.get(_VARIABLE, "")
    if not path and _FILE.exists():
        path = _FILE.read_text(encoding="utf-8").strip()
    return path if path and os.access(path, os.X_OK) else None


def needs_devkit(test: Test) -> Test:
    """Mark a test or a class as ``devkit``, and skip it where there is none."""
    reason = f"no interpreter with the nuPlan devkit: name one in {_VARIABLE} or {_FILE}"
    marked: Test = pytest.mark.devkit(pytest.mark.skipif(devkit_python() is None, reason=reason)(test))
    return marked


def devkit_environment(**more: str) -> dict[str, str]:
    """This process's environment without NUTRACE variables, with this checkout importable."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), environ.get("PYTHONPATH"))))
    environ.update(more)
    return environ


@functools.cache
def devkit_script() -> str:
    """The devkit's run_simulation.py."""
    code = f"import importlib.util as u; print(u.find_spec({_SCRIPT!r}).origin)"
    done = run_python(["-c", code], devkit_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def run_python(
    arguments: Sequence[str], environ: Mapping[str, str], cwd: Optional[Path] = None
) -> subprocess.CompletedProcess[str]:
    """Run the devkit's interpreter."""
    python = devkit_python()
    assert python is not None
    return subprocess.run(
        [python, "-W", "ignore", *arguments], env=dict(environ), cwd=cwd, capture_output=True, text=True
    )
