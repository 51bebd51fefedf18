"""What recording deep copies costs: a Hydra composition, and single calls.

    python tests/benchmarks/deepcopy_cost.py [--rounds 7]

If this interpreter has hydra-core and the nuPlan devkit, the devkit's simulation configuration is
composed repeatedly in one process, alternately without nutrace and with its probes on copies. The ratio
is that of the best CPU times; above 1.03 the exit code is 1.

Then it prints nanoseconds of CPU per call above the bare call, alternating as well, best of each.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import pickle
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import nutrace
from nutrace.probes.catalogue.copies import PROBES, in_mode

TARGET = 1.03
CALLS = 5_000
OVERRIDES = [
    "scenario_builder=nuplan_mini",
    "scenario_filter=one_of_each_scenario_type",
    "worker=sequential",
    "planner=simple_planner",
    "+simulation=open_loop_boxes",
]


class Plain:
    """An object with two attributes."""

    def __init__(self) -> None:
        self.one = 1
        self.two = [1, 2]


def composition() -> Callable[[], object]:
    """Composes what the devkit's run_simulation.py composes, and copies it as Hydra's run_job does."""
    from hydra import compose, initialize_config_dir

    devkit = importlib.util.find_spec("nuplan.planning.script")
    assert devkit is not None
    assert devkit.submodule_search_locations is not None
    folder = Path(devkit.submodule_search_locations[0]) / "config" / "simulation"
    search = "hydra.searchpath=[pkg://nuplan.planning.script.config.common, pkg://nuplan.planning.script.experiments]"

    def run() -> object:
        with initialize_config_dir(config_dir=str(folder)):
            config = compose(config_name="default_simulation", overrides=[*OVERRIDES, search])
        return copy.deepcopy(config)

    return run


def cpu(function: Callable[[], object]) -> int:
    """Nanoseconds of CPU, over all threads: background work counts as well."""
    began = time.process_time_ns()
    function()
    return time.process_time_ns() - began


def in_turns(mode: str, function: Callable[[], object], rounds: int) -> Tuple[List[int], List[int]]:
    """Times without nutrace and with its probes on copies."""
    times: Dict[bool, List[int]] = {False: [], True: []}
    for turn in range(2 * rounds):
        on = bool((turn + turn // 2) % 2)  # off on on off: a drift of the machine's falls on both
        if not on:
            times[on].append(cpu(function))
            continue
        with tempfile.TemporaryDirectory() as folder:
            settings = nutrace.Settings(output=os.path.join(folder, "run.json"), summary=False)
            nutrace.instrument(settings, probes=in_mode(PROBES, mode))
            try:
                with nutrace.span("round"):
                    times[on].append(cpu(function))
            finally:
                nutrace.uninstrument()
    return times[False], times[True]


def single_calls() -> Dict[str, Callable[[], object]]:
    nested = {"a": [1, 2, 3], "b": {"c": 1}}
    plain, data = Plain(), pickle.dumps(nested)
    return {
        "copy.deepcopy(5)": lambda: copy.deepcopy(5),
        "copy.deepcopy([])": lambda: copy.deepcopy([]),
        "copy.deepcopy({'a': [1, 2, 3], 'b': {'c': 1}})": lambda: copy.deepcopy(nested),
        "copy.deepcopy(object)": lambda: copy.deepcopy(plain),
        "copy.copy([])": lambda: copy.copy([]),
        "copy.copy(object)": lambda: copy.copy(plain),
        "pickle.dumps(dict)": lambda: pickle.dumps(nested),
        "pickle.loads(dict)": lambda: pickle.loads(data),
    }


def repeated(function: Callable[[], object]) -> Callable[[], None]:
    def loop() -> None:
        for _ in range(CALLS):
            function()

    return loop


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    print(f"Python {platform.python_version()}, nutrace {nutrace.__version__}, {rounds} rounds of each")
    failed = False
    if importlib.util.find_spec("hydra") is None or importlib.util.find_spec("nuplan") is None:
        print("no Hydra and devkit here: the composition is not measured")
    else:
        compose = composition()
        compose()  # imports and caches
        for mode in ("on", "detail"):
            off, on = in_turns(mode, compose, rounds)
            ratio = min(on) / min(off)
            verdict = "" if mode != "on" else f" (target {TARGET})"
            failed |= mode == "on" and ratio > TARGET
            times = f"{min(off) / 1e6:.0f} ms, {min(on) / 1e6:.0f} ms"
            print(f"Hydra composition, NUTRACE_DEEPCOPY={mode}: {times}, ratio {ratio:.3f}{verdict}")
    print(f"{'':48}{'bare ns':>10}{'on':>10}{'detail':>10}")
    for name, function in single_calls().items():
        loop = repeated(function)
        costs = []
        for mode in ("on", "detail"):
            off, on = in_turns(mode, loop, rounds)
            costs.append((min(off) / CALLS, (min(on) - min(off)) / CALLS))
        print(f"{name:48}{costs[0][0]:10.0f}{costs[0][1]:+10.0f}{costs[1][1]:+10.0f}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
