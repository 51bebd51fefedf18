"""The figures of the table that people write by hand, in its order, with their labels."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from nutrace.comparison.result import Comparison, Judged, Kind

GAP_CLOSED = "headline.gap_closed"
REALTIME_FACTOR = "steps.realtime_factor"

_LABELS = {
    "steps.total_s": "simulation time",
    "steps.mean_ms": "per step",
    "steps.p50_ms": "per step, median",
    "steps.p95_ms": "per step, p95",
    REALTIME_FACTOR: "real-time factor",
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
    """The part of the gap to a real-time factor of 1.0 that the new side closes; None if there is no gap."""
    if base is None or new is None or base <= 1:
        return None
    return (base - new) / (base - 1)


def gap_closed_figure(comparison: Comparison) -> Optional[Judged]:
    """The part of the gap closed as a figure, with the real-time factor's verdict; None if there is no gap.

    ``low`` and ``high`` are parts of the gap, too. They lie about it as the interval of the real-time factor
    lies about the change that is tested.
    """
    closed = comparison.gap_closed
    factor = next((each for each in comparison.judged if each.figure == REALTIME_FACTOR), None)
    if closed is None or factor is None or not factor.base:
        return None
    low = high = None
    if factor.tested is not None and factor.low is not None and factor.high is not None:
        part = factor.base / (factor.base - 1)
        low, high = (closed - (end - factor.tested) * part for end in (factor.high, factor.low))
    return Judged(GAP_CLOSED, Kind.TIME, 0.0, closed, None, low, high, factor.verdict, factor.runs_needed)
