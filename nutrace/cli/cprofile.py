"""``nutrace cprofile old.prof [run.json]``: why cProfile's counts differ from the true ones."""

from __future__ import annotations

import argparse
import json

from nutrace.analysis.profile import reconcile
from nutrace.analysis.profile_file import read_profile
from nutrace.cli.cprofile_text import as_json, as_text
from nutrace.cli.progress import progress_bar
from nutrace.cli.table import check_limit
from nutrace.trace import load


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("profile", help="a profile: python -m cProfile -o FILE.prof ..., dump_stats")
    parser.add_argument(
        "trace", metavar="run", nargs="?", help="a run file of the same program; else the profile alone"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=15,
        metavar="N",
        help="list N functions in each table, 0 for all (default 15)",
    )
    parser.add_argument("--json", action="store_true", help="JSON, for programs; all functions")


def run(args: argparse.Namespace) -> int:
    """Read, reconcile, print."""
    check_limit(args.limit)
    profile = read_profile(args.profile)
    trace = None
    if args.trace is not None:
        with progress_bar("bytes") as progress:
            trace = load(args.trace, progress=progress)
    found = reconcile(profile, trace)
    if args.json:
        print(json.dumps(as_json(found, args.profile, args.trace), indent=2))
    else:
        print(as_text(found, args.profile, args.trace, limit=args.limit), end="")
    return 0
