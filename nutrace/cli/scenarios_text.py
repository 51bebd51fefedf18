"""What ``nutrace scenarios`` prints for people."""

from __future__ import annotations

from typing import List, Optional, Sequence

from nutrace.analysis.evaluation.scenario_rows import ScenarioRow
from nutrace.analysis.scenarios import scenarios_of
from nutrace.cli.report_scenarios import cut_short, outcomes
from nutrace.cli.report_style import MS, column
from nutrace.cli.table import Column, definitions, text_table
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


def as_text(rows: Sequence[ScenarioRow], trace: Trace, file: str, order: str, limit: int) -> str:
    """The whole answer; `rows` are sorted by `order`, and `limit` of them are listed, 0: all."""
    lines = [f"nutrace scenarios: {printable(file, LINE)}"]
    if not rows:
        yet = " yet" if trace.diagnostics.running else ""
        lines.append(f"  This trace has no scenarios{yet}: it has neither a span simulation.run nor a step.")
        return "\n".join(lines)
    running = trace.diagnostics.running
    workers = len({row.worker for row in rows})
    lines.append(f"  {outcomes(scenarios_of(trace), running)}")
    steps = counted(sum(row.steps for row in rows), "finished step")
    lines += [f"  {steps}, {counted(workers, 'worker')}; {_FIRST[order]}.", ""]
    shown = rows[:limit] if limit else rows
    lines.append(_table(shown, running, len({row.scenario.planner for row in rows}) > 1))
    if len(shown) < len(rows):
        lines.append(f"  and {len(rows) - len(shown):,} more: --limit 0 shows all")
    if not running:
        lines += [f"  {text}" for text in cut_short(rows)]
    return "\n".join([*lines, "", *definitions(_LEGEND)])


def _table(rows: Sequence[ScenarioRow], running: bool, planners: bool) -> str:
    columns = [Column("number"), Column("scenario", right=False), Column("type", right=False)]
    columns += [Column("planner", right=False)] if planners else []
    columns += [Column(name) for name in ("steps", "ms/step", "p95 ms", "factor", "wall s", "start s")]
    columns += [Column("worker", right=False), Column("memory MB"), Column("outcome", right=False)]
    columns.append(Column("log", right=False))
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
    return text_table(columns, cells)


def _known_times(times_ns: Sequence[Optional[float]]) -> List[str]:
    """The cells of a column of times in ms; a dash for what is not known."""
    cells = iter(column([time for time in times_ns if time is not None], MS))
    return ["-" if time is None else next(cells) for time in times_ns]


def _memory(start: Optional[int], end: Optional[int]) -> str:
    if start is None and end is None:
        return "-"
    one, other = ("?" if size is None else f"{size / _MB:,.1f}" for size in (start, end))
    return f"{one} > {other}"
