"""``nutrace index LOG.db``: the indexes that a run's statements lack, shown, made or dropped."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Sequence

from nutrace.analysis.database import Database, database
from nutrace.cli.progress import progress_bar
from nutrace.cli.table import printable
from nutrace.errors import UsageError
from nutrace.plans import drop, make
from nutrace.plans.findings import Index, examine
from nutrace.plans.log import uri_of
from nutrace.plans.make import Change
from nutrace.trace import load

_MS = 1e6


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "logs", nargs="+", metavar="LOG.db", help="databases; nothing is written without --apply"
    )
    parser.add_argument(
        "--run",
        dest="trace",
        default="run.json",
        metavar="RUN",
        help="the run file whose statements are to be faster (default run.json)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="make the indexes, in place")
    what.add_argument("--drop", action="store_true", help="drop the indexes that --apply made")
    parser.add_argument("--json", action="store_true", help="JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Look, and change what is to be changed."""
    logs = list(dict.fromkeys(os.path.abspath(log) for log in args.logs))
    if args.drop:
        changes = {log: list(drop(log)) for log in logs}
        _say(args.json, {log: _changed(done) for log, done in changes.items()}, _dropped(changes))
        return 0
    for log in logs:
        uri_of(log, "ro")  # a log that is missing is an error here, not a note
    if not os.path.exists(args.trace):
        raise UsageError(f"{args.trace}: no such run; name one whose statements are to be faster: --run RUN")
    with progress_bar("bytes") as progress:
        found = database(load(args.trace, progress=progress))
    with progress_bar("plans") as progress:
        findings = examine(found, databases=logs, progress=progress)
    for note in findings.notes:
        print(f"nutrace: {printable(note, 400)}", file=sys.stderr)
    by_log = {log: [index for index in findings.indexes if index.database == log] for log in logs}
    if not args.apply:
        told = {log: [_told(index, found) for index in indexes] for log, indexes in by_log.items()}
        _say(args.json, told, _shown(by_log, found, args))
        return 0
    done: Dict[str, List[Change]] = {}
    for log, indexes in by_log.items():
        done[log] = []
        for change in make(log, [index.advice.ddl for index in indexes]):
            done[log].append(change)
            if not args.json:
                print(
                    f"{printable(log, 400)}: {printable(change.sql, 400)}; {change.seconds:.1f} s", flush=True
                )
    lines = [f"{printable(log, 400)}: nothing to make" for log, changes in done.items() if not changes]
    _say(args.json, {log: _changed(changes) for log, changes in done.items()}, lines)
    return 0


def _say(as_json: bool, told: Any, lines: Sequence[str]) -> None:
    if as_json:
        print(json.dumps(told, indent=2))
    elif lines:
        print("\n".join(lines))


def _told(index: Index, found: Database) -> Dict[str, Any]:
    return {
        "ddl": index.advice.ddl,
        "rows": index.advice.rows,
        "rows_after": index.advice.rows_after,
        "saved_ms_per_step": index.saved_in_steps_ns / _MS / found.steps if found.steps else None,
    }


def _changed(changes: Sequence[Change]) -> List[Dict[str, Any]]:
    return [{"ddl": change.sql, "seconds": change.seconds} for change in changes]


def _dropped(changes: Dict[str, List[Change]]) -> List[str]:
    lines = []
    for log, done in changes.items():
        lines += [f"{printable(log, 400)}: {printable(change.sql, 400)}" for change in done]
        if not done:
            lines.append(f"{printable(log, 400)}: no index of nutrace's")
    return lines


def _shown(by_log: Dict[str, List[Index]], found: Database, args: argparse.Namespace) -> List[str]:
    lines = []
    for log, indexes in by_log.items():
        lines.append(
            f"{printable(log, 400)}: " + (f"{len(indexes)} to make" if indexes else "nothing to make")
        )
        for index in indexes:
            advice = index.advice
            saved = f"saves about {index.saved_ns / _MS:,.1f} ms of a run like this"
            if found.steps and index.saved_in_steps_ns:
                saved = f"saves about {index.saved_in_steps_ns / _MS / found.steps:,.1f} ms a step"
            lines.append(f"  {printable(advice.ddl, 400)};")
            lines.append(f"      {advice.rows:,} rows to look at become {advice.rows_after:,.0f}; {saved}")
    if any(by_log.values()):
        run_file = "" if args.trace == "run.json" else f" --run {args.trace}"
        lines.append(
            f"Nothing was changed. To make them: nutrace index {' '.join(args.logs)}{run_file} --apply"
        )
    return lines
