"""What makes a simulation faster without changing it: switched on by name, measured like the rest."""

from nutrace.speedups.registry import SPEEDUPS, chosen
from nutrace.speedups.speedup import Speedup

__all__ = ["SPEEDUPS", "Speedup", "chosen"]
