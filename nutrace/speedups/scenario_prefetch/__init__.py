"""The scenario prefetch: the rows of a scenario's frames are read together."""

from nutrace.speedups.scenario_prefetch.options import Options
from nutrace.speedups.scenario_prefetch.part import build
from nutrace.speedups.scenario_prefetch.prefetch import ScenarioPrefetch

__all__ = ["Options", "ScenarioPrefetch", "build"]
