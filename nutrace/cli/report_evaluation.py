"""The report's first section on a run of several scenarios: five lines, and where to look next."""

from __future__ import annotations

from typing import Optional

from nutrace.analysis import Report
from nutrace.analysis.evaluation.lanes import SEQUENTIAL, Lanes
from nutrace.analysis.evaluation.summary import Evaluation
from nutrace.cli.memory_text import memory_line
from nutrace.cli.report_scenarios import outcomes
from nutrace.cli.report_style import Style, ms
from nutrace.cli.workers_text import how
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted


def evaluation_text(report: Report, style: Style) -> str:
    """The section; "" for a run of one scenario or none, and for a part of a run."""
    found = report.evaluation
    if found is None:
        return ""
    file, ended = printable(report.run.file, LINE), outcomes(report.scenarios, report.run.running)
    entries = [
        ("scenarios", f"{ended} {counted(report.steps.count, 'step')}."),
        ("slowest", _slowest(found)),
        ("workers", _workers(found.lanes)),
        ("memory", memory_line(found.memory)),
        ("next", f"nutrace scenarios {file} lists all of them; nutrace workers: what was busy, what idle"),
    ]
    return "\n".join([style.heading("Evaluation"), *style.items(entries)])


def _slowest(found: Evaluation) -> str:
    row = found.rows[0]
    kind = f" ({printable(row.scenario.type)})" if row.scenario.type else ""
    steps = "" if row.step_mean_ns is None else f" for {row.steps:,} steps of {ms(row.step_mean_ns)} ms"
    return (
        f"{printable(row.scenario.name)}{kind} {row.wall_ns / 1e9:,.2f} s{steps}; "
        f"half of the scenarios take {found.median_wall_ns / 1e9:,.2f} s or less"
    )


def _workers(lanes: Optional[Lanes]) -> str:
    if lanes is None:
        return "not known"
    working = sum(bool(lane.scenarios) for lane in lanes.workers)
    share = f"{lanes.busy_lanes:.2f} of them in a scenario on average"
    if lanes.cores_used is not None:
        there = "" if lanes.processors is None else f" of {lanes.processors:,}"
        share += f" with {lanes.cores_used:.2f}{there} processors used"
    who = counted(working, "worker") + ("," if lanes.kind == SEQUENTIAL else "")
    return (
        f"{who} {how(lanes.kind, working)}: {share}, over {lanes.rounds_ns / 1e9:,.1f} s; "
        f"the other {lanes.serial_ns / 1e9:,.1f} s are the driver's own"
    )
