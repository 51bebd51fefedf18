"""What a program of the laboratory knows of itself.

A function clocks the loop in which it burns its time, and adds it to :data:`burnt` under its own name:

    @probe("planner")
    def work() -> None:
        began = clock()
        for _ in range(100 * US):
            pass
        burnt["work"] += clock() - began

The loop stands in the function, as a call would be another function to a profiler. `run` runs the program
beside the tool that TRUTH_TOOL names, and writes what is known into the folder TRUTH_FOLDER. TRUTH_LOOPS is
the number of turns of an empty loop in a microsecond: it is the same in all runs that are compared, so that
they do the same work.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Callable, DefaultDict, Dict

from truth.tools.registry import inside

clock = time.perf_counter_ns

#: Turns of an empty loop in a microsecond.
US = int(os.environ.get("TRUTH_LOOPS", "20"))

#: Nanoseconds that a function has burnt, over all its calls.
burnt: DefaultDict[str, int] = defaultdict(int)
#: How often each function was called.
calls: DefaultDict[str, int] = defaultdict(int)
#: How often it clocked a loop, where that is not once a call.
clockings: Dict[str, int] = {}
#: What else the program knows: each program says which, and their units.
facts: Dict[str, float] = {}

_FOLDER = Path(os.environ.get("TRUTH_FOLDER", "."))
_TOOL = inside(os.environ.get("TRUTH_TOOL", "bare"))
_ROUNDS = 2000

#: Decorator of the functions that a tool is asked about; most tools need none.
probe = _TOOL.probe


def run(main: Callable[[], None]) -> None:
    """Run the program, and write what it knows."""
    facts["clocking_ns"] = _clocking_ns()
    with _TOOL.around(_FOLDER):
        began, processor, thread = clock(), time.process_time_ns(), time.thread_time_ns()
        main()
        facts["main_ns"] = clock() - began
        facts["other_threads_ns"] = time.process_time_ns() - processor - (time.thread_time_ns() - thread)
    document = {
        "burnt": burnt,
        "calls": calls,
        "clockings": {**calls, **clockings},
        "facts": facts,
    }
    Path(_FOLDER, "known.json").write_text(json.dumps(document), encoding="utf-8")


def _clocking_ns() -> float:
    """What a function's own clocking takes outside of what it clocks: the least of some rounds.

    Every tool rightly sees it as the function's time.
    """

    def clocked() -> None:
        began = clock()
        for _ in range(0):
            pass
        burnt["clocking"] += clock() - began

    least = float("inf")
    for _ in range(5):
        burnt["clocking"] = 0
        began = clock()
        for _ in range(_ROUNDS):
            clocked()
        least = min(least, (clock() - began - burnt["clocking"]) / _ROUNDS)
    del burnt["clocking"]
    return least


def percentile(values: list[int], share: float) -> float:
    """The nearest rank."""
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])
