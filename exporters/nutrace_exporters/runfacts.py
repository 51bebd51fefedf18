"""What a picture says about its run: title, facts, and warnings about what is missing."""

from __future__ import annotations

import os
from collections import Counter
from datetime import datetime, timezone
from typing import Any, List, Mapping, Sequence, Tuple

from nutrace import semconv
from nutrace.trace import Scenario, Trace
from nutrace.trace.addresses import FINISHED
from nutrace.trace.opening import STDIN
from nutrace_exporters.corrected import correction_of
from nutrace_exporters.labels import counted, value

#: The label of what was taken out of times.
CORRECTION = "Correction"


def title_of(trace: Trace) -> str:
    """Scenario and planner, or how many scenarios; else the file's name."""
    parts = [_scenarios(trace), _planners(trace)]
    return " · ".join(part for part in parts if part) or file_of(trace) or "trace"


def file_of(trace: Trace) -> str:
    """The run file's name; "" if the run came from standard input."""
    return "" if trace.path == STDIN else value(os.path.basename(trace.path), 100)


def facts(trace: Trace) -> List[Tuple[str, str]]:
    """``(label, value)`` pairs about the run, as far as the file has them."""
    resource: Mapping[str, Any] = trace.resources[0].attributes if trace.resources else {}
    begin = datetime.fromtimestamp(trace.begin_ns // 10**9, tz=timezone.utc)
    command = resource.get(semconv.COMMAND)
    known = _known(trace)
    logs = {scenario.log for scenario in known}
    pairs = [
        ("Only", trace.selection),
        ("Scenario" if len(known) == 1 else "Scenarios", _scenarios(trace)),
        ("Token", known[0].token if len(known) == 1 else ""),
        ("Outcome", ", ".join(f"{count:,} {outcome}" for outcome, count in _outcomes(known))),
        ("Log", f"{len(logs):,} logs" if len(logs) > 1 else "".join(logs)),
        ("Planner", _planners(trace)),
        ("Began", begin.strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Command", " ".join(map(str, command)) if isinstance(command, (list, tuple)) else None),
        ("Host", resource.get(semconv.HOST_NAME)),
        ("Python", resource.get("process.runtime.version")),
        ("nuPlan devkit", resource.get("nuplan.devkit.version")),
        ("Revision", resource.get(semconv.REVISION)),
        ("nutrace", resource.get("nutrace.version")),
        (CORRECTION, correction_of(trace)),
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
        (attributes_left_out, "span", "shown without some attributes, to keep this file small."),
    ):
        if count:
            sentences.append(f"{counted(count, noun)} {what}")
    return sentences


def _known(trace: Trace) -> List[Scenario]:
    """The scenarios of which the trace says more than that there are steps."""
    return [each for each in trace.simulations if each.token or each.type or each.planner]


def _scenarios(trace: Trace) -> str:
    """The type of the one scenario, or how many there are."""
    known = _known(trace)
    if len(known) == 1:
        return value(known[0].type, 100)
    types = {scenario.type for scenario in known}
    of_type = f" of type {value(types.pop(), 100)}" if len(types) == 1 and "" not in types else ""
    return f"{counted(len(known), 'scenario')}{of_type}" if known else ""


def _planners(trace: Trace) -> str:
    planners = sorted({scenario.planner for scenario in _known(trace) if scenario.planner})
    return (
        value(planners[0], 100) if len(planners) == 1 else f"{len(planners):,} planners" if planners else ""
    )


def _outcomes(scenarios: Sequence[Scenario]) -> List[Tuple[str, int]]:
    """How many scenarios have which outcome; nothing if all finished."""
    counts = Counter(scenario.outcome for scenario in scenarios)
    return [] if set(counts) <= {FINISHED} else counts.most_common()
