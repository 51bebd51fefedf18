"""The two sides of ``nutrace flamegraph``: runs --against other runs, or the --slowest steps of a run."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from typing import List, Sequence, Tuple

from nutrace.cli.options import load_run
from nutrace.cli.run_files import run_files
from nutrace.errors import UsageError
from nutrace.printable import LINE, printable
from nutrace.trace import select
from nutrace.trace.opening import STDIN
from nutrace_exporters.difference import Difference, DifferenceBuilder
from nutrace_exporters.difftree import BASE, NEW
from nutrace_exporters.labels import counted
from nutrace_exporters.registry import FORMATS

_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%\Z", re.ASCII)


def add_difference(parser: argparse.ArgumentParser) -> None:
    """Add ``--against`` and ``--slowest``."""
    able = ", ".join(row.name for row in FORMATS if row.difference)
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="NEW",
        help="draw what is different in these runs: files, or folders of run files as nutrace bench writes "
        f"them ({able})",
    )
    parser.add_argument(
        "--slowest",
        type=_share,
        metavar="P%",
        help=f"draw what is different in the slowest P %% of the steps, compared with the others ({able})",
    )


def _share(text: str) -> float:
    match = _SHARE.match(text.strip()[:20])
    share = float(match[1]) / 100 if match else math.nan
    if not 0 < share < 1:
        raise UsageError(f"bad --slowest {text[:40]!r}: write a percentage of the steps, such as 5%")
    return share


def drawn_files(args: argparse.Namespace) -> Tuple[List[str], str]:
    """What the user named, the file first that gives its name to the drawing; and the mark in that name.

    Raises
    ------
    UsageError
        If these files cannot be drawn in one picture.
    """
    files = [*args.against, *args.files]
    if args.against and args.slowest:
        raise UsageError("--against and --slowest exclude each other: leave one out")
    if files.count(STDIN) > 1:
        raise UsageError("only one run file can be - (standard input): name the others")
    if not args.against and len(args.files) > 1:
        raise UsageError(
            f"{len(args.files)} run files: draw one at a time, or two sides (BASE... --against NEW...)"
        )
    if (args.against or args.slowest) and args.samples:
        raise UsageError("--samples belongs to one run, drawn as a whole: leave it out")
    return files, ".difference" if args.against else ".slowest" if args.slowest else ""


def load_difference(args: argparse.Namespace) -> Difference:
    """Load both sides, a run at a time."""
    if args.slowest:
        (file,) = args.files
        trace = select(load_run(file, raw=args.raw), steps=args.steps, scenario=args.scenario)
        builder = DifferenceBuilder((file, file), args.component)
        builder.add_slowest(trace, args.slowest)
        return builder.build(("usual", "slowest"))
    sides = [run_files(args.files), run_files(args.against)]
    builder = DifferenceBuilder(_names(args.files, args.against), args.component)
    for side, files in zip((BASE, NEW), sides):
        for file in files:
            builder.add(side, select(load_run(file, raw=args.raw), steps=args.steps, scenario=args.scenario))
    difference = builder.build()
    for doubt in difference.warnings:
        print(f"nutrace: warning: {printable(doubt, LINE)}", file=sys.stderr)
    return difference


def _names(base: Sequence[str], new: Sequence[str]) -> Tuple[str, str]:
    """What the sides are called: as little of the paths as tells them apart."""
    paths = [os.path.normpath(os.path.abspath(side[0])).split(os.sep) for side in (base, new)]
    count = 1
    while count < max(map(len, paths)) and paths[0][-count:] == paths[1][-count:]:
        count += 1
    names = [os.sep.join(path[-count:]) for path in paths]
    more = [f" and {len(side) - 1} more" if len(side) > 1 else "" for side in (base, new)]
    return names[0] + more[0], names[1] + more[1]


def difference_counts(difference: Difference) -> str:
    """How much is drawn: ``149 steps against 149``."""
    tree = difference.tree
    base, new = tree.units
    unit = "step" if tree.per_step else "run"
    counts = f"{counted(new, unit)} against {base:,}, {counted(sum(1 for _ in tree.walk()), 'frame')}"
    return f"{counts}, times {difference.times}" if difference.times else counts
