"""What ``nutrace whatif`` prints for people."""

from __future__ import annotations

from typing import Callable, List, Optional

from nutrace.analysis.whatif import Change, Times, WhatIf
from nutrace.analysis.whatif.result import LIKELY
from nutrace.analysis.whatif.workers import WithWorkers
from nutrace.cli.report_style import ms
from nutrace.cli.table import Column, definitions, text_table
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


def as_text(answer: WhatIf, file: str, selection: str) -> str:
    """The whole answer."""
    lines = [f"nutrace whatif: {printable(file, LINE)}"]
    if selection:
        lines.append(f"  Only {printable(selection, LINE)} of the run:")
    lines += ["", "Changes", _changes(answer), "", "What follows", _table(answer)]
    if answer.steps and answer.now.gap_closed is None:
        lines.append("  The steps keep up with real time already: there is no gap to close.")
    if not answer.steps:
        lines.append("  This run has no finished step: the time is that of the run.")
    elif not answer.interval_known:
        lines.append("  The run does not say how much time a step simulates: real time is taken as 100 ms.")
    lines += ["", f"  likely   {LIKELY:g} of each saving; stretch is all of it"]
    lines += [f"  {line}" for line in _model(answer)]
    return "\n".join(lines)


def workers_text(answer: WithWorkers, file: str = "") -> str:
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
    lines = [f"nutrace whatif: {printable(file, LINE)}", ""] if file else []
    lines += ["Workers", text_table(columns, rows), *definitions(assumptions(span))]
    if answer.likely is not None:
        lines.append("  The changes shorten scenarios by what they save in the steps.")
    return "\n".join(lines)


def _changes(answer: WhatIf) -> str:
    unit = "ms/step" if answer.steps else "ms"
    columns = [Column("what", right=False), Column(f"now {unit}"), Column("takes"), Column(f"saves {unit}")]
    columns.append(Column("in the run ms"))
    beside = any(change.beside_steps_ns for change in answer.changes)
    if beside:
        columns.insert(2, Column("beside"))
    rows: List[List[str]] = []
    notes: List[str] = []
    for change in answer.changes:
        rows.append(_row(change, answer.steps, beside))
        named = [f"    {summary(text, _TEXT)}" for text in change.statements[:_STATEMENTS]]
        more = len(change.statements) - _STATEMENTS
        if named:
            notes += [f"  {printable(str(change.target), _TEXT)} is", *named]
            notes += [f"    and {more:,} more"] if more > 0 else []
    if beside:
        notes.append("  beside: on other threads, begun in the steps; not a part of their time")
    return "\n".join([text_table(columns, rows), *notes])


def _row(change: Change, steps: int, beside: bool) -> List[str]:
    per = steps or 1
    row = [printable(str(change.target), _TEXT), ms((change.in_steps_ns if steps else change.all_ns) / per)]
    if beside:
        row.append(ms(change.beside_steps_ns / per))
    saved = change.saved_ns / per if steps else change.all_ns * (1 - change.target.fraction)
    row += [f"{change.target.fraction:.0%}", ms(saved)]
    return [*row, ms(change.all_ns)]


def _table(answer: WhatIf) -> str:
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
    return text_table([Column("", right=False), Column("now"), Column("likely"), Column("stretch")], rows)


def _model(answer: WhatIf) -> List[str]:
    if answer.concurrent_steps:
        return [
            f"model    {answer.concurrent_steps:,} of {answer.steps:,} steps have work beside them. It",
            "         shortens a step only where it ended while the span that began it ran nothing of its",
            "         own, as if that waited; of several ways the longest decides. See --help for limits",
        ]
    return [
        "model    what is saved is subtracted: all of the steps' work is on their own threads;",
        "         of processes and threads in the run the longest way decides. See --help for limits",
    ]
