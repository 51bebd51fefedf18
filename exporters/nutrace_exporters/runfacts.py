"""What a picture says about its run: title, facts, and warnings about what is missing."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any, List, Mapping, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace_exporters.labels import counted, value


def title_of(trace: Trace) -> str:
    """Scenario and planner of the first simulation, else the file's name."""
    run = _run_attributes(trace)
    parts = [value(run.get(key, ""), 100) for key in (semconv.SCENARIO_TYPE, semconv.PLANNER_NAME)]
    return " · ".join(part for part in parts if part) or os.path.basename(trace.path) or "trace"


def facts(trace: Trace) -> List[Tuple[str, str]]:
    """``(label, value)`` pairs about the run, as far as the file has them."""
    run = _run_attributes(trace)
    resource: Mapping[str, Any] = trace.resources[0].attributes if trace.resources else {}
    begin = datetime.fromtimestamp(trace.begin_ns // 10**9, tz=timezone.utc)
    runs = sum(1 for name in trace.name if name == semconv.RUN_SPAN)
    command = resource.get("process.command_args")
    pairs = [
        ("Scenario", run.get(semconv.SCENARIO_TYPE)),
        ("Token", run.get(semconv.SCENARIO_TOKEN)),
        ("Log", run.get(semconv.SCENARIO_LOG)),
        ("Planner", run.get(semconv.PLANNER_NAME)),
        ("Simulations", f"{runs:,}" if runs > 1 else None),
        ("Began", begin.strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Command", " ".join(map(str, command)) if isinstance(command, (list, tuple)) else None),
        ("Host", resource.get("host.name")),
        ("Python", resource.get("process.runtime.version")),
        ("nuPlan devkit", resource.get("nuplan.devkit.version")),
        ("Revision", resource.get(semconv.REVISION)),
        ("nutrace", resource.get("nutrace.version")),
    ]
    return [(name, value(item, 400)) for name, item in pairs if item not in (None, "")]


def warnings(trace: Trace, attributes_left_out: int = 0) -> List[str]:
    """One sentence for each thing that is lost, cut short, or left out of the picture."""
    lost = trace.diagnostics
    sentences = []
    if lost.cut_short:
        sentences.append(lost.cut_short[:1].upper() + lost.cut_short[1:] + ".")
    for count, noun, what in (
        (lost.dropped, "span", "lost: dropped while recording."),
        (lost.truncated, "span", "had attributes cut."),
        (lost.unfinished, "span", "never ended; drawn up to the last known time."),
        (lost.bad_lines, "line", "of the file could not be read."),
        (attributes_left_out, "span", "shown without attributes, to keep this file small."),
    ):
        if count:
            sentences.append(f"{counted(count, noun)} {what}")
    return sentences


def _run_attributes(trace: Trace) -> Mapping[str, Any]:
    for span, name in enumerate(trace.name):
        if name == semconv.RUN_SPAN:
            return trace.attributes(span)
    return {}
