"""The document of ``nutrace report --json``."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from nutrace.analysis import ComponentCost, InsideSpans, Report, Work
from nutrace.cli.json_output import per_step, pick
from nutrace.cli.report_pauses_json import collections_json, memory_json, simulation_logs_json

_SPAN = (
    "name",
    "component",
    "calls",
    "yielded",
    "total_ms",
    "self_ms",
    "mean_us",
    "p50_us",
    "p95_us",
    "own_ms",
)
_ERROR = "error", "span", "component", "count", "in_steps"
_SAMPLES = "taken", "placed", "unplaced", "sampler", "rate_hz", "notes"
_INSIDE = (
    *("function", "file", "line", "itself", "own_ms", "total_ms", "samples", "share", "share_low"),
    *("share_high", "total_samples", "total_share", "total_low", "total_high"),
)
_SCENARIOS = "count", "finished", "failed", "cut_short", "retried"
_SCENARIO = "number", "token", "type", "planner", "attempt", "outcome"
_RUN = "file", "command", "wall_seconds", "processes", "complete", "running", "in_no_span_ms"
_STEPS = (
    *("count", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"),
    *("simulated_interval_s", "realtime_factor", "over_real_time"),
)


def as_json(report: Report) -> Dict[str, Any]:
    """A report as a JSON document; null stands for what is not known.

    ``share`` is of the sum of the list's self times: for ``components``, of the time of the steps. Inside
    spans it is of their self time.
    """
    steps = report.steps.count
    return {
        "run": pick(report.run, *_RUN),
        "steps": pick(report.steps, *_STEPS),
        "per_step": _work(report.work, steps),
        "components": _components(report.components, steps),
        "outside_steps": _components(report.outside_steps, 0),
        "concurrent": _components(report.concurrent, steps),
        "spans": [pick(span, *_SPAN) for span in report.spans],
        "inside": [_inside(spans, steps) for spans in report.inside],
        "samples": None if report.samples is None else pick(report.samples, *_SAMPLES),
        "errors": [pick(failure, *_ERROR) for failure in report.failures],
        "gc": collections_json(report.collections),
        "memory": memory_json(report.memory),
        "simulation_log": simulation_logs_json(report.simulation_logs),
        "lost": pick(report.lost, "dropped", "truncated", "unfinished"),
        "overhead": pick(report.overhead, "spans", "in_file", "estimated_ms", "start_and_end_ms", "share"),
        "correction": _correction(report),
        "notes": report.notes,
        "scenarios": {
            **pick(report.scenarios, *_SCENARIOS),
            "remarkable": [
                {**pick(scenario, *_SCENARIO), "steps": len(scenario.steps)}
                for scenario in report.scenarios.remarkable
            ],
        },
    }


def _correction(report: Report) -> Dict[str, Any]:
    """nutrace's own time that was taken out: of what is reported, and of the whole run.

    ``uncertain_ms`` is how much more it is by the median of the prices, ``clipped_ms`` what was not taken
    out, as the spans did not last so long. ``cold_ms`` is the part of the events' cost that is due to cold
    caches: of the run what was taken out, of a kind also what was not. ``clocked_ms`` is the part that was
    clocked, event by event; the rest is priced. A price ``by_ratio`` was not measured: it is a multiple of a
    call's, and up to a quarter off.
    """
    correction = report.correction
    regions = {
        "in_steps_ms": report.components,
        "concurrent_ms": report.concurrent,
        "outside_steps_ms": report.outside_steps,
    }
    taken_ms = {key: sum(cost.own_ns for cost in costs) / 1e6 for key, costs in regions.items()}
    return {
        "state": correction.state,
        "taken_ms": sum(taken_ms.values()),
        **taken_ms,
        "run": {
            **pick(correction, "calibrated_ms", "measured_ms", "uncertain_ms", "clipped_ms", "cold_ms"),
            **pick(correction, "processes", "priced_processes"),
            "kinds": [
                {
                    **pick(each, "kind", "events", "price_us", "outside_ms", "clocked_ms", "uncertain_ms"),
                    **pick(each, "by_ratio", "cold_ms"),
                }
                for each in correction.kinds
            ],
        },
    }


def _work(work: Work, steps: int) -> Dict[str, Optional[float]]:
    """Numbers for each step; null where nothing was recorded, or in a run without steps."""
    statements, copies = work.statements, work.deep_copies
    counts = {
        "queries": None if statements is None else statements.count,
        "connections": work.connections,
        "rows": None if statements is None else statements.rows,
        "query_ms": None if statements is None else statements.total_ns / 1e6,
        "deep_copies": None if copies is None else copies.root_calls,
        "objects_copied": None if copies is None else copies.objects,
    }
    return {name: None if count is None else per_step(count, steps) for name, count in counts.items()}


def _components(costs: Sequence[ComponentCost], steps: int) -> List[Dict[str, Any]]:
    whole = sum(cost.self_ns for cost in costs)
    return [
        {
            **pick(cost, "component", "calls", "total_ms", "self_ms", "own_ms"),
            "self_ms_per_step": per_step(cost.self_ns / 1e6, steps),
            "share": cost.self_ns / whole if whole else 0.0,
        }
        for cost in costs
    ]


def _inside(spans: InsideSpans, steps: int) -> Dict[str, Any]:
    return {
        **pick(spans, "span", "blocks", "component", "samples", "rate_hz", "self_ms", "not_sampled_ms"),
        "self_ms_per_step": per_step(spans.self_in_steps_ns / 1e6, steps),
        "functions": [
            {
                **pick(function, *_INSIDE),
                "own_ms_per_step": per_step(function.own_in_steps_ns / 1e6, steps),
                "total_ms_per_step": per_step(function.total_in_steps_ns / 1e6, steps),
            }
            for function in spans.functions
        ],
        "others": pick(spans.others, "functions", "own_ms", "samples", "share"),
    }
