"""``nutrace scenarios run.json``: a row a scenario, the slowest first."""

from __future__ import annotations

import argparse
from typing import Any, Dict

from nutrace.analysis.evaluation.scenario_rows import ORDERS, ScenarioRow, in_order, scenario_rows
from nutrace.cli.correction_text import print_correction
from nutrace.cli.json_output import pick, print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_explain,
    add_json,
    add_limit,
    add_raw,
    add_run_file,
    analysing,
    load_run,
    say,
)
from nutrace.cli.report_style import style_of_output
from nutrace.cli.scenarios_text import as_text

_MB = 1e6


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_run_file(parser)
    parser.add_argument(
        "--sort",
        choices=sorted(ORDERS),
        default="wall",
        help="what comes first: the longest wall time, the largest mean or p95 of a step, the largest "
        "real-time factor, most steps, most memory at the end, most memory gained, the earliest start, the "
        "lowest number (default wall)",
    )
    add_raw(parser)
    add_explain(parser)
    add_limit(parser, "scenarios")
    add_json(parser, ": all scenarios, sorted")


def run(args: argparse.Namespace) -> int:
    """Print the scenarios of a run."""
    with analysing(0.2) as shown:
        trace = load_run(args.file, raw=args.raw, shown=shown)
        say(shown, ANALYSING)
        rows = in_order(scenario_rows(trace), args.sort)
    if args.json:
        print_json({**run_state(trace), "scenarios": [_as_json(row) for row in rows]})
        return 0
    style = style_of_output(explain=args.explain)
    print(as_text(rows, trace, args.file, args.sort, args.limit, style))
    print_correction(trace, style)
    return 0


def _as_json(row: ScenarioRow) -> Dict[str, Any]:
    """A scenario; its name is what ``--scenario`` takes, and null stands for what is not known."""
    return {
        "scenario": row.scenario.name,
        **pick(row.scenario, "type", "log"),
        **pick(row, "steps", "step_mean_ms", "step_p95_ms", "realtime_factor"),
        "wall_s": row.wall_ns / 1e9,
        "worker": row.worker,
        "start_s": row.start_ns / 1e9,
        "memory_start_mb": None if row.memory_start is None else row.memory_start / _MB,
        "memory_end_mb": None if row.memory_end is None else row.memory_end / _MB,
        "outcome": row.outcome,
    }
