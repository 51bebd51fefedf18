"""``nutrace report run.json``: what each component costs per step."""

from __future__ import annotations

import argparse
import json

from nutrace.analysis import report
from nutrace.cli.progress import progress_bar
from nutrace.cli.report_json import as_json
from nutrace.cli.report_text import as_text
from nutrace.cli.table import check_limit
from nutrace.trace import load, parse_steps, select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", help="a run file: run.json, run.json.partial, run.json.gz, any OTLP/JSON")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="Markdown, for pull requests")
    form.add_argument("--json", action="store_true", help="JSON, for programs")
    parser.add_argument(
        "--steps", metavar="A:B", help="only steps A up to, not including, B; also A: and :B and A"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=15,
        metavar="N",
        help="list the N costliest kinds of span, 0 for all (default 15)",
    )


def run(args: argparse.Namespace) -> int:
    """Load, analyse, print."""
    check_limit(args.limit)
    steps = None if args.steps is None else parse_steps(args.steps)
    with progress_bar("bytes") as progress:
        trace = load(args.file, progress=progress)
    found = report(trace, None if steps is None else select(trace, steps=steps))
    if args.json:
        print(json.dumps(as_json(found), indent=2))
        return 0
    selection = "" if args.steps is None else f"steps {args.steps.strip()}"
    print(as_text(found, markdown=args.markdown, limit=args.limit, selection=selection), end="")
    return 0
