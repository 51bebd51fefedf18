"""What ``nutrace whatif`` prints for people."""

from __future__ import annotations

from typing import Callable, List, Optional

from nutrace.analysis.whatif import Change, Times, WhatIf
from nutrace.analysis.whatif.result import LIKELY
from nutrace.analysis.whatif.workers import WithWorkers
from nutrace.cli.report_style import Style, ms
from nutrace.cli.table import Column
from nutrace.cli.workers_text import assumptions, seconds
from nutrace.printable import LINE, printable
from nutrace.sql.summary import summary
from nutrace_exporters.labels import counted

_TEXT = 60  # characters of a statement
_STATEMENTS = 3  # lines

MODEL = (
    "A component and a statement are their self time, a span is all that it calls on its thread. On one "
    "thread what is saved is subtracted. Work on other threads and in other processes shortens a step only "
    "where the step waited for it: where it ended while the span that began it ran nothing of its own; the "
    "longest way then decides. Not in this model: what a thread did between its spans while it seemed to "
    "wait, threads that compete for processors or for Python's lock, and queues."
)


def as_text(answer: WhatIf, file: str, selection: str, style: Style) -> str:
    """The whole answer."""
    lines = [style.title(f"nutrace whatif: {printable(file, LINE)}")]
    if selection:
        lines.append(style.line(f"Only {printable(selection, LINE)} of the run:"))
    lines += ["", style.heading("Changes"), _changes(answer, style)]
    lines += ["", style.heading("What follows"), _table(answer, style)]
    if answer.steps and answer.now.gap_closed is None:
        lines.append(style.line("The steps keep up with real time on average: there is no gap to close."))
    if not answer.steps:
        lines.append(style.line("This run has no finished step: the time is that of the run."))
    elif not answer.interval_known:
        taken = "The run does not say how much time a step simulates: real time is taken as 100 ms."
        lines.append(style.line(taken))
    likely = ("likely", f"{LIKELY:g} of each saving; stretch is all of it")
    return "\n".join([*lines, "", *style.items([likely, ("model", _model(answer))])])


def workers_text(answer: WithWorkers, style: Style, file: str = "") -> str:
    """What another number of workers does; below the title of the whole answer, if a file is given."""
    span, alone = answer.makespan, answer.alone
    with_changes = [("and the changes, likely", answer.likely), ("and the changes, stretch", answer.stretch)]
    named = [(f"with {counted(alone.workers, 'worker')}", alone), *with_changes]
    rows = [[f"now, with {span.workers:,}", seconds(span.measured_ns), "", ""]]
    for label, each in named:
        if each is not None:
            change = f"{each.ns / span.measured_ns - 1:+.0%}" if span.measured_ns else "-"
            rows.append([label, seconds(each.ns), change, seconds(each.bound_ns)])
    columns = [Column("", right=False), Column("the run s"), Column("against now"), Column("at least s")]
    lines = [style.title(f"nutrace whatif: {printable(file, LINE)}"), ""] if file else []
    lines += [style.heading("Workers"), style.table(columns, rows), *style.items(assumptions(span))]
    if answer.likely is not None:
        lines.append(style.line("The changes shorten scenarios by what they save in the steps."))
    return "\n".join(lines)


def _changes(answer: WhatIf, style: Style) -> str:
    unit = "ms/step" if answer.steps else "ms"
    columns = [Column("what", right=False), Column(f"now {unit}"), Column("takes"), Column(f"saves {unit}")]
    columns.append(Column("in the run ms", rank=2))
    beside = any(change.beside_steps_ns for change in answer.changes)
    if beside:
        columns.insert(2, Column("beside"))
    rows: List[List[str]] = []
    notes: List[str] = []
    for change in answer.changes:
        rows.append(_row(change, answer.steps, beside))
        named = [
            style.text(summary(text, _TEXT), indent=4, hanging=2) for text in change.statements[:_STATEMENTS]
        ]
        more = len(change.statements) - _STATEMENTS
        if named:
            notes += [style.line(f"{printable(str(change.target), _TEXT)} is"), *named]
            notes += [style.text(f"and {more:,} more", indent=4)] if more > 0 else []
    if beside:
        notes.append(style.line("beside: on other threads, begun in the steps; not a part of their time"))
    return "\n".join([style.table(columns, rows), *notes])


def _row(change: Change, steps: int, beside: bool) -> List[str]:
    per = steps or 1
    row = [printable(str(change.target), _TEXT), ms((change.in_steps_ns if steps else change.all_ns) / per)]
    if beside:
        row.append(ms(change.beside_steps_ns / per))
    saved = change.saved_ns / per if steps else change.all_ns * (1 - change.target.fraction)
    row += [f"{change.target.fraction:.0%}", ms(saved)]
    return [*row, ms(change.all_ns)]


def _table(answer: WhatIf, style: Style) -> str:
    sides = (answer.now, answer.likely, answer.stretch)

    def row(
        label: str, figure: Callable[[Times], Optional[float]], form: Callable[[float], str]
    ) -> List[str]:
        values = [figure(side) for side in sides]
        return [label, *("-" if value is None else form(value) for value in values)]

    def milliseconds(value: float) -> str:
        return f"{ms(value)} ms"

    rows = []
    if answer.steps:
        rows += [
            row("step, mean", lambda side: side.mean_ns, milliseconds),
            row("step, p50", lambda side: side.p50_ns, milliseconds),
            row("step, p95", lambda side: side.p95_ns, milliseconds),
            row("real-time factor", lambda side: side.realtime_factor, "{:.2f}x".format),
        ]
        if answer.now.gap_closed is not None:
            gap = f"gap to {answer.interval_s * 1e3:g} ms closed"
            rows.append(row(gap, lambda side: side.gap_closed, "{:.0%}".format))
    if answer.now.run_ns is not None:
        rows.append(row("the run", lambda side: side.run_ns, lambda value: f"{value / 1e9:,.2f} s"))
    return style.table([Column("", right=False), Column("now"), Column("likely"), Column("stretch")], rows)


def _model(answer: WhatIf) -> str:
    if answer.concurrent_steps:
        return (
            f"{answer.concurrent_steps:,} of {answer.steps:,} steps have work beside them. It "
            "shortens a step only where it ended while the span that began it ran nothing of its "
            "own, as if that waited; of several ways the longest decides. See --help for limits"
        )
    return (
        "what is saved is subtracted: all of the steps' work is on their own threads; "
        "of processes and threads in the run the longest way decides. See --help for limits"
    )
