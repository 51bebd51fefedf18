"""What nutrace costs a whole simulation of the real devkit, with the peers beside.

    python tests/benchmarks/devkit_overhead.py [--setup idm|simple] [--pairs 7] [--peers cProfile,py-spy]
    python tests/benchmarks/devkit_overhead.py --toggle 7 [--agents 20]
    python tests/benchmarks/devkit_overhead.py --instructions

The log is a synthetic one of 90 agents and 23 traffic lights, as that of ``speedups_effect.py``. With fewer
agents a step takes less time, and nutrace more of it.

Runs of the devkit's run_simulation.py, one process each, untraced and traced in turn; timed is the
simulation part, ``SimulationRunner.run``, by its caller. A pair's ratio is traced over untraced, and
the result the median of the ratios: of CPU time, which a busy machine disturbs less, and of wall time.
Peers run once every second pair. Fails (exit code 1) if the median CPU overhead is above 2 %.

Where the machine's own speed wanders by more than that from run to run, ``--toggle N`` tells more: N pairs
of runs in which tracing is on for two steps and off for two, where it was on in one run being off in the
other. The simulation does the same in both, so each step is compared with itself; how fast the machine was
in either run falls out between neighbours, of which one was traced in the one and the next in the other.
Only the second step of each two counts: the first finds in the processor's caches what the switching has
brought there, and comes out a quarter cheaper. Printed are medians, with their standard error, of the step's
CPU and wall time; what other threads take, which is the recorder's writing, as a part of a third run's CPU
time, which is traced from its start to its end; and the sum, which is judged. What a probe costs while it is
off is not in it: some 1.5 us a call where the processor's caches are cold.

``--instructions`` leaves time aside: valgrind counts the instructions of the simulation part, however busy
the machine is, all of nutrace's writing among them. That takes fifty times as long as the simulation, so
nutrace gets fifty times as long until it writes, and for what it counts as short. What the processor waits
for its memory is not in it. Two counts of the same differ by up to half a percent.

Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py; py-spy is looked for on PATH.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import COMMON, SETUPS, devkit_environment, devkit_python, devkit_script, synthesize

BUDGET = 0.02
PEERS = ("cProfile", "py-spy", "pyinstrument")
CALLGRIND = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]
TIMED = str(Path(__file__).with_name("devkit_timed.py"))


class Runs:
    """Runs of one set-up on one log.

    Parameters
    ----------
    folder:
        For data and outputs.
    setup:
        A key of :data:`devkit.SETUPS`.
    agents:
        In the log.
    """

    def __init__(self, folder: Path, setup: str, agents: int) -> None:
        self.folder = folder
        self.setup = setup
        self.data = folder / "data"
        self.numbers = itertools.count()
        synthesize(self.data, "--agents", str(agents))

    def one(self, kind: str) -> Any:
        """What devkit_timed writes of a run: ``plain``, ``nutrace``, ``toggled-0`` or -1, or under a peer."""
        inner = "none" if kind in ("plain", "nutrace", "py-spy") else kind
        py_spy = ["py-spy", "record", "-r", "100", "-f", "raw", "-o", str(self.folder / "py-spy"), "--"]
        traced = kind == "nutrace" or kind.startswith("toggled")
        result, _ = self._run(
            kind, inner, py_spy if kind == "py-spy" else [], {"NUTRACE": "1"} if traced else {}
        )
        return result

    def instructions(self, kind: str) -> int:
        """How many a run takes: ``plain`` or ``nutrace``."""
        variables = {"PYTHONHASHSEED": "0"}
        if kind == "nutrace":
            variables.update(NUTRACE="1", NUTRACE_FLUSH_SECONDS="50", NUTRACE_COMPRESS_US="10000")
        _, said = self._run(kind, "callgrind", CALLGRIND, variables)
        collected = re.findall(r"Collected *: *(\d+)", said)
        if not collected:
            raise SystemExit(f"{kind}: valgrind counted nothing:\n{said[-2000:]}")
        return int(collected[-1])

    def _run(self, kind: str, inner: str, watch: List[str], variables: Dict[str, str]) -> Tuple[Any, str]:
        number = next(self.numbers)
        output = self.folder / f"run-{number}"
        result = self.folder / f"run-{number}.json"
        environ = devkit_environment(
            OMP_NUM_THREADS="1",
            NUPLAN_DATA_ROOT=str(self.data / "dataset"),
            NUPLAN_MAPS_ROOT=str(self.data / "dataset" / "maps"),
            NUPLAN_EXP_ROOT=str(output),
            **variables,
        )
        if "NUTRACE" in environ:
            environ["NUTRACE_OUTPUT"] = str(self.folder / f"trace-{number}.json")
        command = [*watch, str(devkit_python()), "-W", "ignore", TIMED, str(result), inner, devkit_script()]
        command += [*SETUPS[self.setup], *COMMON, "main_callback=[time_callback]"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        shutil.rmtree(output, ignore_errors=True)
        if not result.exists():
            raise SystemExit(f"{kind}: the run failed:\n{done.stderr[-2000:]}")
        return json.loads(result.read_text(encoding="utf-8")), done.stderr


def ratios(over: List[Dict[str, float]], under: List[Dict[str, float]], clock: str) -> List[float]:
    """Of the pairs, in order."""
    return sorted(one[clock] / other[clock] for one, other in zip(over, under))


_WARM_UP = 8  # steps
Step = Sequence[float]  # whether it was traced; its CPU and wall time in nanoseconds


def excess(pairs: List[Tuple[List[Step], List[Step]]], take: Callable[[Step], float]) -> Tuple[float, float]:
    """By how much traced steps are above untraced ones, and the standard error of that; both as parts of one.

    A step's log ratio between two runs is the excess, or its opposite, and how much slower the machine was
    in the one. Of a step and those two before and two after it, where it is the other way round, the latter
    falls out, and so does a change of it at a constant rate.

    Sources: the median of these threes; a median's standard error is 1.25 times that of the mean, a quartile
    of a normal distribution 0.674 deviations away, and as threes that follow each other share two steps,
    three of eight count.
    """
    found: List[float] = []
    for one, other in pairs:
        logs = [(1 if mine[0] else -1, math.log(take(mine) / take(yours))) for mine, yours in zip(one, other)]
        for at in range(_WARM_UP + 2, len(logs) - 2):
            (before, early), (same, _), (sign, ratio), _, (after, late) = logs[at - 2 : at + 3]
            if same == sign == -before == -after:
                found.append(sign * (2 * ratio - early - late) / 4)
    low, median, high = statistics.quantiles(found, n=4)
    error = 1.25 * (high - low) / (2 * 0.674) / math.sqrt(len(found) * 3 / 8)
    return math.expm1(median), error


def toggle(setup: str, agents: int, count: int) -> int:
    """Measure the same steps traced and not, print, judge."""
    pairs: List[Tuple[List[Step], List[Step]]] = []
    whole: List[Dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), setup, agents)
        for number in range(count):
            pairs.append((runs.one("toggled-0"), runs.one("toggled-1")))
            whole.append(runs.one("nutrace"))
            own, error = excess(pairs, lambda step: step[1])
            wall, wall_error = excess(pairs, lambda step: step[2])
            writing = statistics.median(run["others"] / (run["cpu"] - run["others"]) for run in whole)
            print(
                f"{setup}, {agents} agents, {number + 1} pairs: "
                f"steps' CPU {own:+.1%} (standard error {error:.1%}), "
                f"writing {writing:+.1%}, together {own + writing:+.1%}; "
                f"steps' wall time {wall:+.1%} (standard error {wall_error:.1%})",
                flush=True,
            )
    print(f"median overhead of nutrace: {own + writing:.1%} of a step's CPU time (at most {BUDGET:.0%})")
    return 0 if own + writing <= BUDGET else 1


def instructions(setup: str, agents: int) -> int:
    """Count the instructions of a run traced and of one not, print, judge."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), setup, agents)
        with ThreadPoolExecutor() as pool:
            plain, traced = pool.map(runs.instructions, ("plain", "nutrace"))
    print(f"{setup}, {agents} agents: {plain:,} instructions, traced {traced:,}")
    print(f"nutrace's: {traced / plain - 1:.2%} of the simulation part's (at most {BUDGET:.0%})")
    return 0 if traced / plain - 1 <= BUDGET else 1


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=sorted(SETUPS), default="idm")
    parser.add_argument("--agents", type=int, default=90)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peers", default="cProfile,py-spy", help=f"of {', '.join(PEERS)}; empty for none")
    parser.add_argument(
        "--toggle", type=int, metavar="N", help="compare steps with themselves, in N pairs of runs"
    )
    parser.add_argument("--instructions", action="store_true", help="count them in valgrind, for 20 minutes")
    args = parser.parse_args()
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    if args.instructions:
        if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
            parser.error("valgrind and its callgrind_control are not on PATH")
        return instructions(args.setup, args.agents)
    if args.toggle:
        return toggle(args.setup, args.agents, args.toggle)
    peers = [peer for peer in args.peers.split(",") if peer]
    if "py-spy" in peers and shutil.which("py-spy") is None:
        print("py-spy is not on PATH: left out")
        peers.remove("py-spy")
    seconds: Dict[str, List[Dict[str, float]]] = {kind: [] for kind in ("plain", "nutrace", *peers)}
    beside: Dict[str, List[Dict[str, float]]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), args.setup, args.agents)
        runs.one("plain")  # warms the disk cache
        for pair in range(args.pairs):
            order = ("plain", "nutrace") if pair % 2 else ("nutrace", "plain")
            for kind in order:
                seconds[kind].append(runs.one(kind))
            for peer in peers if pair % 2 == 0 else ():
                seconds[peer].append(runs.one(peer))
                beside[peer].append(seconds["plain"][-1])
            plain, traced = seconds["plain"][-1], seconds["nutrace"][-1]
            print(
                f"pair {pair + 1}: {plain['cpu']:.2f} s CPU, traced {traced['cpu'] / plain['cpu']:.3f}; "
                f"{plain['wall']:.2f} s wall, traced {traced['wall'] / plain['wall']:.3f}",
                flush=True,
            )
    print(f"\n{args.setup}, {args.agents} agents, {args.pairs} pairs")
    print("simulation part, ratio to the untraced run of the pair")
    print(
        f"{'':14s}{'CPU median':>12s}{'least':>8s}{'most':>8s}{'wall median':>13s}{'least':>8s}{'most':>8s}"
    )
    for kind in ("nutrace", *peers):
        cells = []
        for clock, width in (("cpu", 12), ("wall", 13)):
            found = ratios(seconds[kind], beside.get(kind, seconds["plain"]), clock)
            cells.append(f"{statistics.median(found):{width}.3f}{found[0]:8.3f}{found[-1]:8.3f}")
        print(f"{kind:14s}{''.join(cells)}")
    overhead = statistics.median(ratios(seconds["nutrace"], seconds["plain"], "cpu")) - 1
    print(f"median overhead of nutrace: {overhead:.1%} of CPU time (at most {BUDGET:.0%})")
    return 0 if overhead <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
