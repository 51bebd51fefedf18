"""What ``nutrace scenarios`` prints for people."""

from __future__ import annotations

from typing import List, Optional, Sequence

from nutrace.analysis.evaluation.scenario_rows import ScenarioRow
from nutrace.analysis.scenarios import scenarios_of
from nutrace.cli.report_scenarios import cut_short, outcome_tone, outcomes
from nutrace.cli.report_style import Style, column
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.cli.units import MS
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace.trace.addresses import CUT_SHORT
from nutrace_exporters.labels import counted

_MB = 1e6

#: What the rows are sorted by, in words.
_FIRST = {
    "wall": "the longest first",
    "step": "the slowest steps first",
    "p95": "the largest p95 of the steps first",
    "factor": "the largest real-time factor first",
    "steps": "most steps first",
    "memory": "most memory at the end first",
    "gain": "most memory gained first",
    "start": "in the order of their start",
    "number": "by number",
}
_LEGEND = (
    ("steps", "finished steps; the mean and p95 are of these"),
    ("factor", "real-time factor: the time of the steps by the time that they simulate"),
    ("wall", "from start to end, with initializing, callbacks and metrics; start is since the run's start"),
    ("memory", "resident in the worker's process when it began and when it ended, MB of 10^6 bytes"),
)


def as_text(
    rows: Sequence[ScenarioRow], trace: Trace, file: str, order: str, limit: int, style: Style
) -> str:
    """The whole answer; `rows` are sorted by `order`, and `limit` of them are listed, 0: all."""
    lines = [style.title(f"nutrace scenarios: {printable(file, LINE)}")]
    if not rows:
        yet = " yet" if trace.diagnostics.running else ""
        none = f"This trace has no scenarios{yet}: it has neither a span simulation.run nor a step."
        lines.append(style.line(none))
        return "\n".join(lines)
    running = trace.diagnostics.running
    workers = len({row.worker for row in rows})
    lines.append(style.line(outcomes(scenarios_of(trace), running)))
    steps = counted(sum(row.steps for row in rows), "finished step")
    lines += [style.line(f"{steps}, {counted(workers, 'worker')}; {_FIRST[order]}."), ""]
    shown = rows[:limit] if limit else rows
    lines.append(_table(shown, running, len({row.scenario.planner for row in rows}) > 1, style))
    if len(shown) < len(rows):
        lines.append(style.below_table(f"and {len(rows) - len(shown):,} more: --limit 0 shows all"))
    if not running:
        lines += [style.line(text, Tone.BAD) for text in cut_short(rows)]
    return "\n".join([*lines, "", style.glossary(_LEGEND)])


def _table(rows: Sequence[ScenarioRow], running: bool, planners: bool, style: Style) -> str:
    columns = [
        Column("number"),
        Column("scenario", right=False),
        Column("type", right=False, rank=4, least=18),
    ]
    columns += [Column("planner", right=False, rank=3)] if planners else []
    columns += [Column("steps", rank=6), Column("ms/step"), Column("p95 ms", rank=5), Column("factor")]
    columns += [Column("wall s", bar=True), Column("start s", rank=9)]
    columns += [Column("worker", right=False, rank=8), Column("memory MB", rank=7)]
    columns += [Column("outcome", right=False, rank=2, tone=outcome_tone)]
    columns.append(Column("log", right=False, rank=10))
    means = _known_times([row.step_mean_ns for row in rows])
    p95s = _known_times([row.step_p95_ns for row in rows])
    cells = []
    for row, mean, p95 in zip(rows, means, p95s):
        said = row.scenario
        factor = "-" if row.realtime_factor is None else f"{row.realtime_factor:.2f}x"
        outcome = "not finished yet" if running and row.outcome == CUT_SHORT else row.outcome
        cells.append(
            [
                f"{said.number:,}",
                printable(said.name),
                printable(said.type) or "-",
                *([printable(said.planner) or "-"] if planners else []),
                *(f"{row.steps:,}", mean, p95, factor),
                *(f"{row.wall_ns / 1e9:,.2f}", f"{row.start_ns / 1e9:,.1f}"),
                printable(row.worker) or "-",
                _memory(row.memory_start, row.memory_end),
                outcome,
                printable(said.log) or "-",
            ]
        )
    return style.table(columns, cells)


def _known_times(times_ns: Sequence[Optional[float]]) -> List[str]:
    """The cells of a column of times in ms; a dash for what is not known."""
    cells = iter(column([time for time in times_ns if time is not None], MS))
    return ["-" if time is None else next(cells) for time in times_ns]


def _memory(start: Optional[int], end: Optional[int]) -> str:
    if start is None and end is None:
        return "-"
    one, other = ("?" if size is None else f"{size / _MB:,.1f}" for size in (start, end))
    return f"{one} > {other}"
