"""The exact figures of a run, by name."""

from __future__ import annotations

from typing import Dict, Optional

from nutrace.analysis import Region, Regions, StepTimes, component_costs
from nutrace.analysis.collections import collections
from nutrace.analysis.database import Database
from nutrace.analysis.deepcopies import DeepCopies
from nutrace.analysis.installed_speedups import InstalledSpeedups
from nutrace.analysis.work import work
from nutrace.trace import Trace

Counts = Dict[str, Optional[float]]


def counts_of(
    trace: Trace,
    regions: Regions,
    *,
    steps: StepTimes,
    scenarios: int,
    queries: Database,
    copies: DeepCopies,
    speedups: InstalledSpeedups,
) -> Counts:
    """The counts of a run, as the report has them.

    Names end in ``_per_step`` where a number is divided by the number of the steps. In a run without steps
    the same figures are of the run, and their names end without.
    """
    done = work(queries, copies)
    counts: Counts = {
        "steps.count": steps.count,
        "steps.unfinished": steps.unfinished,
        "scenarios.count": scenarios,
    }
    tail, divisor = ("_per_step", steps.count) if steps.count else ("", 1)

    def add(name: str, number: Optional[int]) -> None:
        counts[f"{name}{tail}"] = None if number is None else number / divisor

    add("database.statements", None if done.statements is None else done.statements.count)
    add("database.connections", done.connections)
    add("database.rows", None if done.statements is None else done.statements.rows)
    add("deepcopy.root_calls", None if done.deep_copies is None else done.deep_copies.root_calls)
    add("deepcopy.objects", None if done.deep_copies is None else done.deep_copies.objects)
    counts["database.statements_in_run"] = queries.all.count if queries.recorded else None
    counts["database.connections_in_run"] = (
        None if queries.connections is None else queries.connections.opened
    )
    counts["database.repeated_in_run"] = queries.repeated
    counts["database.repeated_in_steps"] = queries.repeated_in_step
    counts["deepcopy.root_calls_in_run"] = copies.amount.root_calls if copies.recorded else None
    gc = collections(trace, regions)
    if gc is not None:
        counts["gc.full_in_steps"] = gc.full_in_steps.count
        counts["gc.young_in_steps"] = gc.young_in_steps.count
        counts["gc.full_in_run"] = gc.full_in_steps.count + gc.full_outside.count
    region = Region.INSIDE if steps.count else Region.OUTSIDE
    for cost in component_costs(trace, regions, region):
        add(f"components.{cost.component}.calls", cost.calls)
    for speedup in speedups.speedups:
        for figure, number in speedup.figures.items():
            if not figure.endswith("_ns"):
                counts[f"speedups.{speedup.name}.{figure}"] = number
        counts[f"speedups.{speedup.name}.hit_rate"] = speedup.hit_rate
    return counts
