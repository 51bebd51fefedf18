"""``nutrace sql run.json``: every statement, its repeats, its callers, its plan."""

from __future__ import annotations

import argparse
import json
import sys

from nutrace.analysis.database import database
from nutrace.cli.progress import progress_bar
from nutrace.cli.sql_json import as_json
from nutrace.cli.sql_text import as_text
from nutrace.cli.table import check_limit
from nutrace.errors import MissingDependencyError
from nutrace.plans.findings import examine
from nutrace.trace import load, parse_steps, select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", help="a run file: run.json, run.json.partial, run.json.gz")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="open the databases read-only: query plans, full scans, and indexes that would remove them",
    )
    parser.add_argument(
        "--steps", metavar="A:B", help="only steps A up to, not including, B; also A: and :B and A"
    )
    parser.add_argument(
        "--limit", type=int, default=15, metavar="N", help="list N statements, 0 for all (default 15)"
    )
    parser.add_argument("--full", action="store_true", help="print statements in full length")
    parser.add_argument("--json", action="store_true", help="JSON, for programs: everything")


def run(args: argparse.Namespace) -> int:
    """Load, add up, print."""
    check_limit(args.limit)
    steps = None if args.steps is None else parse_steps(args.steps)
    with progress_bar("bytes") as progress:
        trace = load(args.file, progress=progress)
    found = database(trace if steps is None else select(trace, steps=steps))
    findings = None
    if args.explain:
        with progress_bar("plans") as progress:
            try:
                findings = examine(found, progress=progress)
            except MissingDependencyError as error:
                print(f"nutrace: plans without advice: {error}", file=sys.stderr)
                findings = examine(found, advise=False, progress=progress)
    if args.json:
        print(json.dumps(as_json(found, findings), indent=2))
        return 0
    print(as_text(found, findings, limit=args.limit, full=args.full))
    return 0
