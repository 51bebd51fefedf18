"""Run a devkit script and time its simulations.

``devkit_timed.py OUT MODE SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` and writes JSON to OUT. MODE is

- ``none``: OUT has the wall seconds and CPU seconds of ``SimulationRunner.run``, and of these CPU seconds the
  part that other threads took;
- ``cProfile``, ``pyinstrument`` or ``callgrind``: the same, with this profiler around
  ``SimulationRunner.run``. For ``callgrind`` the interpreter has to run in valgrind;
- ``toggled-0`` or ``toggled-1``, for a traced process: tracing is switched at the start of steps (on, off,
  off, on, ... or the opposite). OUT has, for each step, whether it was traced, and its nanoseconds of its
  thread's CPU time and of wall time.
"""

from __future__ import annotations

import contextlib
import cProfile
import json
import os
import runpy
import subprocess
import sys
import time
from typing import Any, Callable, ContextManager, Iterator, List, Tuple


def profiler_of(name: str) -> Callable[[], ContextManager[Any]]:
    """Return a context manager that profiles its block."""
    if name == "cProfile":
        return cProfile.Profile
    if name == "callgrind":
        return counted
    import pyinstrument

    profiler: Callable[[], ContextManager[Any]] = pyinstrument.Profiler
    return profiler


@contextlib.contextmanager
def counted() -> Iterator[None]:
    """Let callgrind count in the block, and only there."""
    control = ["callgrind_control", "-i"]
    subprocess.run([*control, "on", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run([*control, "off", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)


def toggled(out: str, phase: int) -> None:
    """Run the script, and switch tracing at the start of steps."""
    from nuplan.planning.simulation.callback.multi_callback import MultiCallback

    from nutrace import session

    started: Any = MultiCallback.on_step_start
    traced: List[bool] = []
    begun: List[Reading] = []
    over: List[Reading] = []

    def reading() -> Reading:
        return time.thread_time_ns(), time.perf_counter_ns()

    def on_step_start(self: Any, *args: Any) -> None:
        over.append(reading())
        on = (len(traced) + 2 * phase) % 4 in (0, 3)
        if not traced or on != traced[-1]:  # between two readings, so that no step contains the switching
            session._session._turn_on() if on else session._session._turn_off()  # type: ignore
        traced.append(on)
        begun.append(reading())
        started.__get__(self)(*args)

    MultiCallback.on_step_start = on_step_start
    runpy.run_path(sys.argv[0], run_name="__main__")
    steps = [
        (on, *(later - earlier for later, earlier in zip(after, before)))
        for on, before, after in zip(traced, begun, over[1:])
    ]
    with open(out, "w", encoding="utf-8") as file:
        json.dump(steps, file)


Reading = Tuple[int, int]  # nanoseconds: CPU of this thread, wall


def main() -> None:
    """Run the script with a timer around ``SimulationRunner.run``."""
    out, name = sys.argv[1:3]
    del sys.argv[:3]
    if name.startswith("toggled-"):
        toggled(out, int(name[-1]))
        return
    from nuplan.planning.simulation.runner.simulations_runner import SimulationRunner

    run = SimulationRunner.run
    spent = {"wall": 0.0, "cpu": 0.0, "others": 0.0}

    def timed(self: Any) -> Any:
        wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        try:
            if name == "none":
                return run(self)
            with profiler_of(name)():
                return run(self)
        finally:
            used = time.process_time() - cpu
            spent["wall"] += time.perf_counter() - wall
            spent["cpu"] += used
            spent["others"] += used - (time.thread_time() - own)

    SimulationRunner.run = timed
    runpy.run_path(sys.argv[0], run_name="__main__")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(spent, file)


if __name__ == "__main__":
    main()
