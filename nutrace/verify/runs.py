"""Run the user's program with its outputs in a new folder, and with every step noted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from nutrace.child import ending, wait_for
from nutrace.errors import InputError, OutputError, VerificationError
from nutrace.speedups.registry import VARIABLE as SPEEDUPS_VARIABLE
from nutrace.verify.compare import ends
from nutrace.verify.record import SUFFIX
from nutrace.verify.recorder import PROCESS, VARIABLE
from nutrace.verify.shapes import SHAPES

PLACEHOLDER = "{output}"
_EXPERIMENTS = "NUPLAN_EXP_ROOT"
_HASHES = "PYTHONHASHSEED"
#: Arguments of a Hydra program that say where outputs go, and the folder that replaces each.
_OUTPUT_WORDS = {"output_dir": "run", "group": "exp", "hydra.run.dir": "hydra", "hydra.sweep.dir": "hydra"}
_OUTPUT_WORD = re.compile(r"\+{0,2}(" + "|".join(map(re.escape, _OUTPUT_WORDS)) + ")=")
_TAIL_LINES = 12

Tick = Callable[[str], None]


class ProgramError(VerificationError):
    """The program failed; `output` holds the last lines of its stderr."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


@dataclass
class Run:
    """One run of the program, and the folder with what it left."""

    folder: Path
    code: int = 0
    outside: List[str] = field(
        default_factory=list
    )  # output folders of the program's that are not below `folder`
    missing: List[str] = field(default_factory=list)  # what the program lacks and so could not be noted

    @property
    def record(self) -> Path:
        """The folder of its records."""
        return self.folder / "record"

    @property
    def output(self) -> Path:
        """The folder of its outputs."""
        return self.folder / "output"

    @property
    def stderr(self) -> List[str]:
        """The lines that it wrote to stderr."""
        return (self.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace").splitlines()

    @property
    def simulations(self) -> int:
        """The number of simulations that have begun."""
        return sum(name.endswith(SUFFIX) for name in os.listdir(self.record))

    @property
    def ending(self) -> str:
        """The exit code or the signal, in words."""
        return ending(self.code)


def redirected(words: Sequence[str], output: Path) -> Tuple[List[str], List[str]]:
    """Return the command with its outputs in `output`, and the arguments that had to be replaced."""
    command, replaced = [], []
    for word in words:
        match = _OUTPUT_WORD.match(word)
        if PLACEHOLDER in word:
            word = word.replace(PLACEHOLDER, str(output))
        elif match:
            replaced.append(word)
            word = f"{match[0]}{output / _OUTPUT_WORDS[match[1]]}"
        command.append(word)
    return command, replaced


def environment(run: Run, speedups: str, environ: Mapping[str, str]) -> Dict[str, str]:
    """The environment of a run: no tracing, outputs in its folder, the same hashes in each run."""
    kept = {name: value for name, value in environ.items() if not name.startswith("NUTRACE")}
    kept.setdefault(_HASHES, "0")
    kept[_EXPERIMENTS] = str(run.output)
    kept[VARIABLE] = str(run.record)
    if speedups:
        kept[SPEEDUPS_VARIABLE] = speedups
    return kept


def run_program(words: Sequence[str], folder: Path, speedups: str, tick: Tick) -> Run:
    """Run the command, then read the metric files that it left.

    Parameters
    ----------
    folder:
        A folder that does not exist yet.
    speedups:
        As in ``NUTRACE_SPEEDUPS``; empty for none.
    tick:
        Called some times a second with a text for the progress line.

    Raises
    ------
    InputError
        If the command cannot be run.
    OutputError
        If the folder cannot be written.
    VerificationError
        If the recorder could not note everything, or the metric files cannot be read.
    """
    run = Run(folder)
    environ = environment(run, speedups, os.environ)
    command, _ = redirected(words, run.output)
    try:
        run.record.mkdir(parents=True)
        run.output.mkdir()
    except OSError as error:
        raise OutputError(f"cannot make {run.record}: {error.strerror}") from error
    began = time.time()
    run.code = _wait(command, environ, run, tick)
    processes = [json.loads(path.read_text(encoding="utf-8")) for path in run.record.glob(f"{PROCESS}*.json")]
    faults = [fault for process in processes for fault in process["faults"]]
    if faults:
        raise VerificationError(f"not everything could be noted: {faults[0]}")
    folders = {each for process in processes for each in process["outputs"]}
    run.outside = sorted(each for each in folders if not _below(each, run.output))
    # Without the function that knows the folder of outputs, only the run's own folder is searched.
    optional = {shape.outputs for shape in SHAPES}
    run.missing = sorted(
        {
            reason
            for process in processes
            for target, reason in process["missing"].items()
            if target not in optional
        }
    )
    executables = [process["executable"] for process in processes]
    _read_files(executables[0] if executables else sys.executable, environ, run, began, tick)
    return run


def _below(path: str, folder: Path) -> bool:
    return os.path.commonpath([os.path.realpath(path), os.path.realpath(folder)]) == os.path.realpath(folder)


def _wait(command: Sequence[str], environ: Dict[str, str], run: Run, tick: Tick) -> int:
    with open(run.folder / "stdout.txt", "wb") as out, open(run.folder / "stderr.txt", "wb") as err:
        try:
            process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        except OSError as error:
            raise InputError(f"cannot run {command[0]}: {error.strerror}") from error

    def show() -> None:
        begun = run.simulations
        tick(f"{run.folder.name}: {begun} simulation{'s' * (begun != 1)} begun")

    return wait_for(process, show)


def _read_files(python: str, environ: Dict[str, str], run: Run, began: float, tick: Tick) -> None:
    """Read the metric files in the program's own interpreter, which has the packages for them."""
    tick(f"{run.folder.name}: reading metric files")
    quiet = {name: value for name, value in environ.items() if not name.startswith("NUTRACE")}
    record = run.record / "files.jsonl"
    command: List[Any] = [python, "-W", "ignore", "-m", "nutrace.verify.files", record, run.output]
    command += [*run.outside, "--since", str(began)]
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise VerificationError(f"cannot read the metric files with {python}: {tail(done.stderr, 1)}")


def failed(run: Run, which: str) -> ProgramError:
    """The error for a run that failed; `which` is its name in the message."""
    hint = f" ({_EXPERIMENTS} was a new folder)" if _EXPERIMENTS in os.environ else ""
    return ProgramError(f"the {which} run failed: {run.ending}{hint}", tail("\n".join(run.stderr)))


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a program's output."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def switched_on(run: Run) -> Dict[str, Dict[str, Any]]:
    """What the speedups of a run reported, by name; over all processes that simulated."""
    reported: Dict[str, Dict[str, Any]] = {}
    for end in ends(run.record):
        for name, figures in end["speedups"].items():
            known = reported.setdefault(name, {"at_work": False, "refused": ""})
            known["at_work"] = known["at_work"] or figures["at_work"]
            known["refused"] = known["refused"] or figures["refused"]
    return reported
