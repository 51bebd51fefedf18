"""``nutrace cprofile old.prof [run.json]``: why cProfile's counts differ from the true ones."""

from __future__ import annotations

import argparse

from nutrace.analysis.profile import reconcile
from nutrace.analysis.profile_file import read_profile
from nutrace.cli.correction_text import print_correction
from nutrace.cli.cprofile_text import as_json, as_text
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import add_explain, add_json, add_limit, add_raw, load_run
from nutrace.cli.report_style import style_of_output


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("profile", help="a profile that python -m cProfile -o FILE.prof or dump_stats wrote")
    parser.add_argument(
        "file", metavar="run", nargs="?", help="a run file of the same program; without it, the profile alone"
    )
    add_raw(parser)
    add_explain(parser)
    add_limit(parser, "functions in each table")
    add_json(parser, ": all functions")


def run(args: argparse.Namespace) -> int:
    """Print what the counts of a profile are made of."""
    profile = read_profile(args.profile)
    trace = None if args.file is None else load_run(args.file, raw=args.raw)
    result = reconcile(profile, trace)
    if args.json:
        state = {} if trace is None else run_state(trace)
        print_json({**as_json(result, args.profile, args.file), **state})
    else:
        style = style_of_output(explain=args.explain)
        print(as_text(result, args.profile, args.file, style, limit=args.limit), end="")
        if trace is not None:
            print_correction(trace, style)
    return 0
