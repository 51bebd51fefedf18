"""The report's section on scenarios: how many there are, and which did not go as they should."""

from __future__ import annotations

from typing import List, Sequence

from nutrace.analysis import Report, Scenarios
from nutrace.analysis.evaluation.scenario_rows import ScenarioRow
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.cli.tones import Tone
from nutrace.printable import printable
from nutrace.trace import Scenario
from nutrace.trace.addresses import CUT_SHORT, FINISHED
from nutrace_exporters.labels import counted

_MB = 1e6
_MOST_NAMED = 5  # scenarios that were cut short


def scenarios_text(report: Report, style: Style, limit: int) -> str:
    """The section; "" for a run of one scenario that finished, or of none. `limit` is of the rows, 0: all."""
    scenarios, evaluation = report.scenarios, report.evaluation
    if not scenarios.remarkable and (scenarios.count < 2 or evaluation is not None):
        return ""
    unfinished = _unfinished(report.run.running)
    lines = [style.heading("Scenarios")]
    if evaluation is None:  # which begins with this line
        lines.append(style.line(outcomes(scenarios, report.run.running)))
    shown = scenarios.remarkable[:limit] if limit else scenarios.remarkable
    if shown:
        columns = [Column("number"), Column("scenario", right=False)]
        columns += [Column("type", right=False, rank=4), Column("planner", right=False, rank=5)]
        columns += [Column("outcome", right=False, tone=outcome_tone)]
        columns += [Column("attempt", rank=3), Column("steps", rank=2)]
        lines.append(style.table(columns, [_row(scenario, unfinished) for scenario in shown]))
    rest = len(scenarios.remarkable) - len(shown)
    if rest:
        lines.append(style.below_table(f"and {rest:,} more: --limit 0 shows all"))
    if evaluation is not None and not report.run.running:
        lines += [style.line(text, Tone.BAD) for text in cut_short(evaluation.rows)]
    return "\n".join(lines)


def outcome_tone(outcome: str) -> Tone:
    """Of a scenario's outcome."""
    return Tone.GOOD if outcome == FINISHED else Tone.DOUBTFUL if outcome == _unfinished(True) else Tone.BAD


def outcomes(scenarios: Scenarios, running: bool) -> str:
    """How many scenarios there are, and how they ended, in a sentence."""
    each = [(scenarios.finished, "finished"), (scenarios.failed, "failed")]
    each.append((scenarios.cut_short, _unfinished(running)))
    counts = ", ".join(f"{count:,} {what}" for count, what in each if count)
    if scenarios.finished == scenarios.count:
        counts = "all finished"
    elif scenarios.count > 1 and not scenarios.finished:
        counts += ", none finished"
    if scenarios.retried:
        counts += f"; {scenarios.retried:,} of them simulated again"
    return f"{counted(scenarios.count, 'scenario')}: {counts}."


def cut_short(rows: Sequence[ScenarioRow]) -> List[str]:
    """Sentences that name the scenarios of a run that were cut short, with their workers."""
    cut = [row for row in rows if row.outcome == CUT_SHORT]
    sentences = [_cut_short(row) for row in cut[:_MOST_NAMED]]
    if len(cut) > _MOST_NAMED:
        sentences.append(f"and {len(cut) - _MOST_NAMED:,} more that were cut short")
    return sentences


def _cut_short(row: ScenarioRow) -> str:
    name, worker = printable(row.scenario.name), printable(row.worker)
    where = f": worker {worker} was killed, or it crashed" if row.killed else f" in worker {worker}"
    text = f"{name} was cut short{where}, after {counted(row.steps, 'finished step')}"
    if row.memory_end is not None:
        text += f" and with {row.memory_end / _MB:,.1f} MB at the last reading"
    return text


def _unfinished(running: bool) -> str:
    return "not finished yet" if running else CUT_SHORT


def _row(scenario: Scenario, unfinished: str) -> List[str]:
    outcome = unfinished if scenario.outcome == CUT_SHORT else scenario.outcome
    texts = scenario.token or "-", scenario.type or "-", scenario.planner or "-", outcome
    numbers = f"{scenario.attempt:,}", f"{len(scenario.steps):,}"
    return [f"{scenario.number:,}", *(printable(text) for text in texts), *numbers]
