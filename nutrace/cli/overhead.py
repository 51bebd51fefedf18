"""``nutrace overhead run.json``: what nutrace itself cost, event by event."""

from __future__ import annotations

import argparse

from nutrace.analysis import divide
from nutrace.analysis.own_cost import own_cost
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_explain,
    add_json,
    add_limit,
    add_raw,
    add_run_file,
    add_steps,
    analysing,
    load_run,
    say,
)
from nutrace.cli.overhead_json import as_json
from nutrace.cli.overhead_text import as_text
from nutrace.cli.report_style import style_of_output
from nutrace.trace import select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, for pull requests")
    add_json(form)
    add_steps(parser)
    add_raw(parser)
    add_explain(parser)
    add_limit(parser, "kinds of span, the costliest first")


def run(args: argparse.Namespace) -> int:
    """Print the ledger."""
    with analysing(0.5) as shown:
        trace = load_run(args.file, raw=args.raw, samples=[], shown=shown)
        say(shown, ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        cost = own_cost(part, divide(part))
    if args.json:
        print_json({**as_json(cost), **run_state(trace), "selection": part.selection})
    else:
        style = style_of_output(args.markdown, explain=args.explain)
        text = as_text(cost, trace, style, limit=args.limit, selection=part.selection)
        print(text, end="")
    return 0
