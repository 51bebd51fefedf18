"""Measure how far off `nutrace advise` is: make the change that each finding proposes, and compare.

    python tests/benchmarks/advice_error.py [--setup simple|idm] [--log unindexed|indexed|both] [--rounds 3]

Traces the devkit's run_simulation.py on a synthetic log with 90 agents and 23 traffic lights, as it is and
with each change: the indexes that are advised, made in a copy of the log, one by one and together; speedups;
a lower level; callbacks left out; a higher threshold of the garbage collector. Each round runs every
configuration once.

Prints a Markdown table: what was predicted (likely, and at best; the change alone), what was measured, and
measured over predicted. Times of steps are without garbage collections, except for the finding that is about
these. Other work on the machine only adds to times, so that of each step, and of each prediction, the
smallest of the rounds counts. What is saved around the steps is measured in the spans that are left out.
Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import DefaultDict, Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import COMMON, SETUPS, devkit_environment, devkit_python, run_python, simulate

from nutrace import semconv
from nutrace.advice import Advice, advise
from nutrace.advice.facts import Facts
from nutrace.analysis import divide
from nutrace.analysis.regions import Region
from nutrace.plans import make
from nutrace.trace import Trace, load

BASE = ""
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
    """One run: the steps by iteration, in ns, without collections and with them; and the run around them."""

    steps: List[int]
    with_collections: List[int]
    around: Dict[str, int]
    statements_ns: int


def measured(trace: Trace) -> Measured:
    """Read a run's figures."""
    regions = divide(trace)
    with_collections = [trace.busy_ns[step] for step in regions.steps]
    steps = []
    for step in regions.steps:
        collecting = sum(
            trace.self_ns[span]
            for span in range(step, trace.subtree_end[step])
            if trace.component[span] == "gc"
        )
        steps.append(trace.busy_ns[step] - collecting)
    around: DefaultDict[str, int] = defaultdict(int)
    for span, name in enumerate(trace.name):
        function = trace[span].function if "callback" in name else ""
        if name == "serialization.save_log":
            around["simulation_log"] += trace.busy_ns[span]
        elif function.endswith("MetricSummaryCallback.on_run_simulation_end"):
            around["rendering"] += trace.busy_ns[span]
        elif name == semconv.GC_SPAN and regions.region[span] == Region.OUTSIDE:
            around["start"] += trace.self_ns[span]
    statements = sum(
        trace.self_ns[span]
        for span, name in enumerate(trace.name)
        if name == semconv.STATEMENT_SPAN and regions.region[span] == Region.INSIDE
    )
    return Measured(steps, with_collections, dict(around), statements)


def run(data: Path, setup: str, change: Optional[Change], folder: Path, words: Sequence[str]) -> Path:
    """Simulate on a copy of `data`; return the run file."""
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
    done = simulate(data, folder / "out", setup, words=words, **variables)
    if done.returncode:
        raise SystemExit(f"{change or 'base'}: the run failed:\n{done.stderr[-2000:]}")
    return out


def log_of(data: Path) -> Path:
    """The log in a folder that ``nutrace synth`` wrote."""
    return next(data.rglob("*.db"))


def copied(data: Path, to: Path, ddl: Sequence[str]) -> Path:
    """A copy of the data in which indexes are made."""
    shutil.copytree(data, to, symlinks=True)
    list(make(str(log_of(to)), ddl))
    return to


def predictions(advice: Advice, kind: str, at: Sequence[int]) -> List[Tuple[float, float, float, float]]:
    """Likely and at best for each finding of a kind: ns a step, ns in the run."""
    found = [each for each in (*advice.in_steps, *advice.around, *advice.small) if each.kind == kind]
    found.sort(key=lambda each: -each.alone.run_ns)
    found = [found[number] for number in at if number < len(found)] if at else found[:1]
    return [
        (
            each.alone.step_ns,
            each.alone.step_ns / each.finding.likely_part,
            each.alone.run_ns,
            each.alone.run_ns / each.finding.likely_part,
        )
        for each in found
    ]


def row(
    name: str, change: Change, base: List[Measured], other: List[Measured], foretold: List[Advice]
) -> str:
    """A line of the table."""
    sums = [
        [sum(column) for column in zip(*predictions(advice, change.kind, change.indexes))]
        for advice in foretold
    ]
    sums = [each for each in sums if each]
    if not sums:
        return f"| {name} | {change.kind} | not advised | | | | |"
    likely_step, best_step, likely_run, best_run = (min(column) for column in zip(*sums))
    if change.kind in ("simulation_log", "rendering", "start"):
        saved = min(one.around.get(change.kind, 0) for one in base) - min(
            one.around.get(change.kind, 0) for one in other
        )
        likely, best, unit = likely_run, best_run, "run"
    else:
        attribute = "with_collections" if change.kind == "pauses" else "steps"
        saved_of = [[getattr(one, attribute) for one in side] for side in (base, other)]
        if change.kind == "pauses":  # a collection strikes any step: the mean of each run
            means = [[sum(steps) / len(steps) for steps in side] for side in saved_of]
            saved = min(means[0]) - min(means[1])
        else:
            least = [[min(times) for times in zip(*side)] for side in saved_of]
            saved = sum(least[0]) / len(least[0]) - sum(least[1]) / len(least[1])
        likely, best, unit = likely_step, best_step, "step"
    return (
        f"| {name} | {change.kind} | {likely / 1e6:.2f} | {best / 1e6:.2f} | {saved / 1e6:.2f} ms a {unit} | "
        f"{saved / likely if likely else 0:.2f} | {saved / best if best else 0:.2f} |"
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
        first = load(run(top / "unindexed", args.setup, None, top / "run", ()))
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
    foretold: List[Advice] = []
    for number in range(args.rounds):
        for name, change in changes.items():
            data = top / log
            if change is not None and change.indexes:
                data = top / f"with {change.indexes}"
                if not data.exists():
                    copied(top / log, data, [ddl[each] for each in change.indexes])
            trace = load(run(data, args.setup, change, top / "run", words))
            figures[name].append(measured(trace))
            if name == BASE:
                foretold.append(advise(Facts("run.json", trace, trace)))
            one = figures[name][-1]
            mean = sum(one.steps) / len(one.steps) / 1e6
            print(f"round {number + 1}, {name or 'base'}: {mean:.2f} ms a step", file=sys.stderr, flush=True)
    print(f"\n{args.setup}, {log} log of {args.seconds} s, {args.rounds} rounds\n")
    print("| change | finding | likely ms | at best ms | measured | of likely | of best |")
    print("| --- | --- | --: | --: | --: | --: | --: |")
    for name, change in changes.items():
        if change is not None:
            print(row(name, change, figures[BASE], figures[name], foretold), flush=True)


if __name__ == "__main__":
    sys.exit(main())
