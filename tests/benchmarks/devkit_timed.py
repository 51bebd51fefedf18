"""Runs a devkit script and times its simulations, whatever else watches the process.

``devkit_timed.py OUT PEER SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` and writes to OUT, as JSON, the
wall and CPU seconds of ``SimulationRunner.run``. PEER is ``none`` or a profiler to run around it:
``cProfile``, ``pyinstrument``.
"""

from __future__ import annotations

import cProfile
import json
import runpy
import sys
import time
from typing import Any, Callable, ContextManager


def peer(name: str) -> Callable[[], ContextManager[Any]]:
    """A context manager that profiles."""
    if name == "cProfile":
        return cProfile.Profile
    import pyinstrument

    profiler: Callable[[], ContextManager[Any]] = pyinstrument.Profiler
    return profiler


def main() -> None:
    """Replace the method by one that takes the time, and run."""
    out, name = sys.argv[1:3]
    del sys.argv[:3]
    from nuplan.planning.simulation.runner.simulations_runner import SimulationRunner

    run = SimulationRunner.run
    spent = {"wall": 0.0, "cpu": 0.0}

    def timed(self: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            if name == "none":
                return run(self)
            with peer(name)():
                return run(self)
        finally:
            spent["wall"] += time.perf_counter() - wall
            spent["cpu"] += time.process_time() - cpu

    SimulationRunner.run = timed
    runpy.run_path(sys.argv[0], run_name="__main__")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(spent, file)


if __name__ == "__main__":
    main()
