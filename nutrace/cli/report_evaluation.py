"""The report's first section on a run of several scenarios: five lines, and where to look next."""

from __future__ import annotations

from typing import Optional, Sequence

from nutrace.analysis import Report
from nutrace.analysis.evaluation.lanes import Lanes
from nutrace.analysis.evaluation.memory_growth import GrowthPart
from nutrace.analysis.evaluation.summary import Evaluation
from nutrace.analysis.evaluation.worker_memory import WorkerMemory
from nutrace.cli.report_scenarios import outcomes
from nutrace.cli.report_style import Style, ms
from nutrace.cli.workers_text import KINDS
from nutrace.printable import LINE, printable
from nutrace_exporters.labels import counted

_SIZES_GB = (16.0, 64.0)  # where the file does not say how much memory the machine has
_MOST_COMPONENTS = 3
_SMALLEST_PART = 0.1


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
    return (
        f"{working:,} {KINDS[lanes.kind]}: {share}, over {lanes.rounds_ns / 1e9:,.1f} s; "
        f"the other {lanes.serial_ns / 1e9:,.1f} s are the driver's own"
    )


def memory_line(memory: Optional[WorkerMemory]) -> str:
    """What workers need and how many fit, in one line."""
    if memory is None or memory.per_worker_mb is None:
        return "the run did not record it"
    what = "a worker thread adds" if memory.threads else "a worker needs"
    reading = "at its peak" if memory.by_kernel else "at its highest reading"
    parts = [f"{what} {_mb(memory.per_worker_mb)} MB {reading}"]
    if memory.driver_mb is not None:
        parts.append(f"the driver {_mb(memory.driver_mb)} MB")
    parts.append(_growth(memory))
    return f"{', '.join(parts)}: {fits_words(memory)}"


def fits_words(memory: WorkerMemory) -> str:
    """How many workers fit into the machine of the run, or into usual ones; it is a model."""
    sizes = _SIZES_GB if memory.machine_gb is None else (memory.machine_gb,)
    (gb, workers), *more = [(gb, memory.fit(gb)) for gb in sizes]
    if not workers:
        return f"not one such worker fits into {gb:g} GB"
    words = f"at most {counted(workers, 'such worker')} {'fits' if workers == 1 else 'fit'} into {gb:g} GB"
    return words + "".join(f", {workers:,} into {gb:g} GB" for gb, workers in more)


def _growth(memory: WorkerMemory) -> str:
    if not memory.steady or memory.growth_mb_per_scenario is None:
        return "no steady growth"
    text = f"and grows by {_mb(memory.growth_mb_per_scenario)} MB a scenario"
    return text + (f" ({growth_words(memory.grew_in)})" if memory.grew_in else "")


def growth_words(parts: Sequence[GrowthPart]) -> str:
    """What memory grew by in which parts of the scenarios, with what ran there; small parts are left out."""
    least = _SMALLEST_PART * max(abs(part.per_scenario) for part in parts)
    return ", ".join(_part(part) for part in parts if abs(part.per_scenario) >= least)


def _part(part: GrowthPart) -> str:
    text = f"{part.per_scenario / 1e6:+,.1f} {part.part}"
    shown = [name for name, share in part.components if share >= _SMALLEST_PART][:_MOST_COMPONENTS]
    return f"{text}, where {' and '.join(shown)} ran" if shown and part.per_scenario > 0 else text


def _mb(size: float) -> str:
    return f"{size:,.1f}"
