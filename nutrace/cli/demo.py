"""``nutrace demo``: trace a simulation now, report it and draw it."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import List, Tuple

from nutrace.called import program
from nutrace.cli import flamegraph, report
from nutrace.cli.progress import spinner
from nutrace.demo.launch import (
    MINIATURE_STEPS,
    SimulationError,
    choose,
    data_folder,
    fresh_run_file,
    own_lines,
    run_traced,
)
from nutrace.errors import OutputError, UsageError
from nutrace.extras import install
from nutrace.printable import LINE, printable
from nutrace.trace import load
from nutrace.trace.newest import DEMO_FOLDER


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "-o", "--output", default=DEMO_FOLDER, metavar="DIR",
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
    parser.add_argument(
        "--no-indexes",
        action="store_true",
        help="leave the indexes of the frames out of the log, so that there is something to find",
    )
    parser.add_argument("--open", action="store_true", help="open the flamegraph in the web browser")


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
    log = "synthetic log without indexes of its frames" if args.no_indexes else "synthetic log"
    print(f"Simulating a {log} under NUTRACE=1 with {target.description}.")
    sys.stdout.flush()
    try:
        with spinner() as tick:
            output = run_traced(target, run_file, steps=steps, indexes=not args.no_indexes, tick=tick)
    except SimulationError as error:
        print(error.output, file=sys.stderr)
        if target.is_devkit:
            raise type(error)(f"{error}; nutrace demo --miniature needs no devkit", "") from None
        raise
    for line in own_lines(output):
        print(line, file=sys.stderr)
    shown = _as_typed(run_file)
    _call(report, [shown])
    print()
    _call(report, ["--tree", shown])
    print()
    for form in ("html", "speedscope"):
        _call(flamegraph, ["--format", form, *(["--open"] if args.open and form == "html" else []), shown])
    data = data_folder(run_file)
    print(
        f"{printable(_as_typed(data), LINE)}: the log, and what the simulation wrote, {_size_mb(data):.1f} MB"
    )
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


def _as_typed(path: Path) -> str:
    """The path as a user in this folder would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _next(run_file: Path, devkit: bool) -> None:
    file, stem = _as_typed(run_file), _as_typed(run_file.with_suffix(""))
    nutrace = program()
    # Where the shell finds no nutrace, its python has none either.
    own = "NUTRACE=1 python" if nutrace == "nutrace" else f"{nutrace} run"
    logs = [_as_typed(log) for log in sorted(data_folder(run_file).rglob("*.db"))]
    run_name = shlex.quote(file)
    commands = [
        *_slowest(file, f"{nutrace} report --tree", run_name),
        *_parser_first(),
        (f"{nutrace} sql --explain {run_name}", "what the database does, for whom, and with which plans"),
        *(
            (f"{nutrace} index {shlex.quote(log)} --run {run_name}", "whether indexes would help, and which")
            for log in logs
        ),
        (f"{nutrace} advise {run_name}", "what is worth doing"),
        (f"{own} your_simulation.py", "your own run"),
    ]
    if devkit:
        commands.append((f"{nutrace} synth DIR", "more synthetic data for the devkit"))
    print("\nNext")
    print(
        f"  open {printable(stem, LINE)}.flamegraph.html in a browser: the same run, in time order or merged"
    )
    print(f"  open {printable(stem, LINE)}.speedscope.json at https://www.speedscope.app")
    for command, what in commands:
        print(f"  {printable(command, LINE)}\n      {what}")


def _parser_first() -> List[Tuple[str, str]]:
    """The command that installs what advising indexes needs; none if it is there."""
    if importlib.util.find_spec("sqlglot") is not None:
        return []
    return [(install("sql"), "first: a SQL parser, without which no index is advised")]


def _slowest(file: str, report: str, run_name: str) -> List[Tuple[str, str]]:
    """The command that shows the step which took longest, and how long that was; none without steps."""
    trace = load(file)
    steps = trace.finished_steps
    if not steps:
        return []
    step = max(steps, key=lambda span: trace.busy_ns[span])
    number, took_ms = trace.addresses.iteration_of[step], trace.busy_ns[step] / 1e6
    return [(f"{report} --steps {number} {run_name}", f"the slowest step, {took_ms:.1f} ms")]
