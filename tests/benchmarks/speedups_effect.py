"""Measure what each speedup saves on the real devkit, alone and all together, with and without indexes.

    python tests/benchmarks/speedups_effect.py [--setup simple|idm|both] [--rounds 3] [--seconds 510]

Traces the devkit's run_simulation.py on a synthetic log with 90 agents and 23 traffic lights: without
speedups, with each speedup alone, and with all of them. Each round runs every configuration once, so that a
slow period of the machine affects all of them. Each run has its own copy of the log, so that it does not see
what an earlier run wrote into it or beside it.

Prints a Markdown table of medians over the rounds, taken from the spans: the mean time of a step, its ratio
to the run without speedups in the same round, the median time of a step, the time of the simulation including
its initialization, statements and connections a step, the time of statements a step, and connections a run.
Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import SETUPS, devkit_environment, devkit_python, run_python, simulate

from nutrace import semconv
from nutrace.analysis.database import database
from nutrace.analysis.report import report
from nutrace.speedups.registry import SPEEDUPS
from nutrace.trace import load

STOCK, ALL = "", "all"
LOGS = {"indexed": (), "unindexed": ("--no-indexes",)}


@dataclass(frozen=True)
class Run:
    """The figures of one run."""

    step_ms: float  # mean
    median_ms: float  # of the steps
    simulation_s: float
    statements: float  # a step
    connections: float  # a step
    opened: int  # connections in the whole run
    statements_ms: float  # a step


def run(data: Path, setup: str, names: str, folder: Path) -> Run:
    """Simulate on a copy of `data`, and return the figures."""
    folder.mkdir()
    shutil.copytree(data, folder / "data", symlinks=True)
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(folder / "run.json"), "NUTRACE_SUMMARY": "0"}
    if names:
        variables["NUTRACE_SPEEDUPS"] = names
    done = simulate(folder / "data", folder / "out", setup, lengths=(), **variables)
    if done.returncode:
        raise SystemExit(f"{names or 'stock'}: the run failed:\n{done.stderr[-2000:]}")
    trace = load(folder / "run.json")
    queried, costs = database(trace), report(trace)
    simulations = [each.total_ns for each in costs.spans if each.name == semconv.RUN_SPAN]
    shutil.rmtree(folder)
    return Run(
        step_ms=costs.steps.mean_ns / 1e6,
        median_ms=costs.steps.p50_ns / 1e6,
        simulation_s=sum(simulations) / 1e9,
        statements=queried.in_steps.count / queried.steps,
        connections=queried.connections.opened_in_steps / queried.steps,
        opened=queried.connections.opened,
        statements_ms=queried.in_steps.total_ns / 1e6 / queried.steps,
    )


def synthesize(folder: Path, seconds: int, *options: str) -> Path:
    """Write a log and maps with ``nutrace synth``."""
    command = ["-m", "nutrace.cli.main", "synth", str(folder), "--seconds", str(seconds)]
    done = run_python([*command, "--agents", "90", "--traffic-lights", "23", *options], devkit_environment())
    if done.returncode:
        raise SystemExit(done.stderr)
    return folder


def table(runs: Dict[str, List[Run]]) -> str:
    """Return the table, with one row for each configuration."""

    def median(values: List[float]) -> float:
        return statistics.median(values)

    lines = [
        "| speedups | step ms | of stock | p50 ms | simulation s | statements/step | connections/step | "
        "connections/run | statements ms/step |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for names, rounds in runs.items():
        ratio = median([one.step_ms / stock.step_ms for one, stock in zip(rounds, runs[STOCK])])
        lines.append(
            f"| {f'`{names}`' if names else 'none (stock)'} | "
            f"{median([each.step_ms for each in rounds]):.1f} | "
            f"{ratio:.2f} | {median([each.median_ms for each in rounds]):.1f} | "
            f"{median([each.simulation_s for each in rounds]):.1f} | "
            f"{median([each.statements for each in rounds]):.2f} | "
            f"{median([each.connections for each in rounds]):.2f} | "
            f"{median([each.opened for each in rounds]):.0f} | "
            f"{median([each.statements_ms for each in rounds]):.2f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=[*sorted(SETUPS), "both"], default="both")
    parser.add_argument("--log", choices=[*LOGS, "both"], default="both")
    parser.add_argument("--only", default="", help="names of speedups, separated by commas (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=510, help="length of the log")
    args = parser.parse_args()
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    wanted = [name for name in args.only.split(",") if name] or [row.name for row in SPEEDUPS]
    with tempfile.TemporaryDirectory() as top:
        for log in LOGS if args.log == "both" else (args.log,):
            data = synthesize(Path(top, log), args.seconds, *LOGS[log])
            for setup in sorted(SETUPS) if args.setup == "both" else (args.setup,):
                runs: Dict[str, List[Run]] = {names: [] for names in (STOCK, *wanted, ALL)}
                for number in range(args.rounds):
                    for names, rounds in runs.items():
                        rounds.append(run(data, setup, names, Path(top, "run")))
                        print(
                            f"round {number + 1}, {names or 'stock'}: {rounds[-1]}",
                            file=sys.stderr,
                            flush=True,
                        )
                print(
                    f"\n{setup}, {log} log of {args.seconds} s, {args.rounds} rounds\n\n{table(runs)}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
