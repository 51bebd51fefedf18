"""``nutrace report run.json``: what each component costs per step."""

from __future__ import annotations

import argparse

from nutrace.analysis import report
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import (
    LOADING,
    ROWS,
    add_explain,
    add_json,
    add_limit,
    add_raw,
    add_run_file,
    add_samples,
    add_steps,
    load_run,
)
from nutrace.cli.progress import phases
from nutrace.cli.report_json import as_json
from nutrace.cli.report_style import style_of_output
from nutrace.cli.report_text import as_text
from nutrace.cli.step_tree_text import as_json as tree_as_json
from nutrace.cli.step_tree_text import as_text as tree_as_text
from nutrace.trace import select
from nutrace_exporters.steptree import LINES, step_tree

_ANALYSING = "analysing"
_ANALYSIS = 0.9  # of the time that loading takes


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, for pull requests")
    add_json(form)
    add_samples(parser)
    add_steps(parser)
    add_raw(parser)
    add_explain(parser)
    add_limit(parser, "kinds of span, the costliest first", and_default=f", of a tree {LINES} lines")
    part = parser.add_mutually_exclusive_group()
    part.add_argument(
        "--tree",
        action="store_true",
        help="only the call tree of the mean step: each path of spans, its time divided by the steps, cut to "
        "the lines that say where the time goes",
    )
    part.add_argument(
        "--inside",
        default="",
        metavar="SPAN",
        help="list the functions that spans of this name spend their self time in, as samples tell; "
        "all: of each kind of span that was sampled (default: a few functions of the costliest)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    with phases({**LOADING, _ANALYSING: _ANALYSIS}) as shown:
        # The report itself says that a run was cut short.
        trace = load_run(args.file, raw=args.raw, warn=args.tree, samples=args.samples, shown=shown)
        if shown is not None:
            shown.begin(_ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        if args.tree:
            tree = step_tree(part)
        else:
            result = report(trace, part, progress=None if shown is None else shown.advance)
    if args.tree and args.json:
        print_json({**tree_as_json(tree), **run_state(trace), "selection": part.selection})
    elif args.tree:
        limit = LINES if args.limit is None else args.limit
        print(tree_as_text(tree, part, style_of_output(args.markdown, explain=args.explain), limit=limit))
    elif args.json:
        print_json({**as_json(result), "selection": part.selection})
    else:
        text = as_text(
            result,
            style_of_output(args.markdown, explain=args.explain),
            limit=ROWS if args.limit is None else args.limit,
            selection=part.selection,
            inside=args.inside,
        )
        print(text, end="")
    return 0
