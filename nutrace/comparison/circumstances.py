"""What has to be equal for the times of two runs to be comparable: host, command and configuration."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, List, Mapping, Set

from nutrace import semconv
from nutrace.analysis.attributes import text
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.trace import Trace

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
        Python's version, planners, scenarios, speedups and nutrace's settings, in words.
    """

    host: str
    command: str
    configuration: str


def circumstances(trace: Trace, command: str) -> Circumstances:
    """The circumstances of a run; `command` is its command line."""
    first: Mapping[str, Any] = trace.resources[0].attributes if trace.resources else {}
    return Circumstances(
        host=text(first, semconv.HOST_NAME),
        command=_without_folders(command),
        configuration="; ".join(part for part in _configuration(trace, first) if part),
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


def _configuration(trace: Trace, first: Mapping[str, Any]) -> List[str]:
    python = text(first, "process.runtime.version")
    speedups = sorted(each.name for each in installed_speedups(trace).speedups if each.at_work)
    return [
        f"Python {'.'.join(python.split('.')[:2])}" if python else "",
        *_simulated(trace),
        f"speedups {', '.join(speedups)}" if speedups else "",
        _settings(first),
    ]


def _simulated(trace: Trace) -> List[str]:
    planners: Set[str] = set()
    tokens: Set[str] = set()
    for span, name in enumerate(trace.name):
        if name == semconv.RUN_SPAN:
            attributes = trace.attributes(span)
            planners.add(text(attributes, semconv.PLANNER_NAME))
            tokens.add(text(attributes, semconv.SCENARIO_TOKEN))
    tokens.discard("")
    planners.discard("")
    which = min(tokens) if len(tokens) == 1 else sha256("\n".join(sorted(tokens)).encode("utf-8", "replace"))
    named = which if isinstance(which, str) else f"set {which.hexdigest()[:8]}"
    count = "1 scenario" if len(tokens) == 1 else f"{len(tokens):,} scenarios"
    return [
        f"planner {', '.join(sorted(planners))}" if planners else "",
        f"{count} ({named})" if tokens else "",
    ]


def _settings(first: Mapping[str, Any]) -> str:
    try:
        settings = json.loads(text(first, semconv.SETTINGS) or "{}")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(settings, dict):
        return ""
    chosen = [(name, settings[name]) for name in _SETTINGS if settings.get(name) not in (None, "", False, 0)]
    return ", ".join(f"{name} {os.path.basename(str(value))}" for name, value in chosen)
