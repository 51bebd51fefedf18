"""Measure what tracing costs a whole simulation of the real devkit, beside other profilers.

    python tests/benchmarks/devkit_overhead.py [--setup idm|simple] [--pairs 7] [--peers cProfile,py-spy]
    python tests/benchmarks/devkit_overhead.py --sampling [--setup idm|simple] [--pairs 7]
    python tests/benchmarks/devkit_overhead.py --toggle 7 [--agents 20]
    python tests/benchmarks/devkit_overhead.py --instructions

The log is synthetic, with 90 agents and 23 traffic lights. With fewer agents a step is shorter, and the share
of tracing in it is larger. There are four ways to measure:

Pairs (the default). Each pair is an untraced and a traced run of the devkit's run_simulation.py. The time is
that of ``SimulationRunner.run``. Printed is the median over the pairs of the ratio traced to untraced, for
CPU time, which depends less on what else the machine does, and for wall time. Other profilers run with every
second pair.

``--sampling``. The same, with two more runs in each pair: one that is traced and sampled (NUTRACE_SAMPLE=1),
and one without nutrace that py-spy samples in the same way (100 Hz, idle threads as well). py-spy stops the
program to look at it, so what matters is wall time, and the machine has to be quiet: py-spy needs a core of
its own.

``--toggle N``, for a machine whose speed changes by more than the overhead from run to run. In N pairs of
runs tracing is switched on for two steps, off for two steps, and so on. Where it is on in one run of a pair,
it is off in the other. Both runs simulate the same, so each step is compared with itself. A difference in
speed between the two runs cancels out, because it makes a traced step slower in one place and an untraced
step in the next. Only the second step of each two is used: the first one profits from the switching, which
has just loaded nutrace into the processor's caches. Printed are

- the overhead of a step, in CPU and in wall time, as a median with its standard error;
- the CPU time of other threads, which is that of the recorder's writing thread, as a share of the CPU time of
  a third run that is traced from start to end;
- the sum of the two in CPU time, which is the result.

A step without tracing still runs the wrappers of the probes, which are switched off: about 1.5 us a call with
cold caches. The result does not contain this.

``--instructions``. valgrind counts the instructions of ``SimulationRunner.run`` in a traced and an untraced
run, including all writing. The count does not depend on the load of the machine, but does not show how long
the processor waits for memory. A program takes fifty times as long under valgrind, so the times after which
nutrace writes, and below which it merges spans, are fifty times as long as well. Two counts of the same run
differ by up to half a percent.

The exit code is 1 if the overhead is above 3 %. Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py;
py-spy and valgrind must be on PATH.
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
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import COMMON, SETUPS, devkit_environment, devkit_python, devkit_script, synthesize

BUDGET = 0.03
#: The arguments of `run_simulation`, by set-up. That of ``pdm`` is for tuplan_garage, on PYTHONPATH.
ALL_SETUPS = {
    **SETUPS,
    "pdm": (
        "planner=pdm_closed_planner",
        "+simulation=closed_loop_nonreactive_agents",
        "hydra.searchpath=[pkg://tuplan_garage.planning.script.config.common,"
        "pkg://tuplan_garage.planning.script.config.simulation,"
        "pkg://nuplan.planning.script.config.common,pkg://nuplan.planning.script.experiments]",
    ),
}
PEERS = ("cProfile", "py-spy", "pyinstrument")
#: Traced and sampled by nutrace; and sampled in the same way by py-spy alone.
SAMPLED = ("sampled", "py-spy --idle")
CALLGRIND = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=/dev/null"]
TIMED = str(Path(__file__).with_name("devkit_timed.py"))


class Run(NamedTuple):
    """What a run has left."""

    times: Any  # what devkit_timed wrote
    stderr: str
    trace: Path  # the run file, if it was traced
    output: Path  # the folder of the devkit's outputs


class Runs:
    """Runs of one set-up on one log.

    Parameters
    ----------
    folder:
        An empty folder, for data and outputs.
    setup:
        A key of :data:`ALL_SETUPS`.
    agents:
        Number of agents in the log.
    """

    def __init__(self, folder: Path, setup: str, agents: int) -> None:
        self.folder = folder
        self.setup = setup
        self.data = folder / "data"
        self.numbers = itertools.count()
        synthesize(self.data, "--agents", str(agents))

    def one(self, kind: str) -> Any:
        """Run once, and return what devkit_timed wrote.

        `kind` is ``plain``, ``nutrace``, ``toggled-0``, ``toggled-1``, one of :data:`SAMPLED`, or the name of
        another profiler.
        """
        inner = "none" if kind in ("plain", "nutrace", "py-spy", *SAMPLED) else kind
        watch: List[str] = []
        if kind.startswith("py-spy"):
            watch = [*kind.split(), "-r", "100", "-f", "raw", "-o", str(self.folder / "py-spy"), "--"]
            watch.insert(1, "record")
        variables = {"NUTRACE": "1"} if kind in ("nutrace", "sampled") or kind.startswith("toggled") else {}
        if kind == "sampled":
            variables["NUTRACE_SAMPLE"] = "1"
        run = self._run(kind, inner, watch, variables)
        if kind == "sampled" and " samples (py-spy " not in run.stderr:
            raise SystemExit(f"the run was not sampled by py-spy:\n{run.stderr[-2000:]}")
        return run.times

    def traced(self, kind: str) -> Run:
        """Run ``untraced-0`` or ``untraced-1``; the run file stays."""
        return self._run(kind, kind, [], {"NUTRACE": "1"})

    def outputs(self, kind: str) -> Path:
        """The folder of the devkit's outputs; `kind` is as above, or ``plain`` or ``nutrace``."""
        inner = kind if kind.startswith("untraced") else "none"
        return self._run(kind, inner, [], {} if kind == "plain" else {"NUTRACE": "1"}, keep=True).output

    def instructions(self, kind: str) -> int:
        """Count the instructions of a run; `kind` is ``plain`` or ``nutrace``."""
        variables = {"PYTHONHASHSEED": "0"}
        if kind == "nutrace":
            variables.update(NUTRACE="1", NUTRACE_FLUSH_SECONDS="50", NUTRACE_COMPRESS_US="10000")
        stderr = self._run(kind, "callgrind", CALLGRIND, variables).stderr
        collected = re.findall(r"Collected *: *(\d+)", stderr)
        if not collected:
            raise SystemExit(f"{kind}: valgrind counted nothing:\n{stderr[-2000:]}")
        return int(collected[-1])

    def _run(
        self, kind: str, inner: str, watch: List[str], variables: Dict[str, str], *, keep: bool = False
    ) -> Run:
        number = next(self.numbers)
        output = self.folder / f"run-{number}"
        result = self.folder / f"run-{number}.json"
        trace = self.folder / f"trace-{number}.json"
        environ = devkit_environment(
            OMP_NUM_THREADS="1",
            NUPLAN_DATA_ROOT=str(self.data / "dataset"),
            NUPLAN_MAPS_ROOT=str(self.data / "dataset" / "maps"),
            NUPLAN_EXP_ROOT=str(output),
            **variables,
        )
        if "NUTRACE" in environ:
            environ["NUTRACE_OUTPUT"] = str(trace)
        command = [*watch, str(devkit_python()), "-W", "ignore", TIMED, str(result), inner, devkit_script()]
        command += [*ALL_SETUPS[self.setup], *COMMON, *(() if keep else ("main_callback=[time_callback]",))]
        done = subprocess.run(command, env=environ, capture_output=True, text=True)
        if not keep:
            shutil.rmtree(output, ignore_errors=True)
        if not result.exists():
            raise SystemExit(f"{kind}: the run failed:\n{done.stderr[-2000:]}")
        return Run(json.loads(result.read_text(encoding="utf-8")), done.stderr, trace, output)


def ratios(over: List[Dict[str, float]], under: List[Dict[str, float]], clock: str) -> List[float]:
    """Return the ratios of the pairs, sorted."""
    return sorted(one[clock] / other[clock] for one, other in zip(over, under))


WARM_UP = 8  # steps
Step = Sequence[float]  # whether it was traced; its CPU and wall time in nanoseconds


def excess(pairs: List[Tuple[List[Step], List[Step]]], take: Callable[[Step], float]) -> Tuple[float, float]:
    """Return the overhead of traced steps and its standard error, both as fractions.

    For each step, take the logarithm of the ratio of its times in the two runs. It is plus or minus the
    overhead, depending on which run was traced at that step, plus the difference in speed between the two
    runs. For a step s, and the steps s - 2 and s + 2 at which the other run was traced, the combination
    ``(2 * ratio(s) - ratio(s - 2) - ratio(s + 2)) / 4`` is plus or minus the overhead; a difference in speed
    that is constant, or changes at a constant rate, cancels out.

    The overhead is the median of these combinations. The standard error of a median is 1.25 times that of a
    mean, the quartiles of a normal distribution lie 0.674 standard deviations from its mean, and since
    neighbouring combinations share steps, only three of eight are counted as independent.
    """
    estimates: List[float] = []
    for one, other in pairs:
        logs = [(1 if mine[0] else -1, math.log(take(mine) / take(yours))) for mine, yours in zip(one, other)]
        for at in range(WARM_UP + 2, len(logs) - 2):
            (before, early), (same, _), (sign, ratio), _, (after, late) = logs[at - 2 : at + 3]
            if same == sign == -before == -after:
                estimates.append(sign * (2 * ratio - early - late) / 4)
    low, median, high = statistics.quantiles(estimates, n=4)
    error = 1.25 * (high - low) / (2 * 0.674) / math.sqrt(len(estimates) * 3 / 8)
    return math.expm1(median), error


def toggle(setup: str, agents: int, count: int) -> int:
    """Compare steps with and without tracing; print the overhead and return the exit code."""
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
    """Count the instructions with and without tracing; print the overhead and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), setup, agents)
        with ThreadPoolExecutor() as pool:
            plain, traced = pool.map(runs.instructions, ("plain", "nutrace"))
    print(f"{setup}, {agents} agents: {plain:,} instructions, traced {traced:,}")
    print(f"overhead of nutrace: {traced / plain - 1:.2%} of the instructions (at most {BUDGET:.0%})")
    return 0 if traced / plain - 1 <= BUDGET else 1


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=sorted(ALL_SETUPS), default="idm")
    parser.add_argument("--agents", type=int, default=90)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--peers", default="cProfile,py-spy", help=f"other profilers, of {', '.join(PEERS)}")
    parser.add_argument(
        "--sampling", action="store_true", help="compare with sampled runs, instead of other profilers"
    )
    parser.add_argument(
        "--toggle", type=int, metavar="N", help="switch tracing on and off between steps, in N pairs of runs"
    )
    parser.add_argument(
        "--instructions", action="store_true", help="count instructions with valgrind; takes 20 minutes"
    )
    args = parser.parse_args()
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    if args.instructions:
        if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
            parser.error("valgrind and its callgrind_control are not on PATH")
        return instructions(args.setup, args.agents)
    if args.toggle:
        return toggle(args.setup, args.agents, args.toggle)
    peers = list(SAMPLED) if args.sampling else [peer for peer in args.peers.split(",") if peer]
    if shutil.which("py-spy") is None and any(peer.startswith("py-spy") for peer in peers):
        if args.sampling:
            parser.error("py-spy is not on PATH")
        print("py-spy is not on PATH: left out")
        peers.remove("py-spy")
    seconds: Dict[str, List[Dict[str, float]]] = {kind: [] for kind in ("plain", "nutrace", *peers)}
    beside: Dict[str, List[Dict[str, float]]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), args.setup, args.agents)
        runs.one("plain")  # reads everything into the disk cache
        for pair in range(args.pairs):
            order = ("plain", "nutrace") if pair % 2 else ("nutrace", "plain")
            for kind in order:
                seconds[kind].append(runs.one(kind))
            for peer in peers if pair % 2 == 0 or args.sampling else ():
                seconds[peer].append(runs.one(peer))
                beside[peer].append(seconds["plain"][-1])
            plain, traced = seconds["plain"][-1], seconds["nutrace"][-1]
            print(
                f"pair {pair + 1}: {plain['cpu']:.2f} s CPU, traced {traced['cpu'] / plain['cpu']:.3f}; "
                f"{plain['wall']:.2f} s wall, traced {traced['wall'] / plain['wall']:.3f}",
                flush=True,
            )
    print(f"\n{args.setup}, {args.agents} agents, {args.pairs} pairs")
    print("time of SimulationRunner.run, as a ratio to the untraced run of the pair")
    print(
        f"{'':14s}{'CPU median':>12s}{'least':>8s}{'most':>8s}{'wall median':>13s}{'least':>8s}{'most':>8s}"
    )
    for kind in ("nutrace", *peers):
        cells = []
        for clock, width in (("cpu", 12), ("wall", 13)):
            each = ratios(seconds[kind], beside.get(kind, seconds["plain"]), clock)
            cells.append(f"{statistics.median(each):{width}.3f}{each[0]:8.3f}{each[-1]:8.3f}")
        print(f"{kind:14s}{''.join(cells)}")
    overhead = statistics.median(ratios(seconds["nutrace"], seconds["plain"], "cpu")) - 1
    print(f"median overhead of nutrace: {overhead:.1%} of CPU time (at most {BUDGET:.0%})")
    return 0 if overhead <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
