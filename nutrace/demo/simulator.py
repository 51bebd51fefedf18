"""The simulation that notebooks start: the nuPlan devkit's, or the miniature where there is no devkit.

Everything that a notebook simulates goes through :func:`simulator`, so that it runs with either.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Union

from nutrace.demo.launch import SCRIPT, choose
from nutrace.errors import InputError, UsageError
from nutrace.synthetic.dataset import find_dataset

#: Names the interpreter that has the devkit, where that is not the notebook's own.
VARIABLE = "NUTRACE_DEVKIT_PYTHON"

#: Of the types that a synthetic log has; simulations take scenarios of each in turn.
TYPES = (
    "following_lane_with_lead",
    "high_magnitude_speed",
    "on_traffic_light_intersection",
    "medium_magnitude_speed",
)
_OFFSET_S = -3.0
_STEP_S = 0.1
_PLANNERS = {
    "simple": ("planner=simple_planner", "+simulation=open_loop_boxes"),
    "idm": ("planner=idm_planner", "+simulation=closed_loop_reactive_agents"),
}
_CALLBACKS = "time_callback,metric_file_callback,metric_aggregator_callback"
_FIND_SCRIPT = f"import importlib.util as u; print(u.find_spec({SCRIPT!r}).origin)"


@dataclass(frozen=True)
class Simulator:
    """What simulates.

    Attributes
    ----------
    python:
        The interpreter that it runs in, which has nutrace as well.
    script:
        The devkit's ``run_simulation.py``; None for the miniature.
    """

    python: str
    script: Optional[str] = None

    @property
    def is_devkit(self) -> bool:
        """Whether it is the nuPlan devkit."""
        return self.script is not None

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return "the nuPlan devkit" if self.is_devkit else "the miniature simulation that comes with nutrace"

    def synth(self, data: Union[str, Path], *options: str) -> None:
        """Write a synthetic log, with maps if the simulation reads them, into a new folder.

        Parameters
        ----------
        options:
            Of ``nutrace synth``, such as ``"--seconds"``, ``"60"``.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        maps = () if self.is_devkit else ("--no-maps",)
        _output([self.python, "-W", "ignore", "-m", "nutrace", "synth", str(data), *maps, *options])

    def command(
        self,
        data: Union[str, Path],
        results: Union[str, Path],
        *,
        scenarios: int = 1,
        seconds: float = 15.0,
        planner: str = "simple",
        planner_class: str = "",
        pictures: bool = False,
        python: Sequence[str] = (),
    ) -> str:
        """Return the command that simulates, for a shell.

        Parameters
        ----------
        data:
            The folder that :meth:`synth` wrote.
        results:
            The folder for what the simulation writes.
        scenarios, seconds:
            How many to simulate, and how long each is in seconds; a step is 0.1 s.
        planner:
            Of the devkit: "simple" in open loop, or "idm" in closed loop. The miniature has one, in closed
            loop. Both simulate one scenario after another.
        planner_class:
            ``module.Class`` of a planner in the place of that one, made with its options; the module is
            looked for in the current folder, too.
        pictures:
            Whether the devkit draws its metrics at the end, as it does by itself.
        python:
            Options for the interpreter, such as ``["-m", "cProfile", "-o", "simulation.prof"]``.

        Raises
        ------
        InputError
            If there is no log in `data`.
        UsageError
            If there is no such planner.
        """
        if planner not in _PLANNERS:
            raise UsageError(f"no planner {planner!r}: take one of {', '.join(_PLANNERS)}, or planner_class")
        found = find_dataset(data)
        results = os.path.abspath(results)
        options = ["-W", "ignore", *python]
        path = os.pathsep.join(filter(None, (os.getcwd(), os.environ.get("PYTHONPATH"))))
        settings = {"PYTHONPATH": path} if planner_class else {}
        if self.script is None:
            overrides = [
                f"scenario.type={','.join(TYPES)}", f"scenario.count={scenarios}",
                f"scenario.frames={round(seconds / _STEP_S) + 1}",
            ]  # fmt: skip
            own = [f"planner.class={planner_class}"] if planner_class else []
            line = [*options, "-m", "nutrace.demo", found.log_file, results, *overrides, *own]
            return _shell(settings, [self.python, *line])
        lengths = [
            f"scenario_builder.scenario_mapping.scenario_map.{each}=[{seconds:.1f},{_OFFSET_S}]"
            for each in TYPES
        ]
        overrides = [
            *_PLANNERS[planner],
            *([f"planner.{planner}_planner._target_={planner_class}"] if planner_class else []),
            "scenario_builder=nuplan_mini",
            "scenario_filter=one_of_each_scenario_type",
            f"scenario_filter.scenario_types=[{','.join(TYPES)}]",
            # Some frames are tagged twice, and would leave one scenario too few.
            f"scenario_filter.num_scenarios_per_type={scenarios // len(TYPES) + 2}",
            f"scenario_filter.limit_total_scenarios={scenarios}",
            "worker=sequential",
            f"main_callback=[{_CALLBACKS}{',metric_summary_callback' if pictures else ''}]",
            *lengths,
        ]
        settings.update(found.environment, NUPLAN_EXP_ROOT=results)
        return _shell(settings, [self.python, *options, self.script, *overrides])


def simulator(miniature: bool = False) -> Simulator:
    """Choose the devkit that ``NUTRACE_DEVKIT_PYTHON`` names, or that of this interpreter, or the miniature.

    Parameters
    ----------
    miniature:
        Take the miniature, whatever there is.

    Raises
    ------
    InputError
        If the interpreter that the variable names has no devkit, or cannot be started.
    """
    named = os.environ.get(VARIABLE, "")
    if miniature:
        return Simulator(sys.executable)
    return devkit_of(named) if named else Simulator(sys.executable, choose().script)


def devkit_of(python: str) -> Simulator:
    """The devkit that an interpreter has.

    Raises
    ------
    InputError
        If it has none, or cannot be started.
    """
    return Simulator(python, _output([python, "-W", "ignore", "-c", _FIND_SCRIPT]).splitlines()[-1])


def _shell(settings: Mapping[str, str], command: List[str]) -> str:
    variables = [f"{name}={value}" for name, value in settings.items()]
    return shlex.join([*(["env", *variables] if variables else []), *command])


def _output(command: List[str]) -> str:
    """Run a command untraced and without speedups; return what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
    except OSError as error:
        raise InputError(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise InputError(f"{command[0]}: {last}")
    return done.stdout
