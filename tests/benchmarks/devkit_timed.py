"""Runs a devkit script and times its simulations, whatever else watches the process.

``devkit_timed.py OUT PEER SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` and writes to OUT, as JSON, the
wall and CPU seconds of ``SimulationRunner.run``. PEER is ``none`` or a profiler to run around it:
``cProfile``, ``pyinstrument``. Or it is ``toggled``, in a process that is traced: tracing is switched off
and on between neighbouring steps (on, off, off, on, ...), and OUT gets for each step whether it was traced,
and the nanoseconds of CPU that its own thread and all others took.
"""

from __future__ import annotations

import cProfile
import json
import runpy
import sys
import time
from typing import Any, Callable, ContextManager, List, Tuple


def peer(name: str) -> Callable[[], ContextManager[Any]]:
    """A context manager that profiles."""
    if name == "cProfile":
        return cProfile.Profile
    import pyinstrument

    profiler: Callable[[], ContextManager[Any]] = pyinstrument.Profiler
    return profiler


def toggled(out: str) -> None:
    """Switch tracing at each step's start, and run."""
    from nuplan.planning.simulation.callback.multi_callback import MultiCallback

    from nutrace import session

    started: Any = MultiCallback.on_step_start
    traced: List[bool] = []
    begun: List[Tuple[int, int]] = []  # readings of both clocks
    ended: List[Tuple[int, int]] = []

    def on_step_start(self: Any, *args: Any) -> None:
        ended.append((time.thread_time_ns(), time.process_time_ns()))
        traced.append(len(traced) % 4 in (0, 3))
        if traced[-2:] in ([True, False], [False, True]):  # what switching takes is no step's
            session._session._turn_on() if traced[-1] else session._session._turn_off()  # type: ignore
        begun.append((time.thread_time_ns(), time.process_time_ns()))
        started.__get__(self)(*args)

    MultiCallback.on_step_start = on_step_start
    runpy.run_path(sys.argv[0], run_name="__main__")
    steps = [
        (on, own_after - own, all_after - own_after - (all_before - own))
        for on, (own, all_before), (own_after, all_after) in zip(traced, begun, ended[1:])
    ]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(steps, file)


def main() -> None:
    """Replace the method by one that takes the time, and run."""
    out, name = sys.argv[1:3]
    del sys.argv[:3]
    if name == "toggled":
        toggled(out)
        return
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
