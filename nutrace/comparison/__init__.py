"""What changed between two sets of runs: pure functions of many traces."""

from __future__ import annotations

from nutrace.comparison.compare import compare
from nutrace.comparison.figures import RunFigures, RunIdentity, ScenarioFigures
from nutrace.comparison.judging import Options
from nutrace.comparison.measure import measure
from nutrace.comparison.result import Comparison, Judged, Kind, PathChange, SideFacts, Verdict

__all__ = [
    "Comparison",
    "Judged",
    "Kind",
    "Options",
    "PathChange",
    "RunFigures",
    "RunIdentity",
    "ScenarioFigures",
    "SideFacts",
    "Verdict",
    "compare",
    "measure",
]
