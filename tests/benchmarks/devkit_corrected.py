"""Compare the steps that nutrace reports with the same steps of the real devkit without nutrace.

    python tests/benchmarks/devkit_corrected.py [--setup idm|pdm|simple] [--pairs 7] [--raw FILE]
    python tests/benchmarks/devkit_corrected.py --from FILE...

The question is whether what nutrace takes out of a run for its own cost is what it costs. In pairs of runs
tracing is switched on for two steps, off for two steps, and so on. Where it is on in one run of a pair, it is
off in the other. Both simulate the same, so each step is known twice: from the run file, as reported and as
recorded (``--raw``), and without tracing, from a timer that is read where the step begins and ends. Where
tracing is off, the program's own functions are back in their places. A difference in speed between the two
runs cancels out. Only the second step of each two is used: the first one pays for the switching. The two runs
of a pair take turns in going first.

Printed are, for the steps without tracing, the traced ones by the same timer, as recorded, and as reported:

- mean and 95th percentile (nearest rank) over the steps of all pairs, in ms of wall time;
- how far these are from those without tracing, and the least and the most that a pair alone gives;
- how far a step is from itself, as a median with its standard error (see ``devkit_overhead.py --toggle``).

The same is printed for the CPU time of the steps' thread by the timer, as it is and less what nutrace takes
out: that depends less on what else the machine does.

What the timer says of traced steps includes the waiting at a step's end for what is written there, which no
step's span contains. What the program has made before the first step is frozen (``gc.freeze``) in all runs: a
full collection takes as long as twenty steps, and would strike in some.

Before that, the simulation runs untraced twice, traced, and with tracing switched on and off, and outputs are
compared. They have to be equal, floats bit for bit; or but for the last bits of floats, if those of the
untraced runs are.

The exit code is 1 if the outputs differ, or if the reported mean or 95th percentile is farther than 1 % from
that without tracing. Needs a quiet machine, and NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py. `pdm`
needs tuplan_garage on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from operator import attrgetter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from devkit import devkit_environment, devkit_python
from devkit_overhead import ALL_SETUPS, WARM_UP, Runs, excess

import nutrace
from nutrace.percentiles import percentile

LIMIT = 0.01
#: How far numbers of untraced runs may be apart: numpy adds in an order that depends on where memory is.
LAST_BITS = 1e-9
OUTPUTS = str(Path(__file__).parents[1] / "devkit_outputs.py")


class Step(NamedTuple):
    """A step of a run; in one that is not traced all wall times are the timer's."""

    is_traced: bool
    cpu_ns: int  # of its thread, by the timer
    wall_ns: int  # by the timer
    recorded_ns: int
    reported_ns: int

    @property
    def corrected_cpu_ns(self) -> int:
        """CPU time without what nutrace takes out."""
        return self.cpu_ns - (self.recorded_ns - self.reported_ns)


Steps = List[Step]
Pairs = Sequence[Sequence[Steps]]
Clock = Callable[[Step], int]

REPORTED = "nutrace report"
CLOCKS: Dict[str, Dict[str, Clock]] = {
    "wall": {
        "traced, by the timer": attrgetter("wall_ns"),
        "nutrace report --raw": attrgetter("recorded_ns"),
        REPORTED: attrgetter("reported_ns"),
    },
    "CPU": {
        "traced, by the timer": attrgetter("cpu_ns"),
        "less what is taken out": attrgetter("corrected_cpu_ns"),
    },
}


def measured(runs: Runs, phase: int) -> Steps:
    """Run once, and read the run file in both ways."""
    run = runs.traced(f"untraced-{phase}")
    file = run.trace
    raw, trace = nutrace.load(file, raw=True), nutrace.load(file)
    recorded = iter([raw.busy_ns[step] for step in raw.step_indices])
    reported = iter([trace.busy_ns[step] for step in trace.step_indices])
    steps: Steps = []
    for is_traced, cpu_ns, wall_ns in run.times:
        both = (next(recorded), next(reported)) if is_traced else (wall_ns, wall_ns)
        steps.append(Step(is_traced, cpu_ns, wall_ns, *both))
    if any(True for _ in recorded) or any(True for _ in reported):
        raise SystemExit(f"{file} has more steps than were traced")
    if not trace.correction:
        print(f"{file}: nothing was taken out", file=sys.stderr)
    file.unlink()
    return steps


def used(pairs: Pairs, clock: Clock, is_traced: bool) -> List[int]:
    """The times of the second step of each two, with tracing or without."""
    runs = [run for pair in pairs for run in pair]
    return [clock(step) for run in runs for step in run[WARM_UP + 2 : -2 : 2] if step.is_traced == is_traced]


def apart(pairs: Pairs, clock: Clock, take: Callable[[List[int]], float]) -> float:
    """How far `take` of the traced steps is from that of the others, as a fraction."""
    return take(used(pairs, clock, True)) / take(used(pairs, clock, False)) - 1


def p95(values: List[int]) -> float:
    """The 95th percentile."""
    return float(percentile(values, 95))


def table(title: str, pairs: Pairs) -> bool:
    """Print what all pairs say; returns whether reported steps are near enough."""
    near = True
    steps = len(used(pairs, CLOCKS["wall"][REPORTED], True))
    print(f"\n{title}: {len(pairs)} pairs of runs, {steps:,} steps with tracing and the same without")
    for of, rows in CLOCKS.items():
        without = used(pairs, next(iter(rows.values())), False)
        more = "    apart            pairs"
        print(f"{f'ms of {of} time':22s}{'mean':>10s}{more}{'p95':>13s}{more}  a step")
        print(
            f"{'untraced, by the timer':22s}{statistics.fmean(without) / 1e6:10.3f}{p95(without) / 1e6:39.3f}"
        )
        for name, clock in rows.items():
            cells = ""
            for take, width in ((statistics.fmean, 10), (p95, 13)):
                alone = [apart([pair], clock, take) for pair in pairs]
                cells += f"{take(used(pairs, clock, True)) / 1e6:{width}.3f}{apart(pairs, clock, take):+9.2%}"
                cells += f"{min(alone):+9.2%}{max(alone):+8.2%}"
                near = near and (name != REPORTED or abs(apart(pairs, clock, take)) <= LIMIT)
            typical, error = excess([(one, other) for one, other in pairs], clock)
            print(f"{name:22s}{cells}  {typical:+.2%} (standard error {error:.2%})")
    return near


def outputs_are_equal(runs: Runs) -> bool:
    """Whether a simulation does the same untraced, traced, and with tracing switched on and off."""
    untraced = outputs(runs, "plain")
    if not untraced["simulations"] or not untraced["metrics"]:
        raise SystemExit("the simulation has no outputs to compare")
    steps = sum(len(simulation["iteration"]) for simulation in untraced["simulations"])
    print(f"outputs of {steps} steps and {len(untraced['metrics'])} metrics, beside those of an untraced run")
    allowed = 0.0
    equal = True
    for kind in ("plain", "nutrace", "untraced-0"):
        apart = list(unequal(untraced, outputs(runs, kind)))
        largest = max(apart, default=0.0)
        if kind == "plain" and largest:
            allowed = LAST_BITS
        equal = equal and largest <= allowed
        print(
            f"  {kind}: {f'{len(apart)} differ, by {largest:.1g} of their value' if apart else 'equal'}",
            flush=True,
        )
    return equal


def outputs(runs: Runs, kind: str) -> Any:
    """What devkit_outputs says of a run."""
    done = subprocess.run(
        [str(devkit_python()), "-W", "ignore", OUTPUTS, str(runs.outputs(kind))],
        env=devkit_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the outputs of {kind} cannot be read:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def unequal(one: Any, other: Any) -> Iterator[float]:
    """By which part of their value numbers differ; infinity for anything else that does."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        one, other = list(one.values()), [other[key] for key in one]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for each, counterpart in zip(one, other):
            yield from unequal(each, counterpart)
        return
    try:
        first, second = float.fromhex(one), float.fromhex(other)
        apart = abs(first - second) / max(abs(first), abs(second))
        yield apart if apart == apart else math.inf
    except (TypeError, ValueError, ZeroDivisionError):
        yield math.inf


def measure(args: argparse.Namespace) -> Tuple[bool, Dict[str, Any]]:
    """Run the pairs; returns whether the outputs are equal, and the raw values."""
    values: Dict[str, Any] = {"setup": args.setup, "agents": args.agents, "pairs": []}
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder), args.setup, args.agents)
        equal = outputs_are_equal(runs)
        for number in range(args.pairs):
            order = (0, 1) if number % 2 else (1, 0)
            pair = {phase: measured(runs, phase) for phase in order}
            values["pairs"].append([pair[0], pair[1]])
            if args.raw:
                args.raw.write_text(json.dumps(values), encoding="utf-8")
            last = values["pairs"][-1:]
            mean, tail = (apart(last, CLOCKS["wall"][REPORTED], take) for take in (statistics.fmean, p95))
            print(f"pair {number + 1}: reported mean {mean:+.2%}, p95 {tail:+.2%} from untraced", flush=True)
    return equal, values


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=sorted(ALL_SETUPS), default="idm")
    parser.add_argument("--agents", type=int, default=90)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--raw", type=Path, metavar="FILE", help="write the times of all steps, as JSON")
    parser.add_argument(
        "--from", dest="files", nargs="+", type=Path, metavar="FILE", help="print what was measured before"
    )
    args = parser.parse_args()
    if args.files:
        near = True
        for file in args.files:
            known = json.loads(file.read_text(encoding="utf-8"))
            pairs = [[[Step(*step) for step in run] for run in pair] for pair in known["pairs"]]
            near = table(f"{known['setup']}, {known['agents']} agents", pairs) and near
        return 0 if near else 1
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    equal, values = measure(args)
    near = table(f"{args.setup}, {args.agents} agents", values["pairs"])
    return 0 if equal and near else 1


if __name__ == "__main__":
    sys.exit(main())
