"""What ``nutrace overhead`` prints for people: plain text, or Markdown."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

from nutrace.analysis.own_clocked import Clocked
from nutrace.analysis.own_cost import OwnCost
from nutrace.analysis.own_rows import ComponentOwnCost, EventCost, SpanOwnCost
from nutrace.cli.correction_text import COLD_RANGE, how_sure
from nutrace.cli.overhead_words import clocked_name, event_name
from nutrace.cli.report_style import Style, column, ms, percent
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.cli.units import US, unit_of
from nutrace.prices import ABOUT
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace.trace.correction import RAW
from nutrace_exporters.labels import counted

_BLANK_LINES = re.compile(r"\n{3,}")
_NONE = "-"

_LEGEND_PRICES = (
    ("outside", "what falls to the span around the event, before and after its clock is read"),
    ("inside", "what falls to its own span, between the two readings"),
    ("spread", "how sure the price is: the median of the rounds that measured it by their best"),
)
_WAITS = "{} ms of it waits and errors, as measured; what cost is the writing itself"
_LEGEND_RATIO = ("", f"{_NONE} is a price by a ratio to that of a call, up to a quarter off")
_LEGEND_TAKEN = (
    "taken out",
    "of the component's self time, where times are corrected; --raw leaves it there",
)
_LOWER_BOUND = (
    "A price is that of a loop, where caches are warm.",
    "Between a program's own work an event costs more: the sum is a lower bound.",
)
_COLD_PRICES = (
    "A price is the mean of its events: that of a loop, with warm caches, and multiples of it",
    f"where the program had run for long. Of a multiple the truth may be {COLD_RANGE}.",
)


class _Row(NamedTuple):
    """A line of the ledger; `event` is None for what was clocked."""

    name: str
    number: int
    cost_ns: float
    event: Optional[EventCost]


def as_text(cost: OwnCost, trace: Trace, style: Style, *, limit: int = 15, selection: str = "") -> str:
    """The whole ledger.

    Parameters
    ----------
    trace:
        All of the run, also if the ledger is of a part.
    limit:
        The number of kinds of span listed, 0 for all.
    selection:
        What was selected, if not all of the run.
    """
    if not cost.priced:
        return style.text(_not_priced(cost)).strip("\n") + "\n"
    steps = cost.steps.count if cost.steps is not None else 0
    sections = [_head(trace, style, selection), _figures(cost, trace, style, selection)]
    sections += [_ledger(cost, style, steps), _waits(cost.clocked, style)]
    if cost.components:
        sections.append(_components(cost.components, style, steps))
    if cost.kinds:
        sections.append(_spans(cost.kinds, style, steps, limit))
    sections += [_notes(cost, trace, style), _legend(cost, style)]
    text = "\n\n".join(section for section in sections if section)
    return _BLANK_LINES.sub("\n\n", text) + "\n"


def _not_priced(cost: OwnCost) -> str:
    why = "another program wrote it, or an older version of nutrace"
    text = f"This run does not state what recording an event costs: {why}."
    return text if cost.total_ns is None else f"{text} All of it cost {_sum(cost)}."


def _sum(cost: OwnCost) -> str:
    share = "" if cost.share is None else f", {100 * cost.share:.2f} % of the wall time"
    return f"{cost.bound} {ms((cost.total_ns or 0) - cost.start_and_end_ns)} ms{share}"


def _head(trace: Trace, style: Style, selection: str) -> str:
    diagnostics = trace.diagnostics
    state = "complete" if diagnostics.complete else "STILL RUNNING" if diagnostics.running else "CUT SHORT"
    wall_s = (trace.finish_ns - trace.begin_ns) / 1e9
    processes = counted(len(trace.resources), "process", "processes")
    lines = [
        style.title(f"nutrace overhead: {printable(trace.path, LINE)}"),
        style.line(
            f"{wall_s:,.2f} s wall time, {processes}, {state}",
            Tone.PLAIN if diagnostics.complete else Tone.BAD,
        ),
    ]
    if selection:
        lines.append(style.line(f"Only {printable(selection, LINE)} of the run:"))
    return "\n".join(lines)


def _figures(cost: OwnCost, trace: Trace, style: Style, selection: str) -> str:
    """The figures to remember."""
    while_running = "running" if cost.start_and_end_ns else "in all"
    rows = [("in what is selected" if selection else while_running, _sum(cost))]
    if cost.start_and_end_ns:
        rows.append(("besides", f"{ms(cost.start_and_end_ns)} ms to start and to end"))
    steps = cost.steps
    if steps is not None:
        scenario, iteration = steps.worst
        each = f"{ms(steps.mean_ns)} ms, {100 * steps.share:.2f} % of its time"
        if steps.count > 1:
            each += f"; p95 {ms(steps.p95_ns)} ms, max {ms(steps.max_ns)} ms"
            each += f" (step {iteration} of scenario {scenario})"
        rows.append(("a step" if steps.count > 1 else "the step", each))
    taken = [each.taken_ns for each in cost.components if each.taken_ns is not None]
    if trace.correction.state == RAW:
        rows.append(("taken out", "nothing: times as recorded (--raw)"))
    elif taken:
        rows.append(("taken out", f"{ms(sum(taken))} ms of self times; --raw shows these as recorded"))
        if trace.correction.measured_ns and not selection:
            rows.append(("", _WAITS.format(ms(trace.correction.measured_ns))))
        rows += [] if selection else how_sure(trace.correction)
    return "\n".join([style.heading("What nutrace cost"), *style.items(rows)])


def _ledger(cost: OwnCost, style: Style, steps: int) -> str:
    rows = [_Row(event_name(event.kind), event.count, event.total_ns, event) for event in cost.events]
    rows += [
        _Row(clocked_name(entry.what), entry.times, entry.spent_ns, None)
        for entry in cost.clocked
        if entry.added
    ]
    rows.sort(key=lambda row: -row.cost_ns)
    whole = sum(row.cost_ns for row in rows)
    unit = unit_of([whole])
    columns = [
        Column("what", right=False, least=24),
        Column("number", rank=2),
        *([Column("per step", rank=3)] if steps else []),
        *(Column(name, rank=rank) for name, rank in (("outside us", 4), ("inside us", 5), ("spread", 6))),
        Column(unit.name),
        Column("share", bar=True),
    ]
    *times, total = column([*(row.cost_ns for row in rows), whole], unit)
    cells = [_line(row, time, whole, steps) for row, time in zip(rows, times)]
    cells.append([""])
    cells.append(["sum", *[""] * (len(columns) - 3), total, percent(whole, whole)])
    line = style.line(
        "An event costs its price (measured at the start, or a multiple), and what was clocked of it."
    )
    return "\n".join([style.heading("Ledger"), line, style.table(columns, cells)])


def _line(row: _Row, time: str, whole: float, steps: int) -> List[str]:
    number = f"{row.number:,}" if row.number else _NONE
    event = row.event
    if event is None:
        per_step = [_NONE] if steps else []
        return [row.name, number, *per_step, _NONE, _NONE, _NONE, time, percent(row.cost_ns, whole)]
    cells = [row.name, number, *([f"{event.in_steps / steps:,.1f}"] if steps else [])]
    if event.outside_ns is None or event.inside_ns is None:
        return [*cells, "not known", "not known", _NONE, _NONE, _NONE]
    spread = f"{event.spread:.2f}x" if event.spread else _NONE
    prices = US.text(event.outside_ns), US.text(event.inside_ns)
    return [*cells, *prices, spread, time, percent(row.cost_ns, whole)]


def _waits(entries: Sequence[Clocked], style: Style) -> str:
    """What is the writing once more, as the threads of the program have seen it."""
    waits = [entry for entry in entries if not entry.added]
    if not waits:
        return ""
    unit = unit_of([entry.spent_ns for entry in waits])
    columns = [Column("waiting for the writing", right=False), Column("times"), Column(unit.name)]
    times = column([entry.spent_ns for entry in waits], unit)
    rows = [[clocked_name(entry.what), f"{entry.times:,}", time] for entry, time in zip(waits, times)]
    line = style.line("Is the writing once more, seen from the program's threads: not added.")
    return "\n".join([style.table(columns, rows), line])


def _components(costs: Sequence[ComponentOwnCost], style: Style, steps: int) -> str:
    corrected = any(cost.taken_ns is not None for cost in costs)
    whole = sum(cost.total_ns for cost in costs)
    unit = unit_of([whole])
    columns = [
        Column("component", right=False, component=True),
        Column("events", rank=3),
        Column(unit.name),
        *([Column(f"{unit.name}/step", rank=2)] if steps else []),
        Column("share", bar=True),
        *([Column(f"taken out {unit.name}", rank=4)] if corrected else []),
    ]
    in_steps_ns = [cost.in_steps_ns / (steps or 1) for cost in costs]
    taken_ns = [cost.taken_ns or 0 for cost in costs]
    totals = column([*(cost.total_ns for cost in costs), whole], unit)
    each_step = column([*in_steps_ns, sum(in_steps_ns)], unit)
    taken = column([*taken_ns, sum(taken_ns)], unit)
    names = [*((cost.component, cost.events, cost.total_ns) for cost in costs)]
    names.append(("sum", sum(cost.events for cost in costs), whole))
    rows: List[List[str]] = []
    for row, (name, events, cost_ns) in enumerate(names):
        cells = [name, f"{events:,}", totals[row], *([each_step[row]] if steps else [])]
        rows.append([*cells, percent(cost_ns, whole), *([taken[row]] if corrected else [])])
    rows.insert(-1, [""])
    line = style.line(
        "What recording the spans of each component cost: events, without waits and the writing."
    )
    return "\n".join([style.heading("By component"), line, style.table(columns, rows)])


def _spans(costs: Sequence[SpanOwnCost], style: Style, steps: int, limit: int) -> str:
    shown = costs[:limit] if limit else costs
    whole = sum(cost.total_ns for cost in costs)
    unit = unit_of([cost.total_ns for cost in shown])
    columns = [
        Column("span", right=False, least=20),
        Column("component", right=False, component=True, rank=4),
        Column("events", rank=3),
        Column(unit.name),
        *([Column(f"{unit.name}/step", rank=2)] if steps else []),
        Column("share", bar=True),
    ]
    totals = column([cost.total_ns for cost in shown], unit)
    in_steps = column([cost.in_steps_ns / (steps or 1) for cost in shown], unit)
    rows = [
        [
            *(printable(cost.name), cost.component, f"{cost.events:,}", totals[row]),
            *([in_steps[row]] if steps else []),
            percent(cost.total_ns, whole),
        ]
        for row, cost in enumerate(shown)
    ]
    lines = [style.heading("Spans that cost most to record"), style.table(columns, rows)]
    if len(costs) > len(shown):
        lines.append(style.below_table(f"and {len(costs) - len(shown):,} more kinds: --limit 0 shows all"))
    return "\n".join(lines)


def _notes(cost: OwnCost, trace: Trace, style: Style) -> str:
    rows: List[Tuple[str, str]] = []
    if cost.unfinished:
        count = counted(cost.unfinished, "process has", "processes have")
        rows.append(("note", f"{count} not written an end: writing and exit are missing"))
    if cost.unpriced:
        count = counted(cost.unpriced, "span is", "spans are")
        rows.append(("note", f"{count} of processes that state no prices, and not in the ledger"))
    if trace.sampled is not None and trace.sampled.taken:
        count = counted(trace.sampled.taken, "sample")
        rows.append(("note", f"{count} stopped the program for a moment each; that is not in the ledger"))
    return "\n".join(style.items(rows)) if rows else ""


def _legend(cost: OwnCost, style: Style) -> str:
    entries: List[Tuple[str, str]] = [*_LEGEND_PRICES] if cost.events else []
    if any(not event.spread for event in cost.events):
        entries.append(_LEGEND_RATIO)
    if any(each.taken_ns is not None for each in cost.components):
        entries.append(_LEGEND_TAKEN)
    lines = [*map(style.line, _COLD_PRICES if cost.bound == ABOUT else _LOWER_BOUND)]
    glossary = style.glossary(entries) if entries else ""
    return "\n".join([*lines, "", glossary] if glossary else lines)
