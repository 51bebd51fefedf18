"""Speedups make a simulation faster without changing its results; each is switched on by its name."""

from nutrace.speedups.registry import SPEEDUPS, chosen
from nutrace.speedups.speedup import Speedup

__all__ = ["SPEEDUPS", "Speedup", "chosen"]
