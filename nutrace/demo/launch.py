"""Make a log and run a traced simulation on it, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional

from nutrace.child import wait_for
from nutrace.errors import InputError, MissingDependencyError, NutraceError
from nutrace.synthetic import Dataset, LogSpec, write_dataset
from nutrace.temporary import temporary_directory

MINIATURE_STEPS = 150
#: The devkit's script.
SCRIPT = "nuplan.planning.script.run_simulation"
_TAIL_LINES = 12
# These would make the child a part of another run, or write to another file.
_NOT_INHERITED = ("NUTRACE_PARENT", "NUTRACE_OUTPUT")
_DATA = "-data"
_SUFFIXES = (".json", ".json.partial", ".flamegraph.html", ".speedscope.json", _DATA)


class SimulationError(NutraceError):
    """The simulation failed; `output` holds the last lines that it printed."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Target:
    """What runs the simulation: the devkit by its `script`, or the miniature if there is none."""

    description: str
    script: Optional[str] = None

    @property
    def is_devkit(self) -> bool:
        """Whether the devkit runs the simulation."""
        return self.script is not None

    def command(self, data: Dataset, steps: int) -> List[str]:
        """Return the command line that simulates on `data`; `steps` is for the miniature."""
        if self.script is None:
            results = data.environment["NUPLAN_EXP_ROOT"]
            return [
                sys.executable, "-m", "nutrace.demo", data.log_file, results, f"scenario.frames={steps + 1}",
            ]  # fmt: skip
        return [
            sys.executable, "-W", "ignore", self.script,
            "planner=simple_planner", "+simulation=open_loop_boxes",
            "scenario_builder=nuplan_mini", "scenario_filter=one_of_each_scenario_type", "worker=sequential",
        ]  # fmt: skip


def choose(miniature: bool = False) -> Target:
    """Choose the devkit of this interpreter if it can be used, otherwise the miniature."""
    if miniature:
        return Target("a miniature simulation, as asked for")
    script = _devkit_script()
    if script is None:
        return Target("a miniature simulation: this interpreter has no nuPlan devkit")
    for package in ("geopandas", "pyogrio"):
        if importlib.util.find_spec(package) is None:
            return Target(f"a miniature simulation: the devkit's maps need {package}, which is not installed")
    return Target("the nuPlan devkit's own run_simulation.py: SimplePlanner, open loop", script)


def _devkit_script() -> Optional[str]:
    try:
        spec = importlib.util.find_spec(SCRIPT)
    except ImportError:  # a parent package is missing, or cannot be imported
        return None
    return None if spec is None else spec.origin


def fresh_run_file(directory: Path) -> Path:
    """Return the first of run.json, run-1.json, ... for which a directory has no file yet."""
    number = 0
    while True:
        stem = f"run-{number}" if number else "run"
        if not any((directory / (stem + suffix)).exists() for suffix in _SUFFIXES):
            return directory / f"{stem}.json"
        number += 1


def data_folder(run_file: Path) -> Path:
    """Return where the log of a demo's run is kept, and what the simulation has written."""
    return run_file.with_name(run_file.stem + _DATA)


def run_traced(
    target: Target,
    run_file: Path,
    *,
    steps: int = MINIATURE_STEPS,
    indexes: bool = True,
    tick: Optional[Callable[[str], None]] = None,
) -> str:
    """Make a log, simulate it under NUTRACE=1, and return what was printed.

    The log stays if there is a run file, whose statements can be explained with it: see :func:`data_folder`.

    Parameters
    ----------
    run_file:
        Absolute path of a file that does not exist yet, in an existing directory; nor does its data folder.
    steps:
        Number of steps of the miniature; the devkit's scenario has its own length.
    indexes:
        Whether the log has the indexes that the statements of each step need.
    tick:
        Called some times a second with a text for the progress line.

    Raises
    ------
    SimulationError
        If the simulation fails.
    OutputError
        If the log cannot be written.
    InputError
        If the interpreter cannot be started.
    MissingDependencyError
        If the simulation ran untraced, because nutrace's start-up file is not installed.
    """
    tick = tick or (lambda doing: None)
    tick("making a log")
    with temporary_directory("nutrace-demo-") as folder, _kept_with(run_file) as kept:
        data = write_dataset(str(kept), LogSpec(indexes=indexes), maps=target.is_devkit)
        environ = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        environ.update(data.environment, NUTRACE="1", NUTRACE_OUTPUT=str(run_file))
        log = folder / "output.txt"
        code = _run(target.command(data, steps), environ, log, tick)
        output = log.read_text(encoding="utf-8", errors="replace")
    if code:
        raise SimulationError(f"the simulation failed with exit code {code}", _tail(output))
    if not run_file.exists():
        reason = " ".join(own_lines(output))
        raise MissingDependencyError(
            f"the simulation ran untraced: {reason}"
            if reason
            else f"the simulation ran untraced: install nutrace into {sys.executable} with pip, "
            "so that its start-up file is in place"
        )
    return output


@contextlib.contextmanager
def _kept_with(run_file: Path) -> Iterator[Path]:
    """Give the data folder of a run file, and remove it if there is no run file at the end."""
    folder = data_folder(run_file)
    try:
        yield folder
    finally:
        if not run_file.exists():
            shutil.rmtree(folder, ignore_errors=True)


def own_lines(output: str) -> List[str]:
    """Return the lines of a program's output that nutrace printed."""
    return [line for line in output.splitlines() if line.startswith("nutrace: ")]


def _run(command: List[str], environ: Dict[str, str], log: Path, tick: Callable[[str], None]) -> int:
    try:
        with open(log, "wb") as output:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
    except OSError as error:
        raise InputError(f"cannot run {command[0]}: {error.strerror}") from error
    return wait_for(process, lambda: tick("simulating"))


def _tail(output: str) -> str:
    return "\n".join(output.rstrip().splitlines()[-_TAIL_LINES:])
