"""``nutrace demo``: trace a simulation now, report it and draw it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType
from typing import List

from nutrace.cli import flamegraph, report
from nutrace.cli.progress import spinner
from nutrace.demo.launch import (
    MINIATURE_STEPS,
    SimulationError,
    choose,
    fresh_run_file,
    own_lines,
    run_traced,
)
from nutrace.errors import OutputError, UsageError
from nutrace.printable import LINE, printable


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "-o", "--output", default="nutrace-demo", metavar="DIR",
        help="where the results go; earlier results are kept (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--miniature",
        action="store_true",
        help="use the miniature simulation even if the devkit is installed",
    )
    parser.add_argument(
        "--steps", type=int, metavar="N",
        help=f"steps of the miniature simulation, 1 to {MINIATURE_STEPS} (default {MINIATURE_STEPS})",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Simulate, report, draw, and print what to do next."""
    target = choose(args.miniature)
    if args.steps is not None and target.is_devkit:
        raise UsageError("--steps is for the miniature: the devkit's scenario has its own length")
    steps = MINIATURE_STEPS if args.steps is None else args.steps
    if not 1 <= steps <= MINIATURE_STEPS:
        raise UsageError(f"--steps must be 1 to {MINIATURE_STEPS}, not {steps}")
    directory = _directory(args.output)
    run_file = fresh_run_file(directory)
    print(f"Simulating a synthetic log under NUTRACE=1 with {target.description}.")
    sys.stdout.flush()
    try:
        with spinner() as tick:
            output = run_traced(target, run_file, steps=steps, tick=tick)
    except SimulationError as error:
        print(error.output, file=sys.stderr)
        if target.is_devkit:
            raise type(error)(f"{error}; nutrace demo --miniature needs no devkit", "") from None
        raise
    for line in own_lines(output):
        print(line, file=sys.stderr)
    _call(report, [str(run_file)])
    print()
    for form in ("html", "speedscope"):
        _call(flamegraph, ["--format", form, str(run_file)])
    _next(run_file, target.is_devkit)
    return 0


def _directory(name: str) -> Path:
    directory = Path(name).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {directory}: {error.strerror}; name another with --output") from error
    return directory


def _call(command: ModuleType, arguments: List[str]) -> None:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    command.run(parser.parse_args(arguments))


def _next(run_file: Path, devkit: bool) -> None:
    stem, run_name = printable(str(run_file.with_suffix("")), LINE), printable(str(run_file), LINE)
    print(f"""
Next
  open {stem}.flamegraph.html in a browser: the same run, in time order or merged
  open {stem}.speedscope.json at https://www.speedscope.app
  nutrace report {run_name} --steps 10:20
  NUTRACE=1 python your_simulation.py              your own run""")
    if devkit:
        print("  nutrace synth DIR                                more synthetic data for the devkit")
