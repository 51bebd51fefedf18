"""Measure how far off `nutrace advise` is: make the change that each finding proposes, and compare.

    python tests/benchmarks/advice_error.py [--setup simple|idm] [--log unindexed|indexed|both] [--rounds 3]

Traces the devkit's run_simulation.py on a synthetic log with 90 agents and 23 traffic lights, as it is and
with each change: the indexes that are advised, made in a copy of the log, one by one and together; speedups;
a lower level; callbacks left out; a higher threshold of the garbage collector. Each round runs every
configuration once.

Prints a Markdown table: what was predicted (likely, and at best; the change alone), what was measured, and
measured over predicted. What a change saves in simulations is measured in the CPU time of
SimulationRunner.run, as other programs delay a run more than they make it work: a prediction is taken as a
part of the simulation's time in its own run, of the CPU time of the run without the change in the same round.
What it saves elsewhere is the time of the spans that are left out. Medians over the rounds.
Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import DefaultDict, Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import COMMON, SETUPS, devkit_environment, devkit_python, run_python, simulate

from nutrace import semconv
from nutrace.advice import advise
from nutrace.advice.facts import Facts
from nutrace.analysis import divide
from nutrace.analysis.regions import Region
from nutrace.plans import make
from nutrace.trace import Trace, load

BASE = ""
TIMED = str(Path(__file__).with_name("devkit_timed.py"))
PICTURES = (
    "main_callback=[time_callback,metric_file_callback,metric_aggregator_callback,metric_summary_callback]"
)
WITHOUT = next(word for word in COMMON if word.startswith("main_callback="))


@dataclass(frozen=True)
class Change:
    """What makes the change that findings of a kind propose."""

    kind: str
    variables: Dict[str, str] = field(default_factory=dict)
    words: Tuple[str, ...] = ()
    indexes: Tuple[int, ...] = ()  # those to make, in the order in which they are advised


SPEEDUPS = {
    "row_cache": "repeats",
    "scenario_prefetch": "frames",
    "connection_pool": "connections",
    "propagation": "pauses",
}
CHANGES = {
    "unindexed": {
        "index 1": Change("indexes", indexes=(0,)),
        "index 2": Change("indexes", indexes=(1,)),
        "both indexes": Change("indexes", indexes=(0, 1)),
        **{name: Change(kind, {"NUTRACE_SPEEDUPS": name}) for name, kind in list(SPEEDUPS.items())[:3]},
    },
    "indexed": {
        **{name: Change(kind, {"NUTRACE_SPEEDUPS": name}) for name, kind in SPEEDUPS.items()},
        "level": Change("level", {"NUTRACE_LEVEL": "coarse"}),
        "no log": Change("simulation_log", words=("~callback.simulation_log_callback",)),
        "no pictures": Change("rendering", words=(WITHOUT,)),
        "seldom": Change("start"),
    },
}


@dataclass
class Measured:
    """One run: CPU time of its simulation, and the times of spans elsewhere, by kind of finding."""

    cpu_ns: float
    elsewhere: Dict[str, int]


def measured(trace: Trace, cpu: Path) -> Measured:
    """Read a run's figures."""
    regions = divide(trace)
    elsewhere: DefaultDict[str, int] = defaultdict(int)
    inside = simulated(trace)
    for span, name in enumerate(trace.name):
        if trace[span].function.endswith("MetricSummaryCallback.on_run_simulation_end"):
            elsewhere["rendering"] += trace.busy_ns[span]
        elif name == semconv.GC_SPAN and regions.region[span] == Region.OUTSIDE and not inside[span]:
            elsewhere["start"] += trace.self_ns[span]
    return Measured(json.loads(cpu.read_text())["cpu"] * 1e9, dict(elsewhere))


def simulated(trace: Trace) -> bytearray:
    """For each span whether it lies in a simulation."""
    inside = bytearray(len(trace))
    for span, name in enumerate(trace.name):
        if name == semconv.RUN_SPAN:
            end = trace.subtree_end[span]
            inside[span:end] = b"\1" * (end - span)
    return inside


@dataclass(frozen=True)
class Foretold:
    """What the advice on a run says of a change, in ns: at best and likely, in simulations and elsewhere."""

    at_best: float
    likely: float
    at_best_elsewhere: float
    likely_elsewhere: float
    simulation_ns: int


def foretold(trace: Trace, change: Change) -> Optional[Foretold]:
    """The advice on a run; None if it does not propose the change."""
    advice = advise(Facts("run.json", trace, trace))
    found = [each for each in (*advice.in_steps, *advice.around, *advice.small) if each.kind == change.kind]
    found.sort(key=lambda each: -each.alone.run_ns)
    found = [found[at] for at in change.indexes if at < len(found)] if change.indexes else found[:1]
    if not found:
        return None
    inside = simulated(trace)
    sums = [0.0, 0.0, 0.0, 0.0]
    for each in found:
        for span, time in each.finding.saves.items():
            at = 0 if inside[span] else 2
            sums[at] += time
            sums[at + 1] += time * each.finding.likely_part
    whole = sum(trace.busy_ns[span] for span, name in enumerate(trace.name) if name == semconv.RUN_SPAN)
    return Foretold(*sums, whole)


def run(
    data: Path, setup: str, change: Optional[Change], folder: Path, words: Sequence[str]
) -> Tuple[Path, Path]:
    """Simulate; return the run file, and the file with the CPU time of the simulation."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    out = folder / "run.json"
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(out), "NUTRACE_SUMMARY": "0"}
    if change is not None:
        variables.update(change.variables)
        over = {word.partition("=")[0] for word in change.words}
        words = [*(word for word in words if word.partition("=")[0] not in over), *change.words]
        if change.kind == "start":
            seldom = folder / "seldom"
            seldom.mkdir()
            (seldom / "sitecustomize.py").write_text("import gc\ngc.set_threshold(100_000, 50, 50)\n")
            paths = devkit_environment()["PYTHONPATH"]
            variables["PYTHONPATH"] = f"{seldom}:{paths}"
    runner = [TIMED, str(folder / "cpu.json"), "none"]
    done = simulate(data, folder / "out", setup, runner=runner, words=words, lengths=(), **variables)
    if done.returncode:
        raise SystemExit(f"{change or 'base'}: the run failed:\n{done.stderr[-2000:]}")
    return out, folder / "cpu.json"


def log_of(data: Path) -> Path:
    """The log in a folder that ``nutrace synth`` wrote."""
    return next(data.rglob("*.db"))


def copied(data: Path, to: Path, ddl: Sequence[str]) -> Path:
    """A copy of the data in which indexes are made."""
    shutil.copytree(data, to, symlinks=True)
    list(make(str(log_of(to)), ddl))
    return to


def row(name: str, change: Change, base: List[Measured], other: List[Measured], told: List[Foretold]) -> str:
    """A line of the table."""
    if not told:
        return f"| {name} | {change.kind} | not advised | | | | |"
    if change.kind in ("rendering", "start"):
        rounds = [
            (
                each.likely_elsewhere,
                each.at_best_elsewhere,
                one.elsewhere[change.kind] - then.elsewhere.get(change.kind, 0),
            )
            for each, one, then in zip(told, base, other)
        ]
    else:
        rounds = [
            (
                each.likely / each.simulation_ns * one.cpu_ns,
                each.at_best / each.simulation_ns * one.cpu_ns,
                one.cpu_ns - then.cpu_ns,
            )
            for each, one, then in zip(told, base, other)
        ]
    likely, best, saved = (statistics.median(column) for column in zip(*rounds))
    of_likely = statistics.median([true / most for most, _, true in rounds if most] or [0.0])
    of_best = statistics.median([true / most for _, most, true in rounds if most] or [0.0])
    return (
        f"| {name} | {change.kind} | {likely / 1e6:,.0f} | {best / 1e6:,.0f} | {saved / 1e6:,.0f} | "
        f"{of_likely:.2f} | {of_best:.2f} |"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=sorted(SETUPS), default="simple")
    parser.add_argument("--log", choices=[*CHANGES, "both"], default="both")
    parser.add_argument("--only", default="", help="names of changes, separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=510, help="length of the log")
    args = parser.parse_args()
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        command = ["-m", "nutrace.cli.main", "synth", str(top / "unindexed"), "--no-indexes"]
        command += ["--seconds", str(args.seconds), "--agents", "90", "--traffic-lights", "23"]
        done = run_python(command, devkit_environment())
        if done.returncode:
            parser.error(done.stderr)
        first = load(run(top / "unindexed", args.setup, None, top / "run", ())[0])
        missing = Facts("run.json", first, first).plans.indexes
        ddl = [index.advice.ddl for index in missing]
        copied(top / "unindexed", top / "indexed", ddl)
        for log in CHANGES if args.log == "both" else (args.log,):
            compare(top, log, args, ddl)
    return 0


def compare(top: Path, log: str, args: argparse.Namespace, ddl: Sequence[str]) -> None:
    """Run all configurations on one log, and print the table."""
    wanted = args.only.split(",") if args.only else list(CHANGES[log])
    changes: Dict[str, Optional[Change]] = {BASE: None}
    changes.update({name: change for name, change in CHANGES[log].items() if name in wanted})
    words = [PICTURES] if "no pictures" in changes else []
    figures: DefaultDict[str, List[Measured]] = defaultdict(list)
    told: DefaultDict[str, List[Foretold]] = defaultdict(list)
    for number in range(args.rounds):
        for name, change in changes.items():
            data = top / log
            if change is not None and change.indexes:
                data = top / f"with {change.indexes}"
                if not data.exists():
                    copied(top / log, data, [ddl[each] for each in change.indexes])
            out, cpu = run(data, args.setup, change, top / "run", words)
            trace = load(out)
            figures[name].append(measured(trace, cpu))
            if change is None:
                for other, made in changes.items():
                    said = None if made is None else foretold(trace, made)
                    if said is not None:
                        told[other].append(said)
            spent = f"{figures[name][-1].cpu_ns / 1e9:.2f} s CPU"
            print(f"round {number + 1}, {name or 'base'}: {spent}", file=sys.stderr, flush=True)
    print(f"\n{args.setup}, {log} log of {args.seconds} s, {args.rounds} rounds; ms in the run\n")
    print("| change | finding | likely | at best | measured | of likely | of best |")
    print("| --- | --- | --: | --: | --: | --: | --: |")
    for name, change in changes.items():
        if change is not None:
            print(row(name, change, figures[BASE], figures[name], told[name]), flush=True)


if __name__ == "__main__":
    sys.exit(main())
