"""Runs the devkit's run_simulation.py, named first, and prints how often `propagate` was called."""

from __future__ import annotations

import runpy
import sys
from typing import Any

from nuplan.planning.simulation.simulation import Simulation

calls = 0
original = Simulation.propagate


def propagate(self: Any, *args: Any) -> Any:
    global calls
    calls += 1
    return original(self, *args)


Simulation.propagate = propagate
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
print("steps:", calls)
