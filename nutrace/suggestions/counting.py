"""Count how often functions are called: the program runs once, with a probe on each of them."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from nutrace.analysis import Region, divide
from nutrace.child import wait_for
from nutrace.errors import EmptyTraceError, InputError, OutputError
from nutrace.probes.probe import Probe
from nutrace.suggestions.probe_file import table
from nutrace.temporary import temporary_directory
from nutrace.trace import Trace, load

_PATIENCE_S = 60  # for the program to end after Ctrl-C: it writes its run file then
_LOOK_S = 0.5
_MOST_BYTES = 1_000_000_000  # of spans, some million: what runs longer fills the disk and tells no more
_STDERR = 2


@dataclass(frozen=True)
class Counted:
    """The spans of one probe, in the finished steps, or in the whole run if it has none.

    Attributes
    ----------
    calls, yielded:
        Calls, those within each other included, and the values that generators yielded.
    records:
        Spans in the file: short ones in a row are one.
    busy_ns:
        Time in the outermost calls.
    """

    calls: int = 0
    yielded: int = 0
    records: int = 0
    busy_ns: int = 0


@dataclass(frozen=True)
class Counts:
    """What a program that ran to be counted did.

    Attributes
    ----------
    code:
        Its exit code.
    interrupted:
        Ctrl-C ended it.
    stopped:
        It was ended because its spans took too much of the disk.
    trace:
        Its run file; None if it left none.
    steps, step_ns:
        Finished steps and their time; without steps 0, and the time of the outermost spans.
    by_name:
        By the name of the span.
    """

    code: int
    interrupted: bool
    stopped: bool
    trace: Optional[Trace]
    steps: int
    step_ns: int
    by_name: Dict[str, Counted]


def count(command: Sequence[str], probes: Sequence[Probe], own: Sequence[Probe]) -> Counts:
    """Run a command with probes, and count the calls. What it prints goes to stderr.

    Parameters
    ----------
    command:
        A Python program that nutrace can trace.
    own:
        The probes of the user's file, which the file with `probes` replaces for this run.

    Raises
    ------
    InputError
        If the command cannot be started.
    OutputError
        If the temporary file cannot be written.
    """
    with temporary_directory("nutrace-count-") as folder:
        file, output = folder / "probes.toml", folder / "run.json"
        # Whatever NUTRACE_LEVEL says, they are counted.
        tables = [table(replace(probe, level="coarse")) for probe in probes] + [table(probe) for probe in own]
        try:
            file.write_text("\n".join(tables), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {file}: {error.strerror}; set TMPDIR") from error
        variables = {
            "NUTRACE": "1",
            "NUTRACE_OUTPUT": str(output),
            "NUTRACE_PROBES": str(file),
            "NUTRACE_SAMPLE": "0",
            "NUTRACE_SUMMARY": "0",  # it would name the run file, which is deleted
        }
        ended = _run(command, {**os.environ, **variables}, folder)
        try:
            trace = load(str(output))
        except (EmptyTraceError, InputError):
            return Counts(*ended, None, 0, 0, {})
    steps, step_ns, by_name = _counted(trace, probes)
    return Counts(*ended, trace, steps, step_ns, by_name)


def _run(command: Sequence[str], environ: Dict[str, str], folder: Path) -> Tuple[int, bool, bool]:
    """Run the program to its end: its exit code, and whether Ctrl-C or the size of its files has ended it."""
    try:
        process = subprocess.Popen(command, env=environ, stdout=_STDERR)
    except OSError as error:
        raise InputError(f"cannot run {command[0]}: {error.strerror}") from error

    def watch() -> None:
        if _size(folder) > _MOST_BYTES:
            raise _TooMuchError

    try:
        return wait_for(process, watch, look_s=_LOOK_S, patience_s=_PATIENCE_S), False, False
    except KeyboardInterrupt:  # the program has got it as well
        return process.returncode, True, False
    except _TooMuchError:
        return process.returncode, False, True


class _TooMuchError(Exception):
    """The spans of the program take too much of the disk."""


def _size(folder: Path) -> int:
    size = 0
    for file in folder.iterdir():
        with contextlib.suppress(OSError):  # a shard that was joined is gone
            size += file.stat().st_size
    return size


def _counted(trace: Trace, probes: Sequence[Probe]) -> Tuple[int, int, Dict[str, Counted]]:
    regions = divide(trace)
    steps = len(regions.steps)
    counted = {probe.span_name: Counted() for probe in probes}
    for index, name in enumerate(trace.name):
        so_far = counted.get(name)
        if so_far is None or (steps and regions.region[index] == Region.OUTSIDE):
            continue
        counted[name] = Counted(
            so_far.calls + trace.calls[index],
            so_far.yielded + trace.yielded[index],
            so_far.records + 1,
            so_far.busy_ns + (trace.busy_ns[index] if regions.outermost_name[index] else 0),
        )
    step_ns = sum(trace.busy_ns[index] for index in (regions.steps if steps else trace.roots))
    return steps, step_ns, counted
