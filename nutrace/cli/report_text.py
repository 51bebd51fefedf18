"""The report as plain text or as Markdown: the same sections in two styles."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

from nutrace.analysis import ComponentCost, Report
from nutrace.cli.correction_text import (
    amounts,
    correction_items,
    head_line,
    how_sure,
    is_corrected,
    taken_ns,
)
from nutrace.cli.inside_text import LEGEND as _LEGEND_INSIDE
from nutrace.cli.inside_text import inside_text, unplaced
from nutrace.cli.report_evaluation import evaluation_text
from nutrace.cli.report_pauses import pauses
from nutrace.cli.report_scenarios import scenarios_text
from nutrace.cli.report_style import Style
from nutrace.cli.report_style import column as _column
from nutrace.cli.report_style import ms as _ms
from nutrace.cli.report_style import percent as _percent
from nutrace.cli.table import NOT_RECORDED, Column, known
from nutrace.cli.tones import Tone
from nutrace.cli.units import US, unit_of
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

_LONGEST_COMMAND = 160
_LONGEST_ERROR = 100
_BLANK_LINES = re.compile(r"\n{3,}")

_LEGEND_COMPONENTS = (
    ("calls", "of a component: how often it was entered; calls from within it are not counted"),
    ("", "of a span: recursion counts once, and a generator counts once however much it yields"),
    ("self", "time in the component itself, without what it calls: self times add up"),
    ("total", "time in the component with everything that it calls: totals of components overlap"),
    ("share", "self as a part of the sum below the table"),
)
_LEGEND_SPANS = (
    ("yields", "values that a generator yielded"),
    ("mean, p50, p95", "total time of one call; p50 and p95 of calls that were merged are right to 5 %"),
)
_MEAN_ONLY = "mean only"
_NUTRACE = "nutrace"
_LEGEND_NUTRACE = (_NUTRACE, "nutrace's own time in these spans, taken out: it is in none of the other rows")
_LEGEND_MEAN_ONLY = (_MEAN_ONLY, "calls were merged, and the file does not say how long each of them took")
_PERCENTILES = "Percentiles are by nearest rank: p95 is the smallest time that 95 % do not exceed."


def as_text(report: Report, style: Style, *, limit: int = 15, selection: str = "", inside: str = "") -> str:
    """The whole report.

    Parameters
    ----------
    limit:
        The number of kinds of span listed, 0 for all.
    selection:
        What is reported, if not all of the run.
    inside:
        The kind of span to list the functions of, "all", or "" for those with the most self time.

    Raises
    ------
    UsageError
        If there are no samples of that kind of span.
    """
    sections = [_head(report, style, selection), evaluation_text(report, style)]
    sections += [scenarios_text(report, style, limit), _steps(report, style), _work(report, style)]
    steps, corrected = report.steps, is_corrected(report)
    if report.components:
        sections.append(
            _components(
                "Components in the steps",
                f"Self times add up to the time of the steps, {_ms(steps.total_ns)} ms; totals overlap.",
                report.components,
                style,
                steps.count,
                corrected,
            )
        )
    if report.concurrent:
        sections.append(
            _components(
                "Beside the steps: other threads and concurrent tasks",
                "Started in a step, and ran beside it: this time is not in the time of the steps above.",
                report.concurrent,
                style,
                steps.count,
                corrected,
            )
        )
    if report.outside_steps and steps.count:
        line = (
            "Before, between and after the steps. Self times add up; totals leave out the time of the steps."
        )
        sections.append(_components("Outside the steps", line, report.outside_steps, style, 0, corrected))
        sections[-1] += _in_no_span(report, style, selection)
    elif report.outside_steps:
        line = "Self times add up to the time of the outermost spans; totals overlap."
        sections.append(_components("Components", line, report.outside_steps, style, 0, corrected))
        sections[-1] += _in_no_span(report, style, selection)
    sections.append(inside_text(report, style, inside, limit, selection))
    sections += pauses(report, style)
    sections.append(_spans(report, style, limit))
    sections.append(_failures(report, style, limit))
    sections.append(_lost(report, style, selection))
    sections.append(_legend(report, style))
    text = "\n\n".join(section for section in sections if section)
    return _BLANK_LINES.sub("\n\n", text) + "\n"


def _head(report: Report, style: Style, selection: str) -> str:
    run = report.run
    processes = counted(run.processes, "process", "processes")
    state = "complete" if run.complete else "STILL RUNNING" if run.running else "CUT SHORT"
    lines = [
        style.title(f"nutrace report: {printable(run.file, _LONGEST_COMMAND)}"),
        style.line(
            f"{run.wall_seconds:,.2f} s wall time, {processes}, {state}",
            Tone.PLAIN if run.complete else Tone.BAD,
        ),
    ]
    if run.command:
        command = f"$ {printable(run.command, _LONGEST_COMMAND)}"
        lines.append(style.text(command, indent=2, hanging=2, tone=Tone.QUIET))
    if selection:
        lines.append(style.line(f"Only {printable(selection, LINE)} of the run:"))
    corrected = head_line(report)
    if corrected:
        lines.append(style.line(corrected))
    return "\n".join(lines)


def _steps(report: Report, style: Style) -> str:
    steps = report.steps
    lines = [style.heading("Steps")]
    if not steps.count:
        lines.append(style.line("This trace has no finished simulation steps: the tables are of all of it."))
        return "\n".join(lines)
    names = ("steps", "mean", "p50", "p95", "p99", "max")
    times = (steps.mean_ns, steps.p50_ns, steps.p95_ns, steps.p99_ns, steps.max_ns)
    row = [f"{steps.count:,}", *(f"{_ms(time)} ms" for time in times)]
    lines.append(style.table([Column(name) for name in names], [row]))
    if steps.realtime_factor is not None and steps.simulated_interval_s is not None:
        # A simulation that has to keep up must do so in each step: the mean alone is no good news.
        verdict, tone = "every step keeps up with real time", Tone.GOOD
        if steps.realtime_factor > 1:
            verdict, tone = "slower than real time", Tone.BAD
        elif steps.over_real_time:
            verdict, tone = "faster than real time on average", Tone.PLAIN
        each = f"{_ms(steps.mean_ns)} ms a step that simulates {steps.simulated_interval_s * 1e3:g} ms"
        lines.append(style.line(f"Real-time factor {steps.realtime_factor:.2f}x: {verdict} ({each})", tone))
        if steps.over_real_time and steps.count > 1:
            number = f"{steps.over_real_time:,} of {steps.count:,} steps"
            lines.append(style.line(f"{number} took longer than the time that they simulate", Tone.BAD))
    return "\n".join(lines)


def _work(report: Report, style: Style) -> str:
    """How many queries and deep copies there are."""
    work, steps = report.work, report.steps.count
    per, divisor = ("per step", steps) if steps else ("in the run", 1)
    rows: List[Tuple[str, str]] = []
    if work.statements is not None:
        queries, took = _count(work.statements.count, divisor), _ms(work.statements.total_ns / divisor)
        rows += [
            ("queries", f"{queries} {per}, {took} ms"),
            ("connections", _known(work.connections, divisor, per)),
            ("rows", _known(work.statements.rows, divisor, per)),
        ]
    if work.deep_copies is not None:
        objects = _count(work.deep_copies.objects, divisor)
        copies = _count(work.deep_copies.root_calls, divisor)
        rows.append(("deep copies", f"{copies} {per}, {objects} objects"))
    return "\n".join(style.items(rows)) if rows else ""


def _known(number: Optional[int], divisor: int, per: str) -> str:
    return NOT_RECORDED if number is None else f"{_count(number, divisor)} {per}"


def _count(number: int, divisor: int) -> str:
    return f"{number:,}" if divisor == 1 else f"{number / divisor:,.2f}" if number else "0"


def _components(
    heading: str, line: str, costs: Sequence[ComponentCost], style: Style, steps: int, corrected: bool
) -> str:
    """One table of components; if `steps` is their number, not 0, times are per step.

    If times are `corrected`, a row has nutrace's own time, which is in none of the others.
    """
    per, divisor = ("/step", steps) if steps else ("", 1)
    whole = sum(cost.self_ns for cost in costs)
    own_ns = [time / divisor for time in (*(cost.self_ns for cost in costs), whole, taken_ns(costs))]
    total_ns = [cost.total_ns / divisor for cost in costs]
    unit = unit_of([*own_ns, *total_ns])
    columns = [
        Column("component", right=False, component=True),
        Column("calls", rank=4),
        *([Column("calls/step", rank=3)] if steps else []),
        Column(f"self{per} {unit.name}"),
        Column(f"total{per} {unit.name}", rank=2),
        Column("share", bar=True),
    ]
    *own, own_sum, taken = _column(own_ns, unit)
    totals = _column(total_ns, unit)
    rows: List[List[str]] = []
    for cost, self_ms, total_ms in zip(costs, own, totals):
        per_step = [f"{cost.calls / steps:,.1f}"] if steps else []
        share = _percent(cost.self_ns, whole)
        rows.append([cost.component, f"{cost.calls:,}", *per_step, self_ms, total_ms, share])
    rows.append([""])
    blank = [""] * (2 if steps else 1)
    rows.append(["sum of self", *blank, own_sum, "", _percent(whole, whole)])
    if corrected:
        rows.append([_NUTRACE, *blank, taken, "", ""])
    return "\n".join([style.heading(heading), style.line(line), style.table(columns, rows)])


def _in_no_span(report: Report, style: Style, selection: str) -> str:
    """A line below the last table of components, of a run whose spans are one after the other."""
    time_ns = report.run.in_no_span_ns
    if time_ns is None or selection:
        return ""
    text = f"in no span (imports, start-up, what no probe sees)  {_ms(time_ns)} ms"
    return "\n" + style.below_table(f"{text} of {report.run.wall_seconds * 1e3:,.1f} ms wall time")


def _spans(report: Report, style: Style, limit: int) -> str:
    shown = report.spans[:limit] if limit else report.spans
    if not shown:
        return ""
    yields = any(span.yielded for span in shown)
    sums = unit_of([time for span in shown for time in (span.self_ns, span.total_ns)])
    # Calls of all sizes are in these columns: the digits of the largest would leave none to the smallest.
    each = unit_of([max(span.mean_ns, span.p95_ns or 0) for span in shown], US)
    columns = [
        Column("span", right=False, least=20),
        Column("component", right=False, component=True, rank=4),
        Column("calls"),
        *([Column("yields", rank=7)] if yields else []),
        Column(f"self {sums.name}", bar=True),
        Column(f"total {sums.name}", rank=2),
        Column(f"mean {each.name}", rank=3),
        Column(f"p50 {each.name}", rank=6),
        Column(f"p95 {each.name}", rank=5),
    ]
    times = zip(
        _column([span.self_ns for span in shown], sums),
        _column([span.total_ns for span in shown], sums),
        [each.text(span.mean_ns) for span in shown],
        [known(span.p50_ns, each.text, _MEAN_ONLY) for span in shown],
        [known(span.p95_ns, each.text, _MEAN_ONLY) for span in shown],
    )
    rows = []
    for span, cells in zip(shown, times):
        yielded = [f"{span.yielded:,}" if span.yielded else ""] if yields else []
        rows.append([printable(span.name), span.component, f"{span.calls:,}", *yielded, *cells])
    rest = len(report.spans) - len(shown)
    lines = [
        style.heading("Spans with the most self time"),
        *([style.line("In the steps and outside.")] if report.steps.count else []),
    ]
    lines.append(style.table(columns, rows))
    if rest:
        lines.append(style.below_table(f"and {rest:,} more kinds: --limit 0 shows all"))
    return "\n".join(lines)


def _failures(report: Report, style: Style, limit: int) -> str:
    """Which errors left spans."""
    shown = report.failures[:limit] if limit else report.failures
    if not shown:
        return ""
    columns = [
        Column("error", right=False, least=24, tone=lambda _: Tone.BAD),
        Column("left the span", right=False),
        Column("component", right=False, component=True, rank=3),
        Column("times"),
        *([Column("in steps", rank=2)] if report.steps.count else []),
    ]
    rows = [
        [
            printable(failure.error, _LONGEST_ERROR),
            printable(failure.span),
            failure.component,
            f"{failure.count:,}",
            *([f"{failure.in_steps:,}"] if report.steps.count else []),
        ]
        for failure in shown
    ]
    rest = len(report.failures) - len(shown)
    lines = [style.heading("Errors"), style.table(columns, rows)]
    if rest:
        lines.append(style.below_table(f"and {rest:,} more kinds: --limit 0 shows all"))
    return "\n".join(lines)


def _lost(report: Report, style: Style, selection: str) -> str:
    lost, overhead = report.lost, report.overhead
    if lost.dropped or lost.truncated or lost.unfinished:
        losses = (
            f"{lost.dropped:,} spans dropped, {lost.truncated:,} truncated, {lost.unfinished:,} unfinished"
        )
    else:
        losses = "no span dropped, truncated or unfinished"
    if overhead.estimated_ns is None:
        cost = f"{overhead.spans:,} spans; the file does not say what recording cost"
    else:
        share = "" if overhead.share is None else f", {100 * overhead.share:.2f} % of the wall time"
        cost_ns = overhead.estimated_ns - overhead.start_and_end_ns
        calls = f"{overhead.spans:,} calls recorded in {counted(overhead.in_file, 'span')}"
        cost = f"{calls}, {overhead.bound} {_ms(cost_ns)} ms{share}"
        if overhead.start_and_end_ns:
            cost += f"; {_ms(overhead.start_and_end_ns)} ms to start and to end"
        cost += "; nutrace overhead says of what"
    entries = [("lost", losses), ("overhead", cost)]
    entries += correction_items(report, selection)
    entries += unplaced(report.samples)
    entries += [("note", printable(note, LINE)) for note in report.notes]
    return "\n".join([style.heading("Lost, and what nutrace cost"), *style.items(entries)])


def _legend(report: Report, style: Style) -> str:
    entries = [*_LEGEND_COMPONENTS, *([_LEGEND_NUTRACE] if is_corrected(report) else [])]
    if report.spans:
        entries += [
            entry for entry in _LEGEND_SPANS if entry[0] != "yields" or any(s.yielded for s in report.spans)
        ]
        if any(span.p50_ns is None for span in report.spans):
            entries.append(_LEGEND_MEAN_ONLY)
    if report.inside:
        entries += _LEGEND_INSIDE
    text = style.glossary(entries, _PERCENTILES)
    if style.explain and is_corrected(report):
        taken = style.items([*amounts(report.correction), *how_sure(report.correction)])
        text = "\n".join([text, "", style.heading("What was taken out of the whole run"), *taken])
    return text
