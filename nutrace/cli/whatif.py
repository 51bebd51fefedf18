"""``nutrace whatif run.json planner=0.8``: what steps would take if parts of them took less.

``--workers 8``: what the run would take with another number of workers.
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any, Dict, Optional

from nutrace.analysis.evaluation.makespan import MOST_WORKERS
from nutrace.analysis.evaluation.model import Predicted
from nutrace.analysis.whatif import WhatIf, parse_target, whatif
from nutrace.analysis.whatif.result import LIKELY, Change, Times
from nutrace.analysis.whatif.workers import WithWorkers, with_workers
from nutrace.cli.correction_text import print_correction
from nutrace.cli.json_output import per_step, pick, print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_json,
    add_raw,
    add_run_file,
    add_steps,
    analysing,
    load_run,
    say,
)
from nutrace.cli.report_style import style_of_output
from nutrace.cli.whatif_text import MODEL, as_text, workers_text
from nutrace.errors import UsageError
from nutrace.printable import printable
from nutrace.trace import Trace, select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Which step time follows if a component, a span or a statement takes a part of its time. "
        'Example: nutrace whatif run.json planner=0.8 "statement:traffic_light=0.5" span:observation.get=50%'
    )
    parser.epilog = MODEL
    add_run_file(parser)
    parser.add_argument(
        "changes",
        nargs="*",
        metavar="TARGET=PART",
        help="a component's self time (planner=0.8), a span with what it calls (span:NAME=50%%), "
        "or the statements with a text (statement:TEXT=0.5)",
    )
    parser.add_argument(
        "--workers",
        type=_number_of_workers,
        metavar="N",
        help="the whole run with so many workers, as nutrace workers predicts it; with the changes, if any",
    )
    add_steps(parser)
    add_raw(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the answer; return the exit code."""
    targets = [parse_target(text) for text in args.changes]
    if not targets and args.workers is None:
        raise UsageError("nothing to change: name a part, such as planner=0.8, or a number of --workers")
    if args.workers is not None and (args.steps is not None or args.scenario is not None):
        raise UsageError("--workers asks for the whole run: leave out --steps and --scenario")
    with analysing(0.3) as shown:
        trace = load_run(args.file, raw=args.raw, shown=shown)
        say(shown, ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        answer = whatif(part, targets) if targets else None
        workers = None if args.workers is None else with_workers(trace, args.workers, targets)
    if args.json:
        document = {} if answer is None else _as_json(answer, part)
        if workers is not None:
            document["with_workers"] = _workers(workers)
        print_json({**document, **run_state(trace)})
        return 0
    style = style_of_output()
    if answer is not None:
        print(as_text(answer, args.file, part.selection, style))
        print_correction(part, style)
    if workers is not None:
        print(
            workers_text(workers, style, args.file) if answer is None else "\n" + workers_text(workers, style)
        )
    return 0


def _number_of_workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MOST_WORKERS):
        raise UsageError(f"bad --workers {printable(text, 40)}: write a number from 1 to {MOST_WORKERS:,}")
    return int(text)


def _workers(answer: WithWorkers) -> Dict[str, Any]:
    def predicted(each: Optional[Predicted]) -> Optional[Dict[str, Any]]:
        return None if each is None else {"seconds": each.ns / 1e9, "bound_s": each.bound_ns / 1e9}

    return {
        "workers": answer.alone.workers,
        "workers_now": answer.makespan.workers,
        "measured_s": answer.makespan.measured_ns / 1e9,
        **(predicted(answer.alone) or {}),
        "likely": predicted(answer.likely),
        "stretch": predicted(answer.stretch),
    }


def _as_json(answer: WhatIf, trace: Trace) -> Dict[str, Any]:
    return {
        "selection": trace.selection,
        "steps": answer.steps,
        "steps_with_work_beside": answer.concurrent_steps,
        "real_time_ms": answer.interval_s * 1e3,
        "real_time_is_known": answer.interval_known,
        "likely_part": LIKELY,
        "changes": [_change(each, answer.steps) for each in answer.changes],
        "now": _times(answer.now),
        "likely": _times(answer.likely),
        "stretch": _times(answer.stretch),
    }


def _change(change: Change, steps: int) -> Dict[str, Any]:
    return {
        **dataclasses.asdict(change.target),
        **pick(change, "statements", "in_steps_ms", "beside_steps_ms", "all_ms"),
        "saved_ms_per_step": per_step(change.saved_ns / 1e6, steps),
    }


def _times(times: Times) -> Dict[str, Any]:
    return {
        **pick(times, "mean_ms", "p50_ms", "p95_ms", "realtime_factor", "gap_closed"),
        "run_seconds": None if times.run_ns is None else times.run_ns / 1e9,
    }
