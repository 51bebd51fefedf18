"""Sections of the report: garbage collections, memory, simulation logs. Empty ones are left out."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from nutrace.analysis.collections import Collected, Collections, Switched, Tail
from nutrace.analysis.memory import Growth, Memory
from nutrace.analysis.report import Report
from nutrace.analysis.simulation_logs import SimulationLogs
from nutrace.cli.report_style import Style
from nutrace.cli.table import ms
from nutrace.printable import printable
from nutrace_exporters.labels import counted

_MB = 1e6
_MOST_SPANS = 3  # spans named in a sentence
_MOST_PROCESSES = 4
_MOST_PARTS = 4
_SMALLEST_PART = 0.01
_LARGE_PART = 0.5


def pauses(report: Report, style: Style) -> List[str]:
    """The sections, each as text."""
    sections = []
    if report.collections is not None:
        sections.append(_collections(report.collections, report.steps.total_ns, style))
    if report.memory is not None:
        sections.append(_memory(report.memory, style))
    if report.simulation_logs is not None:
        sections.append(_simulation_logs(report.simulation_logs, style))
    return sections


# -- garbage collections ---------------------------------------------------------------------


def _collections(found: Collections, steps_ns: int, style: Style) -> str:
    rows: List[Tuple[str, str]] = []
    inside = found.young_in_steps, found.full_in_steps
    outside = found.young_outside, found.full_outside
    if any(each.count for each in inside):
        share = sum(each.total_ns for each in inside) / steps_ns if steps_ns else 0.0
        rows.append(("in the steps", f"{_amounts(*inside)}, {share:.1%} of their time"))
    if any(each.count for each in outside):
        rows.append(("outside" if steps_ns else "in the run", _amounts(*outside)))
    if found.struck:
        named = [f"{printable(each.span)} {each.count:,}" for each in found.struck]
        rows.append(("full ones in", _some(named)))
    if found.switched is not None:
        rows.append(("switched off", _switched(found.switched)))
    lines = style.items(rows) if rows else []
    lines += [style.line(sentence) for sentence in _tails(found.tails)]
    return "\n".join([style.heading("Garbage collection"), *lines]) if lines else ""


def _amounts(young: Collected, full: Collected) -> str:
    parts = ((each, word) for each, word in ((young, "young"), (full, "full")) if each.count)
    return ", ".join(f"{each.count:,} {word} {ms(each.total_ns)} ms" for each, word in parts)


def _tails(tails: Sequence[Tail]) -> List[str]:
    """What full collections make of the percentiles, the highest first; nothing of those that none struck."""
    sentences: List[str] = []
    for tail in reversed(tails):
        if not tail.struck:
            continue
        which = "The step" if tail.steps == 1 else f"{tail.struck:,} of the {tail.steps:,} steps"
        verb = "holds" if tail.struck == 1 else "hold"
        sentences.append(
            f"{which} at or above p{tail.percent} {verb} a full collection; without collections "
            f"p{tail.percent} would be {ms(tail.without_ns)} ms instead of {ms(tail.threshold_ns)} ms"
        )
    return sentences


def _switched(switched: Switched) -> str:
    parts = []
    if switched.off:
        parts.append(f"{_times(switched.off)} in {_places(switched.off_in)}")
        parts.append(f"on again in {_places(switched.on_in)}" if switched.on else "never on again")
    elif switched.off_share:
        parts.append("before the scenarios")
    if switched.frozen:
        parts.append(f"objects frozen {_times(switched.frozen)}")
    text = ", ".join(parts)
    if switched.off_share is not None and (switched.off or switched.off_share):
        text += f"; off for {switched.off_share:.0%} of the time of the steps"
    return text


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _places(places: Sequence[Tuple[str, int]]) -> str:
    return _some([printable(name) for name, _ in places])


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_SPANS
    return ", ".join(names[:_MOST_SPANS]) + (f" and {rest:,} more kinds of span" if rest > 0 else "")


# -- memory ----------------------------------------------------------------------------------


def _memory(memory: Memory, style: Style) -> str:
    rows: List[Tuple[str, str]] = []
    for growth in memory.growth[:_MOST_PROCESSES]:
        rows.append((f"process {growth.pid}", _readings(growth)))
    rows.append(("peak", f"{_mb(memory.peak)} MB resident"))
    if memory.gpu_peak is not None:
        rows.append(("GPU", f"{_mb(memory.gpu_peak)} MB allocated by torch at most, at ends of steps"))
    lines = style.items(rows)
    rest = len(memory.growth) - _MOST_PROCESSES
    if rest > 0:
        lines.append(style.line(f"and {counted(rest, 'more process', 'more processes')}, which grew less"))
    for growth in memory.growth[:_MOST_PROCESSES]:
        if growth.steady and growth.per_scenario is not None:
            who = f"With {printable(growth.planner)} memory" if growth.planner else "Memory"
            lines.append(
                style.line(
                    f"{who} grew by {_mb(growth.per_scenario)} MB a scenario "
                    f"over {growth.scenarios:,} scenarios in process {growth.pid}"
                )
            )
    return "\n".join([style.heading("Memory"), *lines])


def _readings(growth: Growth) -> str:
    text = f"{_mb(growth.first_start)} MB, {_mb(growth.first_end)} MB after the first scenario"
    if growth.scenarios > 1:
        text += f", {_mb(growth.last_end)} MB after the last of {growth.scenarios:,}"
        if growth.per_scenario is not None:
            text += f": {growth.per_scenario / _MB:+,.1f} MB a scenario"
    return text


def _mb(size: float) -> str:
    return f"{size / _MB:,.1f}"


# -- simulation logs -------------------------------------------------------------------------


def _simulation_logs(logs: SimulationLogs, style: Style) -> str:
    mean = logs.bytes / logs.count
    how_many = counted(logs.count, "log", "logs")
    text = f"{_mb(mean)} MB pickled for each scenario ({how_many}, {ms(logs.total_ns)} ms)"
    outer = sorted(
        ((part, size) for part, size in logs.parts.items() if "." not in part), key=lambda part: -part[1]
    )
    named = []
    for part, size in outer[:_MOST_PARTS]:
        if size >= _SMALLEST_PART * logs.log_bytes:
            named.append(f"{printable(part)} {_mb(size)}{_inside(logs, part, size)}")
    if named:
        text += f": {', '.join(named)}"
    lines = [style.heading("Simulation log"), style.line(text)]
    planner = logs.parts.get("planner", 0)
    if planner > _LARGE_PART * logs.log_bytes:
        lines.append(
            style.line(
                f"The planner is {planner / logs.log_bytes:.0%} of it. It is pickled and compressed anew for "
                "each scenario"
            )
        )
    return "\n".join(lines)


def _inside(logs: SimulationLogs, part: str, size: int) -> str:
    """The largest attribute of a part, if it is most of it."""
    inner = {name: bytes_ for name, bytes_ in logs.parts.items() if name.startswith(f"{part}.")}
    if not inner:
        return ""
    name = max(inner, key=inner.__getitem__)
    if inner[name] < _LARGE_PART * size:
        return ""
    return f" (of it {printable(name.partition('.')[2])} {_mb(inner[name])})"
