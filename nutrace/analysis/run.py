"""The facts of a whole run."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from nutrace import semconv
from nutrace.trace import Resource, Trace
from nutrace.trace.bounds import text


@dataclass(frozen=True)
class Run:
    """The run: facts of the whole file, even if a part of it is reported.

    ``by_nutrace`` is whether nutrace recorded it. ``in_no_span_ns`` is the wall time without that of the
    spans and what was taken out of them; None unless nutrace recorded one process with spans on one thread.
    """

    file: str
    command: str
    wall_seconds: float
    processes: int
    complete: bool
    running: bool
    by_nutrace: bool
    in_no_span_ns: Optional[int]


def run_of(trace: Trace) -> Run:
    """The run that a trace was read from."""
    diagnostics = trace.diagnostics
    wall_ns = trace.finish_ns - trace.begin_ns
    by_nutrace = any(semconv.RUN_ID in resource.attributes for resource in trace.resources)
    return Run(
        file=trace.path,
        command=command_of(trace.resources),
        wall_seconds=wall_ns / 1e9,
        processes=len(trace.resources),
        complete=diagnostics.complete,
        running=diagnostics.running,
        by_nutrace=by_nutrace,
        in_no_span_ns=_in_no_span_ns(trace, wall_ns) if by_nutrace else None,
    )


def command_of(resources: Tuple[Resource, ...]) -> str:
    """The command line of the first process that has one."""
    for resource in resources:
        words = resource.attributes.get(semconv.COMMAND)
        if isinstance(words, list) and words:
            return shlex.join(str(word) for word in words)
        line = resource.attributes.get("process.command_line")
        if isinstance(line, str) and line:
            return line
    return ""


def settings_of(resources: Tuple[Resource, ...]) -> Dict[str, Any]:
    """nutrace's settings in the first process that says them."""
    for resource in resources:
        try:
            settings = json.loads(text(resource.attributes.get(semconv.SETTINGS)))
        except (ValueError, RecursionError):
            continue
        if isinstance(settings, dict):
            return settings
    return {}


def _in_no_span_ns(trace: Trace, wall_ns: int) -> Optional[int]:
    if len(trace.resources) != 1 or len(trace.threads) != 1:
        return None  # the spans of several threads and processes lie beside each other
    left_ns = wall_ns - sum(trace.busy_ns[root] for root in trace.roots) - sum(trace.own_ns)
    return left_ns if left_ns >= 0 else None
