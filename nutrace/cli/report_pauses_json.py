"""The parts ``gc``, ``memory`` and ``simulation_log`` of the document of ``nutrace report --json``."""

from __future__ import annotations

from typing import Any, Dict, Optional

from nutrace.analysis.collections import Collected, Collections
from nutrace.analysis.memory import Growth, Memory
from nutrace.analysis.simulation_logs import SimulationLogs
from nutrace.cli.json_output import pick

_MB = 1e6
_TAIL = "percent", "threshold_ms", "steps", "struck", "without_ms"


def collections_json(found: Optional[Collections]) -> Optional[Dict[str, Any]]:
    """Garbage collections; null if the run did not record them."""
    if found is None:
        return None
    switched = found.switched
    return {
        "in_steps": _amounts(found.young_in_steps, found.full_in_steps),
        "outside": _amounts(found.young_outside, found.full_outside),
        "struck": [pick(each, "span", "component", "count", "total_ms") for each in found.struck],
        "tails": [pick(tail, *_TAIL) for tail in found.tails],
        "switched": None
        if switched is None
        else {
            **pick(switched, "off", "on", "frozen", "off_share"),
            "off_in": [{"span": span, "count": count} for span, count in switched.off_in],
            "on_in": [{"span": span, "count": count} for span, count in switched.on_in],
        },
    }


def _amounts(young: Collected, full: Collected) -> Dict[str, Any]:
    return {name: pick(each, "count", "total_ms") for name, each in (("young", young), ("full", full))}


def memory_json(memory: Optional[Memory]) -> Optional[Dict[str, Any]]:
    """Resident memory, with the growth of the process and planner that grew most; null if not recorded."""
    if memory is None:
        return None
    most = memory.growth[0] if memory.growth else None
    return {
        "peak_mb": _mb(memory.peak),
        "gpu_peak_mb": _mb(memory.gpu_peak),
        "growth_mb_per_scenario": None if most is None else _mb(most.per_scenario),
        "steady": most is not None and most.steady,
        "scenarios": 0 if most is None else most.scenarios,
        "planner": "" if most is None else most.planner,
        "processes": [_growth(each) for each in memory.growth],
    }


def _growth(growth: Growth) -> Dict[str, Any]:
    return {
        **pick(growth, "pid", "planner", "scenarios", "steady"),
        "growth_mb_per_scenario": _mb(growth.per_scenario),
        "first_start_mb": _mb(growth.first_start),
        "first_end_mb": _mb(growth.first_end),
        "last_start_mb": _mb(growth.last_start),
        "last_end_mb": _mb(growth.last_end),
    }


def simulation_logs_json(logs: Optional[SimulationLogs]) -> Optional[Dict[str, Any]]:
    """What simulation logs hold, in megabytes by part; null if none was pickled while this was recorded."""
    if logs is None:
        return None
    return {
        **pick(logs, "count", "planner", "complete", "total_ms"),
        "mb_per_scenario": logs.bytes / _MB / logs.count,
        "log_mb": logs.log_bytes / _MB,
        "parts_mb": {part: size / _MB for part, size in logs.parts.items()},
    }


def _mb(size: Optional[float]) -> Optional[float]:
    return None if size is None else size / _MB
