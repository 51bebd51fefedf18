"""Reduce a run to what comparing needs."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Dict, List

from nutrace.analysis import Region, Regions, Step, component_costs, divide, each_step, step_times
from nutrace.analysis.database import Database, database
from nutrace.analysis.deepcopies import deep_copies
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.comparison.counts import counts_of
from nutrace.comparison.figures import PathCost, RunFigures, ScenarioFigures, StatementFigures
from nutrace.comparison.identity import identity_of
from nutrace.comparison.span_paths import SpanPaths
from nutrace.trace import Trace

#: A run keeps the statements that take the most time.
_MOST_STATEMENTS = 1_000


def measure(trace: Trace) -> RunFigures:
    """Reduce a run to what comparing needs; the figures are those of the report.

    The result holds no reference to the trace. It takes some 100 bytes for each step and component.

    Parameters
    ----------
    trace:
        A run, or a part of one that :func:`nutrace.trace.select` made.
    """
    regions = divide(trace)
    times = step_times(trace, regions)
    queries, copies = database(trace, regions), deep_copies(trace, regions)
    speedups = installed_speedups(trace)
    paths = SpanPaths(trace, regions)
    scenarios = tuple(_scenarios(trace, regions, paths))
    costs: Dict[int, PathCost] = {} if times.count else paths.of_all()
    return RunFigures(
        identity=identity_of(trace, speedups),
        steps=times.count,
        counts=counts_of(
            trace,
            regions,
            steps=times,
            scenarios=len(trace.simulations),
            queries=queries,
            copies=copies,
            speedups=speedups,
        ),
        times=_times(trace, regions),
        interval_s=times.simulated_interval_s,
        scenarios=scenarios,
        paths=paths.paths(),
        path_costs=costs,
        statements=_statements(queries),
    )


def _scenarios(trace: Trace, regions: Regions, paths: SpanPaths) -> List[ScenarioFigures]:
    where = trace.addresses
    by_number: Dict[int, List[Step]] = {}
    for step in each_step(trace, regions):
        by_number.setdefault(where.scenario_of[step.span], []).append(step)
    known = [scenario for scenario in where.scenarios if scenario.number in by_number]
    named = Counter(scenario.name for scenario in known)
    figures = []
    for scenario in known:
        # Runs of several planners simulate the same scenario several times.
        by = f" with {scenario.planner}" if named[scenario.name] > 1 else ""
        steps = by_number[scenario.number]
        components = sorted({component for step in steps for component in step.self_ns})
        figures.append(
            ScenarioFigures(
                name=scenario.name + by,
                kind=scenario.type,
                log=scenario.log,
                planner=scenario.planner,
                outcome=scenario.outcome,
                iterations=array("q", [where.iteration_of[step.span] for step in steps]),
                total_ns=array("q", [step.total_ns for step in steps]),
                self_ns={
                    component: array("q", [step.self_ns.get(component, 0) for step in steps])
                    for component in components
                },
                paths=paths.in_steps([step.span for step in steps]),
            )
        )
    return figures


def _times(trace: Trace, regions: Regions) -> Dict[str, float]:
    """The times that are not those of single steps."""
    times = {"run.wall_s": (trace.finish_ns - trace.begin_ns) / 1e9}
    steps = len(regions.steps)
    for cost in component_costs(trace, regions, Region.BESIDE):
        if steps:
            times[f"concurrent.{cost.component}.self_ms_per_step"] = cost.self_ns / 1e6 / steps
    for cost in component_costs(trace, regions, Region.OUTSIDE):
        place = "outside_steps" if steps else "components"
        times[f"{place}.{cost.component}.self_ms"] = cost.self_ns / 1e6
    return times


def _statements(queries: Database) -> Dict[str, StatementFigures]:
    kept: Dict[str, StatementFigures] = {}
    for each in queries.statements[:_MOST_STATEMENTS]:
        executions = each.in_steps if queries.steps else each.all
        kept[each.statement] = StatementFigures(
            each.text, executions.count, executions.rows, executions.total_ns
        )
    return kept
