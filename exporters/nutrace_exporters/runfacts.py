"""What a picture says about its run: title, facts, and warnings about what is missing."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any, List, Mapping, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace_exporters.labels import counted, value


def title_of(trace: Trace) -> str:
    """The type of the scenario or how many there are, and the planner; else the file's name."""
    several = f"{len(trace.scenarios):,} scenarios"
    what = several if _differ(trace, "type") else _common(trace, "type")
    parts = [value(part, 100) for part in (what, _common(trace, "planner"))]
    return " · ".join(part for part in parts if part) or os.path.basename(trace.path) or "trace"


def facts(trace: Trace) -> List[Tuple[str, str]]:
    """``(label, value)`` pairs about the run, as far as the file has them."""
    resource: Mapping[str, Any] = trace.resources[0].attributes if trace.resources else {}
    begin = datetime.fromtimestamp(trace.begin_ns // 10**9, tz=timezone.utc)
    command = resource.get("process.command_args")
    pairs = [
        ("Scenario", _common(trace, "type")),
        ("Token", _common(trace, "token")),
        ("Log", _common(trace, "log")),
        ("Planner", _common(trace, "planner")),
        ("Simulations", f"{len(trace.scenarios):,}" if len(trace.scenarios) > 1 else None),
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


def _differ(trace: Trace, what: str) -> bool:
    return len({getattr(scenario, what) for scenario in trace.scenarios}) > 1


def _common(trace: Trace, what: str) -> str:
    """What all scenarios have in common, or ""."""
    return "" if _differ(trace, what) or not trace.scenarios else str(getattr(trace.scenarios[0], what))
