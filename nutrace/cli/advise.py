"""``nutrace advise run.json``: what is worth doing, what it would bring, and how to prove it."""

from __future__ import annotations

import argparse
from typing import Any, Dict

from nutrace.advice import Advice, Ranked, advise
from nutrace.advice.advise import WORTH
from nutrace.advice.facts import Facts
from nutrace.cli.advise_text import as_text
from nutrace.cli.correction_text import print_correction
from nutrace.cli.json_output import print_json, run_state
from nutrace.cli.options import (
    ANALYSING,
    add_json,
    add_limit,
    add_min_share,
    add_raw,
    add_run_file,
    add_samples,
    add_steps,
    analysing,
    load_run,
    say,
)
from nutrace.cli.report_style import style_of_output
from nutrace.trace import select


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "List what is worth doing about a run: each with what the run shows, what it would save, likely "
        "and at best, how sure that is, and the command that proves it. Databases are opened read-only, "
        "for plans."
    )
    add_run_file(parser)
    add_steps(parser)
    add_raw(parser)
    add_min_share(parser, WORTH, "likely saving, of a step or of the run")
    add_limit(parser, "findings of each section")
    add_samples(parser)
    add_json(parser, ": all findings")


def run(args: argparse.Namespace) -> int:
    """Print the findings; return the exit code."""
    with analysing(2.0) as shown:
        trace = load_run(args.file, raw=args.raw, samples=args.samples, shown=shown)
        say(shown, ANALYSING)
        part = select(trace, steps=args.steps, scenario=args.scenario)
        facts = Facts(args.file, trace, part)
        advice = advise(facts, args.min_share)
    if args.json:
        print_json({**_as_json(advice, facts), **run_state(trace)})
    else:
        style = style_of_output()
        print(as_text(advice, args.file, facts.command, part.selection, style, limit=args.limit))
        print_correction(part, style)
    return 0


def _as_json(advice: Advice, facts: Facts) -> Dict[str, Any]:
    return {
        "selection": facts.trace.selection,
        "command": facts.command,
        "steps": {
            "count": advice.steps,
            "mean_ms": advice.step_ns / 1e6,
            "real_time_ms": None if advice.interval_s is None else advice.interval_s * 1e3,
        },
        "run_seconds": advice.run_ns / 1e9,
        "wall_seconds": advice.wall_ns / 1e9,
        "scenarios": advice.scenarios,
        "min_share": advice.worth,
        "in_steps": [_ranked(each) for each in advice.in_steps],
        "around_steps": [_ranked(each) for each in advice.around],
        "unknown_share": advice.unknown_share,
        "look_into": [_ranked(each) for each in advice.to_look_into],
        "not_worth_it": [_ranked(each) for each in advice.small],
        "notes": list(advice.notes),
    }


def _ranked(ranked: Ranked) -> Dict[str, Any]:
    finding = ranked.finding
    saved: Dict[str, Any] = {}
    for name in ("alone", "likely", "stretch"):
        each = getattr(ranked, name)
        saved[f"{name}_ms_per_step"] = each.step_ns / 1e6 if finding.saves else None
        saved[f"{name}_ms_in_run"] = each.run_ns / 1e6 if finding.saves else None
    return {
        "kind": ranked.kind,
        "title": finding.title,
        **saved,
        "share": ranked.share if finding.saves else None,
        "share_of": "steps" if ranked.in_steps else "run",
        "sureness": finding.sureness.value,
        "because": finding.because,
        "evidence": list(finding.evidence),
        "proof": [each.full for each in finding.proof],
        "only_traced": finding.only_traced,
    }
