"""The report's section on scenarios: how many there are, and which did not go as they should."""

from __future__ import annotations

from typing import List

from nutrace.analysis import Report
from nutrace.cli.report_style import Style
from nutrace.cli.table import Column
from nutrace.printable import printable
from nutrace.trace import Scenario
from nutrace.trace.addresses import CUT_SHORT
from nutrace_exporters.labels import counted


def scenarios_text(report: Report, style: Style, limit: int) -> str:
    """The section; "" for a run of one scenario that finished, or of none. `limit` is of the rows, 0: all."""
    scenarios = report.scenarios
    if scenarios.count < 2 and not scenarios.remarkable:
        return ""
    unfinished = "not finished yet" if report.run.running else CUT_SHORT
    outcomes = [(scenarios.finished, "finished"), (scenarios.failed, "failed")]
    outcomes.append((scenarios.cut_short, unfinished))
    counts = ", ".join(f"{count:,} {what}" for count, what in outcomes if count)
    if scenarios.finished == scenarios.count:
        counts = "all finished"
    if scenarios.retried:
        counts += f"; {scenarios.retried:,} of them simulated again"
    lines = [style.heading("Scenarios"), style.line(f"{counted(scenarios.count, 'scenario')}: {counts}.")]
    shown = scenarios.remarkable[:limit] if limit else scenarios.remarkable
    if shown:
        columns = [Column("number"), *(Column(name, right=False) for name in ("scenario", "type", "planner"))]
        columns += [Column("outcome", right=False), Column("attempt"), Column("steps")]
        lines.append(style.table(columns, [_row(scenario, unfinished) for scenario in shown]))
    rest = len(scenarios.remarkable) - len(shown)
    if rest:
        lines.append(style.below_table(f"and {rest:,} more: --limit 0 shows all"))
    return "\n".join(lines)


def _row(scenario: Scenario, unfinished: str) -> List[str]:
    outcome = unfinished if scenario.outcome == CUT_SHORT else scenario.outcome
    texts = scenario.token or "-", scenario.type or "-", scenario.planner or "-", outcome
    numbers = f"{scenario.attempt:,}", f"{len(scenario.steps):,}"
    return [f"{scenario.number:,}", *(printable(text) for text in texts), *numbers]
