"""Run a devkit script and time its simulations.

``devkit_timed.py OUT MODE SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` and writes JSON to OUT. MODE is

- ``none``: OUT has the wall seconds and CPU seconds of ``SimulationRunner.run``, and of these CPU seconds the
  part that other threads took;
- ``cProfile``, ``pyinstrument`` or ``callgrind``: the same, with this profiler around
  ``SimulationRunner.run``. For ``callgrind`` the interpreter has to run in valgrind;
- ``toggled-0`` or ``toggled-1``, for a traced process: tracing is switched at the start of steps (on, off,
  off, on, ... or the opposite). OUT has, for each step, whether it was traced, and its nanoseconds of its
  thread's CPU time and of wall time, from the start of one step to that of the next;
- ``untraced-0`` or ``untraced-1``: the same, but where tracing is off the program's own functions are back in
  their places, and a step is what lies between the start of the callback ``on_step_start`` and the end of
  ``on_step_end``, as in traces. What waits to be written is written before tracing is switched off, so that
  nothing is written during an untraced step.
"""

from __future__ import annotations

import contextlib
import cProfile
import gc
import json
import os
import runpy
import subprocess
import sys
import time
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Tuple


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

    def on_step_start(self: Any, *args: Any) -> None:
        over.append(reading())
        on = is_on(len(traced), phase)
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


def reading() -> Reading:
    """The two clocks."""
    return time.thread_time_ns(), time.perf_counter_ns()


def is_on(step: int, phase: int) -> bool:
    """Whether a step is traced: two are, two are not, and so on; at the beginning it is one."""
    return (step + 2 * phase) % 4 in (0, 3)


class Untracing:
    """Takes nutrace out of the running program, and puts the very same wrappers back."""

    def __init__(self) -> None:
        from nutrace import session

        self._session: Any = session._session
        self._out: List[Tuple[Any, str, Any]] = []  # where which wrapper was
        self._in_modules: Dict[int, Tuple[Any, Any]] = {}

    def take_out(self) -> None:
        """Switch tracing off, and put the program's own functions back."""
        from nutrace.patching.originals import ABSENT
        from nutrace.patching.rebinding import rebind

        self._session.recorder.flush()
        self._session._turn_off()
        patches = self._session.engine._patches
        originals = patches._originals
        self._in_modules = originals.replaced_in_modules()
        rebind(originals.table())
        self._out = []
        for reference, name in list(patches._set.values()):
            owner = reference()
            held = original = vars(owner).get(name) if owner is not None else None
            while originals.has(original):
                original = originals.of(original)
            if original is held:
                continue
            self._out.append((owner, name, held))
            if original is ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, original)

    def put_back(self) -> None:
        """Switch tracing on again."""
        from nutrace.patching.rebinding import rebind

        for owner, name, held in self._out:
            setattr(owner, name, held)
        rebind(self._in_modules)
        self._session._turn_on()


def untraced(out: str, phase: int) -> None:
    """Run the script, and take tracing out of some of its steps."""
    from nuplan.planning.simulation.runner.simulations_runner import SimulationRunner

    run = SimulationRunner.run
    steps: List[Tuple[bool, int, int]] = []

    def timed(self: Any) -> Any:
        callback = self.simulation.callback
        kind = type(callback)
        tracing = Untracing()
        is_traced = True
        begun: Reading

        def called(name: str, *args: Any) -> None:
            vars(kind)[name].__get__(callback, kind)(*args)  # the wrapper, if one is there at this moment

        def on_step_start(*args: Any) -> None:
            nonlocal is_traced, begun
            wanted = is_on(len(steps), phase)
            if wanted != is_traced:
                tracing.put_back() if wanted else tracing.take_out()
                is_traced = wanted
            begun = reading()
            called("on_step_start", *args)

        def on_step_end(*args: Any) -> None:
            called("on_step_end", *args)
            over = reading()
            steps.append((is_traced, over[0] - begun[0], over[1] - begun[1]))

        callback.on_step_start, callback.on_step_end = on_step_start, on_step_end
        # What the program has made so far is collected no more: one full collection takes as long as twenty
        # steps, and would strike in some of them.
        gc.collect()
        gc.freeze()
        try:
            return run(self)
        finally:
            if not is_traced:
                tracing.put_back()

    SimulationRunner.run = timed
    runpy.run_path(sys.argv[0], run_name="__main__")
    with open(out, "w", encoding="utf-8") as file:
        json.dump(steps, file)


def main() -> None:
    """Run the script with a timer around ``SimulationRunner.run``."""
    out, name = sys.argv[1:3]
    del sys.argv[:3]
    if name.startswith("toggled-"):
        toggled(out, int(name[-1]))
        return
    if name.startswith("untraced-"):
        untraced(out, int(name[-1]))
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
