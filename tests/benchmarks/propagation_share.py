"""Measure what state propagation and history cost on the real devkit, and what the speedup saves.

    python tests/benchmarks/propagation_share.py [--setup simple|idm|both] [--rounds 5]

On the 27 s synthetic log of the tests, prints

- the shares of propagation, history and controller in the steps of a traced run;
- how many of the calls that move the ego vehicle and agents have the arguments of an earlier call;
- the times of the functions that the speedup `propagation` replaces, and of their replacements, called in
  alternating order in one process;
- garbage collections within steps, and the CPU times of steps, in runs without and with the speedup.

A full collection falls into one step of a run, so look at the mean and the longest step, not at the median.
Needs NUTRACE_DEVKIT_PYTHON or its file, see tests/devkit.py.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List

sys.path.insert(0, str(Path(__file__).parents[1]))

from devkit import SETUPS, devkit_python, simulate, synthesize

from nutrace.analysis.report import report
from nutrace.trace import load

NAME = "propagation"
WATCHED = str(Path(__file__).with_name("devkit_watched.py"))
FULL = 2


def watched(top: Path, setup: str, what: str = "times", names: str = "") -> Any:
    """Run once, and return what devkit_watched wrote."""
    out = top / "watched.json"
    variables = {"NUTRACE_SPEEDUPS": names} if names else {}
    runner = [WATCHED, str(out), what]
    done = simulate(top / "data", top / "out", setup, runner=runner, words=WORDS, lengths=(), **variables)
    if done.returncode:
        raise SystemExit(f"{names or 'stock'}: the run failed:\n{done.stderr[-2000:]}")
    shutil.rmtree(top / "out", ignore_errors=True)
    return json.loads(out.read_text(encoding="utf-8"))


WORDS = ["main_callback=[time_callback]"]


def shares(top: Path, setup: str) -> None:
    """Print the shares of components in a traced run."""
    out = top / "run.json"
    variables = {"NUTRACE": "1", "NUTRACE_SUMMARY": "0", "NUTRACE_OUTPUT": str(out)}
    done = simulate(top / "data", top / "out", setup, words=WORDS, lengths=(), **variables)
    if done.returncode:
        raise SystemExit(f"traced: the run failed:\n{done.stderr[-2000:]}")
    figures = report(load(out))
    out.unlink()
    shutil.rmtree(top / "out", ignore_errors=True)
    print(
        f"\n{setup}: {figures.steps.count} steps of {figures.steps.mean_ns / 1e6:.2f} ms; self time a step:"
    )
    for cost in figures.components:
        if cost.component in ("propagate", "history", "controller"):
            own = cost.self_ns / figures.steps.count
            print(f"  {cost.component:12s}{own / 1e6:8.3f} ms {own / figures.steps.mean_ns:7.1%}")


def repeats(top: Path, setup: str) -> None:
    """Print how many calls have the arguments of an earlier call."""
    print(f"{setup}: calls in the steps, and how many of them had the arguments of an earlier call:")
    for name, (calls, again) in watched(top, setup, "calls")["calls"].items():
        if calls:
            print(f"  {name:46s}{calls:7d}{again:7d}")


def replaced(top: Path, setup: str) -> None:
    """Print the times of the functions that the speedup replaces, and of the replacements."""
    noted = watched(top, setup, "both")
    steps = len(noted["steps"])
    print(f"{setup}: functions that are replaced, ms a step:")
    for name, (calls, stock, other) in noted["calls"].items():
        if calls:
            each = f"{stock / steps / 1e6:.3f}, replaced {other / steps / 1e6:.3f}"
            print(f"  {name:46s}{calls / steps:6.1f} calls {each}")


def collections(top: Path, setup: str, rounds: int) -> None:
    """Print the times of steps and of collections, without and with the speedup."""
    noted: Dict[str, List[Any]] = {"": [], NAME: []}
    for number in range(rounds):
        for names in sorted(noted, reverse=bool(number % 2)):
            noted[names].append(watched(top, setup, names=names))
    print(f"{setup}: means over {rounds} rounds; full collections in the steps of a run")
    print(f"  {'':14s}{'CPU ms':>9s}{'p50':>8s}{'longest':>9s}{'full':>6s}{'ms a step':>11s}{'others':>8s}")
    for names, runs in noted.items():
        steps = [run["steps"] for run in runs]
        inside = [[each for each in run["collections"] if each[2]] for run in runs]
        full = [[took for generation, took, _ in one if generation == FULL] for one in inside]
        others = [sum(took for generation, took, _ in one if generation != FULL) for one in inside]
        count = statistics.fmean(map(len, steps))
        print(
            f"  {names or 'stock':14s}"
            f"{statistics.fmean(statistics.fmean(each) for each in steps) / 1e6:9.2f}"
            f"{statistics.fmean(statistics.median(each) for each in steps) / 1e6:8.2f}"
            f"{statistics.fmean(map(max, steps)) / 1e6:9.1f}"
            f"{statistics.fmean(map(len, full)):6.1f}"
            f"{statistics.fmean(map(sum, full)) / count / 1e6:11.3f}"
            f"{statistics.fmean(others) / count / 1e6:8.3f}",
            flush=True,
        )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--setup", choices=[*sorted(SETUPS), "both"], default="both")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if devkit_python() is None:
        parser.error("no interpreter with the nuPlan devkit: set NUTRACE_DEVKIT_PYTHON")
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        synthesize(top / "data")
        for setup in sorted(SETUPS) if args.setup == "both" else (args.setup,):
            shares(top, setup)
            repeats(top, setup)
            replaced(top, setup)
            collections(top, setup, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
