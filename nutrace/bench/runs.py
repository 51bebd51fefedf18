"""Run the program once under a variant, traced, and keep its run file."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple

from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.bench.folder import FAILED, WARM_UP
from nutrace.bench.machine import moment
from nutrace.bench.record import Ran, Record
from nutrace.bench.variants import Variant
from nutrace.child import ending, wait_for
from nutrace.comparison import RunFigures, measure
from nutrace.errors import InputError, OutputError
from nutrace.recording.compressed import ENDING, is_compressed
from nutrace.settings import Settings
from nutrace.speedups.registry import VARIABLE as SPEEDUPS
from nutrace.trace import Trace, load

_TAIL_LINES = 12
_NOT_INHERITED = ("NUTRACE_PARENT", SPEEDUPS)


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes
    ----------
    figures:
        What comparing needs of it; None if it does not count.
    idle:
        The speedups of its variant that were not at work in it, each with the reason.
    output:
        The last lines that it printed, if it does not count.
    """

    ran: Ran
    figures: Optional[RunFigures]
    idle: Tuple[str, ...] = ()
    output: str = ""


def environment(variant: Variant, environ: Mapping[str, str], run_file: str) -> Dict[str, str]:
    """The environment of a run: that of this process, with tracing on, and as the variant says."""
    made = {name: value for name, value in environ.items() if name not in _NOT_INHERITED}
    # What a program says of its run file at its end would name a place that a failed run has left.
    made.update(variant.environment, NUTRACE="1", NUTRACE_OUTPUT=run_file, NUTRACE_SUMMARY="0")
    if variant.speedups:
        made[SPEEDUPS] = variant.speedups
    return made


def run_once(
    record: Record, variant: Variant, round: int, command: Sequence[str], tick: Callable[[], None]
) -> Outcome:
    """Run the command to its end. Files of a run that fails, or is interrupted, go to the folder ``failed``.

    Parameters
    ----------
    round:
        0 for a run that warms the machine up.
    tick:
        Called some times a second.

    Raises
    ------
    InputError
        If the command cannot be started.
    OutputError
        If its files cannot be written.
    """
    place = len(record.ran) + 1
    folder = record.folder / (variant.name if round else WARM_UP)
    stem = f"{round:02d}" if round else variant.name
    # As the program's own run file would be.
    run_file = folder / (f"{stem}.json" + ENDING * is_compressed(Path(Settings.load().output)))
    aside = record.folder / FAILED / f"{variant.name}-{place}"
    try:
        folder.mkdir(exist_ok=True)
        _set_aside(folder, stem, aside)  # what a killed bench has left
        printed = open(folder / f"{stem}.txt", "wb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
    before, began = moment(), time.monotonic()
    try:
        with printed:
            code = _run(command, environment(variant, os.environ, str(run_file)), printed.fileno(), tick)
    except BaseException:
        _set_aside(folder, stem, aside)
        raise
    seconds = time.monotonic() - began
    figures, idle, problem = _measured(run_file, code)
    file = str(run_file.relative_to(record.folder)) if not problem else ""
    output = ""
    if problem:
        output = _tail(folder / f"{stem}.txt")
        _set_aside(folder, stem, aside)
    ran = Ran(place, round, variant.name, file, seconds, before, problem)
    return Outcome(ran, figures, idle, output)


def measured_again(record: Record, run: Ran) -> Tuple[RunFigures, Tuple[str, ...]]:
    """What comparing needs of a run that an earlier process has made, and the speedups not at work in it."""
    trace = load(record.path(run))
    return measure(trace), _idle(trace)


def _run(command: Sequence[str], environ: Dict[str, str], output: int, tick: Callable[[], None]) -> int:
    try:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise InputError(f"cannot run {command[0]}: {error.strerror}") from error
    return wait_for(process, tick)


def _measured(run_file: Path, code: int) -> Tuple[Optional[RunFigures], Tuple[str, ...], str]:
    """What comparing needs, the speedups that did nothing, and why the run does not count."""
    if code:
        return None, (), ending(code)
    try:
        trace = load(str(run_file))
    except InputError:
        return None, (), "it left no run file: it ran untraced, or did nothing that is traced"
    if not trace.diagnostics.complete:
        return None, (), trace.diagnostics.cut_short
    return measure(trace), _idle(trace), ""


def _idle(trace: Trace) -> Tuple[str, ...]:
    return tuple(
        f"{speedup.name}: {'; '.join(speedup.refused) or 'its part of the program never ran'}"
        for speedup in installed_speedups(trace).speedups
        if not speedup.at_work
    )


def _set_aside(folder: Path, stem: str, aside: Path) -> None:
    """Move the files of a run that does not count, shards included."""
    for name in os.listdir(folder):
        if name.startswith(f"{stem}."):
            with contextlib.suppress(OSError):
                aside.parent.mkdir(exist_ok=True)
                shutil.move(str(folder / name), f"{aside}{name[len(stem) :]}")


def _tail(printed: Path) -> str:
    with contextlib.suppress(OSError):
        text = printed.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
    return ""
