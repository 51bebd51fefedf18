"""``nutrace sql run.json``: every statement, its repeats, its callers, its plan."""

from __future__ import annotations

import argparse
import sys

from nutrace.analysis.database import database
from nutrace.cli.correction_text import print_correction
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_json,
    add_limit,
    add_raw,
    add_run_file,
    add_steps,
    analysing,
    load_run,
    say,
)
from nutrace.cli.progress import progress_bar
from nutrace.cli.report_style import style_of_output
from nutrace.cli.sql_json import as_json
from nutrace.cli.sql_text import as_text
from nutrace.errors import MissingDependencyError
from nutrace.plans.findings import examine
from nutrace.printable import LINE, printable
from nutrace.trace import select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="open the databases read-only: query plans, full scans, and indexes that would avoid them; and "
        "say what the columns mean",
    )
    add_steps(parser)
    add_raw(parser)
    add_limit(parser, "statements")
    parser.add_argument("--full", action="store_true", help="print statements in full length")
    add_json(parser, ": all statements")


def run(args: argparse.Namespace) -> int:
    """Print the statements of a run, and their plans if asked."""
    with analysing(0.5) as shown:
        trace = load_run(args.file, raw=args.raw, shown=shown)
        say(shown, ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        result = database(part)
    findings = None
    if args.explain:
        with progress_bar("plans") as progress:
            try:
                findings = examine(result, progress=progress)
            except MissingDependencyError as error:
                print(f"nutrace: plans without advice: {printable(str(error), LINE)}", file=sys.stderr)
                findings = examine(result, advise=False, progress=progress)
    if args.json:
        print_json({**as_json(result, findings), **run_state(trace), "selection": part.selection})
        return 0
    style = style_of_output(explain=args.explain)
    print(as_text(result, findings, style, limit=args.limit, full=args.full, selection=part.selection))
    print_correction(part, style)
    return 0
