"""The report as JSON. Later tools depend on these keys: add, never rename."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from nutrace.analysis import ComponentCost, Report, Work

_MS = 1e6
_US = 1e3


def as_json(report: Report) -> Dict[str, Any]:
    """A dict for :func:`json.dumps`; times in the unit of the key's ending, null if unknown.

    ``share`` is of the time that the list's self times sum to: the steps' for ``components``.
    """
    steps = report.steps
    return {
        "run": {
            "file": report.run.file,
            "command": report.run.command,
            "wall_seconds": report.run.wall_seconds,
            "processes": report.run.processes,
            "complete": report.run.complete,
        },
        "steps": {
            "count": steps.count,
            "mean_ms": steps.mean_ns / _MS,
            "p50_ms": steps.p50_ns / _MS,
            "p95_ms": steps.p95_ns / _MS,
            "p99_ms": steps.p99_ns / _MS,
            "max_ms": steps.max_ns / _MS,
            "simulated_interval_s": steps.simulated_interval_s,
            "realtime_factor": steps.realtime_factor,
        },
        "per_step": _per_step(report.work, steps.count),
        "components": _components(report.components, steps.count),
        "outside_steps": _components(report.outside_steps, None),
        "concurrent": _components(report.concurrent, steps.count),
        "spans": [
            {
                "name": span.name,
                "component": span.component,
                "calls": span.calls,
                "yielded": span.yielded,
                "total_ms": span.total_ns / _MS,
                "self_ms": span.self_ns / _MS,
                "mean_us": span.mean_ns / _US,
                "p50_us": span.p50_ns / _US,
                "p95_us": span.p95_ns / _US,
            }
            for span in report.spans
        ],
        "lost": {
            "dropped": report.lost.dropped,
            "truncated": report.lost.truncated,
            "unfinished": report.lost.unfinished,
        },
        "overhead": {
            "spans": report.overhead.spans,
            "estimated_ms": None
            if report.overhead.estimated_ns is None
            else report.overhead.estimated_ns / _MS,
            "share": report.overhead.share,
        },
        "notes": list(report.notes),
    }


def _per_step(work: Work, steps: int) -> Dict[str, Optional[float]]:
    """Null where nobody looked, or in a run without steps."""
    statements, copies = work.statements, work.deep_copies
    counts = {
        "queries": None if statements is None else statements.count,
        "connections": work.connections,
        "rows": None if statements is None else statements.rows,
        "query_ms": None if statements is None else statements.total_ns / _MS,
        "deep_copies": None if copies is None else copies.root_calls,
        "objects_copied": None if copies is None else copies.objects,
    }
    return {name: None if count is None or not steps else count / steps for name, count in counts.items()}


def _components(costs: Sequence[ComponentCost], steps: Optional[int]) -> list[Dict[str, Any]]:
    whole = sum(cost.self_ns for cost in costs)
    return [
        {
            "component": cost.component,
            "calls": cost.calls,
            "total_ms": cost.total_ns / _MS,
            "self_ms": cost.self_ns / _MS,
            "self_ms_per_step": cost.self_ns / _MS / steps if steps else None,
            "share": cost.self_ns / whole if whole else 0.0,
        }
        for cost in costs
    ]
