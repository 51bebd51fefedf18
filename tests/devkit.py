"""Run the real nuPlan devkit from tests, in an interpreter of its own."""

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

#: The arguments of `run_simulation`, by set-up.
SETUPS = {
    "simple": ("planner=simple_planner", "+simulation=open_loop_boxes"),
    "idm": ("planner=idm_planner", "+simulation=closed_loop_reactive_agents"),
}
COMMON = (
    "scenario_builder=nuplan_mini",
    "scenario_filter=one_of_each_scenario_type",
    "worker=sequential",
    # Without the summary's pictures, which no test reads and which take half of the time.
    "main_callback=[time_callback,metric_file_callback,metric_aggregator_callback]",
)

#: Scenarios of the types that a synthetic log has take 5 s instead of 15: a test waits for little more than
#: the devkit's imports.
SHORT = tuple(
    f"scenario_builder.scenario_mapping.scenario_map.{kind}=[5.0,-3.0]"
    for kind in (
        *("following_lane_with_lead", "on_traffic_light_intersection"),
        *("low_magnitude_speed", "medium_magnitude_speed", "high_magnitude_speed"),
    )
)
STEPS = 49  # of such a scenario

Test = TypeVar("Test", bound=Callable[..., Any])


@functools.cache
def devkit_python() -> Optional[str]:
    """The interpreter that has the devkit: $NUTRACE_DEVKIT_PYTHON, or the one that the file names."""
    path = os.environ.get(_VARIABLE, "")
    if not path and _FILE.exists():
        path = _FILE.read_text(encoding="utf-8").strip()
    return path if path and os.access(path, os.X_OK) else None


#: Marks for tests that run the devkit, for use as a module's ``pytestmark``.
MARKS = [
    pytest.mark.devkit,
    pytest.mark.skipif(
        devkit_python() is None,
        reason=f"no interpreter with the nuPlan devkit: name one in {_VARIABLE} or {_FILE}",
    ),
]


def needs_devkit(test: Test) -> Test:
    """Mark a test or a class as ``devkit``, and skip it where the devkit is not installed."""
    for mark in MARKS:
        test = mark(test)
    return test


def devkit_environment(**more: str) -> dict[str, str]:
    """This process's environment without NUTRACE variables, with this checkout on PYTHONPATH."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    ours = (str(_ROOT), str(_ROOT / "exporters"))
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (*ours, environ.get("PYTHONPATH"))))
    environ.update(more)
    return environ


@functools.cache
def devkit_script() -> str:
    """The path of the devkit's run_simulation.py."""
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


def synthesize(directory: Path, *options: str) -> None:
    """Write the smallest possible log, and maps, with `nutrace synth` and more `options`."""
    command = ["-m", "nutrace.cli.main", "synth", str(directory), "--seconds", "27"]
    done = run_python([*command, *options], devkit_environment())
    assert done.returncode == 0, done.stderr


def simulate(
    data: Path,
    output: Path,
    setup: str,
    *,
    runner: Sequence[str] = (),
    words: Sequence[str] = (),
    lengths: Sequence[str] = SHORT,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run the devkit's run_simulation.py.

    Parameters
    ----------
    data:
        The folder that :func:`synthesize` wrote.
    output:
        The folder for outputs.
    setup:
        A key of :data:`SETUPS`.
    runner:
        A script that runs run_simulation.py, and its arguments; empty runs it directly.
    words:
        More arguments for run_simulation.py; they override those in :data:`COMMON`.
    lengths:
        Arguments that say how long scenarios are; empty leaves them at the devkit's 15 s.
    variables:
        More environment variables.
    """
    environ = devkit_environment(
        OMP_NUM_THREADS="1",  # tests run side by side
        NUPLAN_DATA_ROOT=str(data / "dataset"),
        NUPLAN_MAPS_ROOT=str(data / "dataset" / "maps"),
        NUPLAN_EXP_ROOT=str(output),
        **variables,
    )
    over = {word.partition("=")[0] for word in words}
    common = [word for word in COMMON if word.partition("=")[0] not in over]
    return run_python([*runner, devkit_script(), *SETUPS[setup], *common, *lengths, *words], environ)
