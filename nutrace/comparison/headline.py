"""The figures of the table that people write by hand: which, in which order, and how they are called."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from nutrace.comparison.result import Judged

_LABELS = {
    "steps.total_s": "simulation time",
    "steps.mean_ms": "per step",
    "steps.p50_ms": "per step, median",
    "steps.p95_ms": "per step, 95 % are faster",
    "steps.realtime_factor": "real-time factor",
    "database.statements_per_step": "statements per step",
    "database.connections_per_step": "connections per step",
    "run.wall_s": "whole run",
}
_RATE = ".hit_rate"


def headline(judged: Sequence[Judged]) -> Dict[str, str]:
    """Names of the figures with their labels, in the order of the table."""
    known = {each.figure for each in judged}
    rows: Dict[str, str] = {name: label for name, label in _LABELS.items() if name in known}
    rates: List[str] = [name for name in known if name.startswith("speedups.") and name.endswith(_RATE)]
    for name in sorted(rates):
        rows[name] = f"hit rate of {name[len('speedups.') : -len(_RATE)]}"
    return rows


def gap_closed(base: Optional[float], new: Optional[float]) -> Optional[float]:
    """The part of the way to a real-time factor of 1.0 that was gone; None if the base is there already."""
    if base is None or new is None or base <= 1:
        return None
    return (base - new) / (base - 1)
