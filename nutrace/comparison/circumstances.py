"""What has to be equal for the times of two runs to stand on one line: host, command and configuration."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from hashlib import sha256
from typing import List

from nutrace.comparison.figures import RunFigures
from nutrace.trace.correction import UNCORRECTED

#: Settings that change what is traced, or what that costs.
_SETTINGS = ("level", "probes", "deepcopy", "compress_us", "sample", "sample_native")


@dataclass(frozen=True)
class Circumstances:
    """Where, how and what a run simulated.

    Attributes
    ----------
    host:
        Name of the machine, "" if unknown.
    command:
        The command line. Of paths only the last part is kept, as folders of outputs differ in every run.
    configuration:
        Python's version, planners, scenarios, speedups, nutrace's settings, and whether its own time
        was taken out, in words.
    """

    host: str
    command: str
    configuration: str


def circumstances(run: RunFigures) -> Circumstances:
    """The circumstances of a run."""
    times = "" if run.identity.times == UNCORRECTED else f"times {run.identity.times}"
    parts = [_python(run), *_simulated(run), *_speedups(run), _settings(run), times]
    return Circumstances(
        host=run.identity.host,
        command=_without_folders(run.identity.command),
        configuration="; ".join(part for part in parts if part),
    )


def _without_folders(command: str) -> str:
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that does not end
        words = command.split()
    return shlex.join(_last_part(word) for word in words)


def _last_part(word: str) -> str:
    name, sign, value = word.partition("=")
    if sign and "/" not in name:
        return f"{name}={_last_part(value)}"
    return os.path.basename(word.rstrip("/")) if word.startswith(("/", "./", "../", "~/")) else word


def _python(run: RunFigures) -> str:
    """The interpreter without the last part of its version: "cpython 3.9"."""
    name, _, version = run.identity.interpreter.partition(" ")
    return " ".join(filter(None, (name, ".".join(version.split(".")[:2]))))


def _simulated(run: RunFigures) -> List[str]:
    planners = sorted({scenario.planner for scenario in run.scenarios} - {""})
    names = sorted(scenario.name for scenario in run.scenarios)
    if not names:
        return []
    digest = sha256("\n".join(names).encode("utf-8", "replace")).hexdigest()[:8]
    which = f"1 scenario ({names[0]})" if len(names) == 1 else f"{len(names):,} scenarios (set {digest})"
    return [f"planner {', '.join(planners)}" if planners else "", which]


def _speedups(run: RunFigures) -> List[str]:
    named = [
        f"{name} ({options})" if options else name for name, options in sorted(run.identity.speedups.items())
    ]
    return [f"speedups {', '.join(named)}"] if named else []


def _settings(run: RunFigures) -> str:
    told = run.identity.settings
    chosen = [(name, told[name]) for name in _SETTINGS if told.get(name) not in (None, "", False, 0)]
    return ", ".join(f"{name} {os.path.basename(str(value))}" for name, value in chosen)
