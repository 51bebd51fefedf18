"""The rows that formats of tables write beside the spans: what the reports say, a row each.

Times are nanoseconds. Durations, and what statements took, are as recorded. All others are corrected:
nutrace's own time is taken out of them as far as it is known, and ``own_ns`` is what was taken out.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional

from nutrace.analysis.database import Database, Executions, database
from nutrace.analysis.deepcopies import Amount, DeepCopies, deep_copies
from nutrace.analysis.each_step import each_step
from nutrace.analysis.evaluation.scenario_rows import scenario_rows
from nutrace.analysis.origins import Caller
from nutrace.analysis.regions import Region, Regions, divide
from nutrace.semconv import COMPONENTS, DEEPCOPY_SPAN
from nutrace.trace import Trace
from nutrace.trace.analysed import Analysed, Row

_WHERE = {
    Region.INSIDE: "in_steps",
    Region.BESIDE: "concurrent",
    Region.OUTSIDE: "outside_steps",
}


def analyse(trace: Trace) -> Analysed:
    """The rows of a trace; each table is computed when its first row is asked for."""
    regions = divide(trace)
    words = [_WHERE[region] for region in sorted(_WHERE)]
    return Analysed(
        region=[words[region] for region in regions.region],
        outermost_component=regions.outermost_component,
        outermost_name=regions.outermost_name,
        steps=_steps(trace, regions),
        scenarios=_scenarios(trace),
        statements=_statements(trace, regions),
        deepcopies=_copies(trace, regions),
    )


def _steps(trace: Trace, regions: Regions) -> Iterator[Row]:
    types = {scenario.number: scenario.type for scenario in trace.simulations}
    for step in each_step(trace, regions):
        yield {
            "scenario": step.scenario,
            "step": step.index,
            "token": step.token,
            "type": types[step.scenario],
            "span": step.span,
            "process": trace.threads[trace.thread[step.span]].resource,
            "thread": trace.thread[step.span],
            "start_time_unix_nano": step.start_ns,
            "duration_time_unix_nano": trace.end_ns[step.span] - step.start_ns,
            "total_ns": step.total_ns,
            "own_ns": trace.own_inside_ns[step.span],
            "simulated_interval_s": step.simulated_interval_s,
            "realtime_factor": step.realtime_factor,
            "memory_bytes": step.memory,
            **{f"{component}_self_ns": step.self_ns.get(component, 0) for component in COMPONENTS},
        }


def _scenarios(trace: Trace) -> Iterator[Row]:
    for row in scenario_rows(trace):
        scenario = row.scenario
        span = scenario.span
        yield {
            "scenario": scenario.number,
            "name": scenario.name,
            "token": scenario.token,
            "type": scenario.type,
            "log": scenario.log,
            "planner": scenario.planner,
            "attempt": scenario.attempt,
            "outcome": row.outcome,
            "killed": row.killed,
            "steps": row.steps,
            "step_mean_ns": row.step_mean_ns,
            "step_p95_ns": row.step_p95_ns,
            "realtime_factor": row.realtime_factor,
            "wall_ns": row.wall_ns,
            "worker": row.worker,
            "memory_start_bytes": row.memory_start,
            "memory_end_bytes": row.memory_end,
            "span": span,
            "start_time_unix_nano": trace.begin_ns + row.start_ns,
            "total_ns": None if span is None else trace.busy_ns[span],
            "own_ns": None if span is None else trace.own_inside_ns[span],
        }


def _statements(trace: Trace, regions: Regions) -> Iterator[Row]:
    work: Database = database(trace, regions)
    for each in work.statements:
        yield {
            "statement": each.statement,
            "text": each.text,
            "operation": each.operation,
            "system": each.system,
            "component": each.component,
            **_executions(each.all, ""),
            **_executions(each.in_steps, "_in_steps"),
            "execute_ns": each.execute_ns,
            "fetch_ns": each.fetch_ns,
            "distinct_parameters": each.distinct,
            "repeated": each.repeated,
            "repeated_ns": each.repeated_ns,
            "repeated_in_step": each.repeated_in_step,
            "repeated_in_step_ns": each.repeated_in_step_ns,
            "failures": sum(count for _, count in each.failures),
            "databases": [
                {
                    "database": use.database,
                    **_executions(use.all, ""),
                    **_executions(use.in_steps, "_in_steps"),
                }
                for use in each.uses
            ],
            "origins": [
                {**_caller(origin.caller), "component": origin.component, "executions": count}
                for origin, count in each.origins
            ],
        }


def _executions(executions: Executions, where: str) -> Dict[str, Optional[int]]:
    return {
        f"executions{where}": executions.count,
        f"rows{where}": executions.rows,
        f"total{where}_ns": executions.total_ns,
    }


def _copies(trace: Trace, regions: Regions) -> Iterator[Row]:
    copies: DeepCopies = deep_copies(trace, regions)
    for source in copies.sources:
        yield {
            "kind": DEEPCOPY_SPAN,
            **_caller(source.caller),
            "root_type": source.root_type,
            "component": source.component,
            **_amount(source.amount, ""),
            **_amount(source.in_steps, "_in_steps"),
            **_amount(source.beside_steps, "_concurrent"),
            "nested_calls": source.nested_calls,
            "nested_objects": source.nested_objects,
            "depth": source.depth,
            "types": [
                {"type": each.type, "objects": each.objects, "bytes": each.bytes} for each in source.types
            ],
        }
    for other in copies.others:
        yield {
            "kind": other.kind,
            **_caller(other.caller),
            "root_type": other.root_type,
            "component": other.component,
            "root_calls": other.calls,
            "root_calls_in_steps": other.calls_in_steps,
            "total_ns": other.total_ns,
        }


def _caller(caller: Caller) -> Dict[str, Any]:
    return {"function": caller.function, "file": caller.file, "line": caller.line}


def _amount(amount: Amount, where: str) -> Dict[str, int]:
    return {
        f"root_calls{where}": amount.root_calls,
        f"objects{where}": amount.objects,
        f"total{where}_ns": amount.total_ns,
    }
