"""``nutrace index LOG.db``: show, make or drop the indexes that a run's statements lack."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import Any, Dict, List, Optional, Sequence

from nutrace.analysis.database import Database, database
from nutrace.called import program
from nutrace.cli.json_output import per_step, pick, print_json
from nutrace.cli.options import add_json, add_raw, load_run
from nutrace.cli.progress import progress_bar
from nutrace.cli.report_style import style_of_output
from nutrace.cli.table import ms
from nutrace.errors import UsageError
from nutrace.plans import drop, make
from nutrace.plans.candidates import lacking
from nutrace.plans.copying import copy
from nutrace.plans.findings import Findings, Index, examine
from nutrace.plans.log import check_database, open_log
from nutrace.plans.log_copies import cache_folder, folders, remove
from nutrace.plans.make import Change
from nutrace.printable import LINE, printable
from nutrace.trace.runfiles import exists
from nutrace_exporters.labels import counted

_RUN = "run.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "logs", nargs="+", metavar="LOG.db", help="databases; only --apply and --drop change them"
    )
    parser.add_argument(
        "--run",
        dest="trace",
        metavar="RUN",
        help="the run file whose statements need indexes (default run.json)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="make the indexes in the database itself")
    what.add_argument(
        "--copy",
        action="store_true",
        help="make a copy that has the indexes, and those that the devkit's steps need (without a run file, "
        "only these); runs with the speedup indexes read the copy",
    )
    what.add_argument(
        "--drop", action="store_true", help="drop the indexes that nutrace made, and remove the copies"
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="where the copy goes (default: beside the log, or the user's cache if that cannot be written)",
    )
    add_raw(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Show the indexes, or change the databases."""
    logs = list(dict.fromkeys(os.path.abspath(log) for log in args.logs))
    if args.output and not (args.copy or args.drop):
        raise UsageError(
            "--output needs --copy, which puts a copy there, or --drop, which looks for one there"
        )
    if args.drop:
        return _drop(logs, args)
    for log in logs:
        check_database(log)  # a missing log is an error here, and not a note
    trace = args.trace or _RUN
    statements = None
    if exists(trace):
        statements = database(load_run(trace, raw=args.raw))
    elif args.trace or not args.copy:
        raise UsageError(f"{trace}: there is no such run; name one whose statements need indexes: --run RUN")
    findings = _examined(logs, statements)
    by_log = {log: [index for index in findings.indexes if index.database == log] for log in logs}
    if args.copy:
        return _copy(by_log, args)
    assert statements is not None
    if not args.apply:
        document = {log: [_index(index, statements) for index in each] for log, each in by_log.items()}
        _print(args.json, document, _shown(by_log, findings, statements, args))
        return 0
    done = {log: _apply(log, indexes, quiet=args.json) for log, indexes in by_log.items()}
    lines = [_nothing(log, findings) for log, changes in done.items() if not changes]
    _print(args.json, {log: _changed(changes) for log, changes in done.items()}, lines)
    return 0


def _apply(log: str, indexes: Sequence[Index], *, quiet: bool) -> List[Change]:
    """Make indexes, each of which is printed before, with the time that it took after."""
    done: List[Change] = []
    style = style_of_output()
    for index in indexes:
        if not quiet:
            text = style.text(f"{printable(log, LINE)}: {printable(index.advice.ddl, LINE)};", hanging=2)
            print(text, end=" ", flush=True)
        took = "not done"
        try:
            for change in make(log, [index.advice.ddl]):
                done.append(change)
                took = f"{change.seconds:.1f} s"
        finally:
            if not quiet:
                print(took, flush=True)
    return done


def _examined(logs: Sequence[str], statements: Optional[Database]) -> Findings:
    if statements is None:
        return Findings((), (), (), True)
    with progress_bar("plans") as progress:
        findings = examine(statements, databases=logs, progress=progress)
    for note in findings.notes:
        print(f"nutrace: {printable(note, LINE)}", file=sys.stderr)
    return findings


def _copy(by_log: Dict[str, List[Index]], args: argparse.Namespace) -> int:
    document: Dict[str, Any] = {}
    for log, advised in by_log.items():
        with open_log(log, alone=True) as opened:
            indexes = {**lacking(opened), **{index.advice.index: index.advice.ddl for index in advised}}
        document[log] = {"copy": None, "indexes": list(indexes.values())}
        if not indexes:
            _print(args.json, None, [f"{printable(log, LINE)}: lacks no index, and was not copied"])
            continue
        with progress_bar("bytes") as progress:
            copied = copy(log, _folder(log, args.output), indexes, progress=progress)
        document[log].update(copy=copied.path, made=copied.made, bytes=copied.size, seconds=copied.seconds)
        if not args.json:
            took = (
                f"{copied.size / 1e6:,.0f} MB, {copied.seconds:.1f} s"
                if copied.made
                else "it was there already"
            )
            text = f"{printable(log, LINE)}: copied to {printable(copied.path, LINE)} ({took})"
            _print(False, None, [text, *(f"  {printable(ddl, LINE)}" for ddl in indexes.values())])
            sys.stdout.flush()
    if args.json:
        _print(True, document, ())
    elif any(each["copy"] for each in document.values()):
        _print(False, None, ["To use it: " + _speedup(args.output)])
    return 0


def _folder(log: str, output: Optional[str]) -> str:
    if output:
        return os.path.abspath(output)
    beside = os.path.dirname(os.path.realpath(log))
    return beside if os.access(beside, os.W_OK) else cache_folder()


def _speedup(output: Optional[str]) -> str:
    return "NUTRACE_SPEEDUPS=indexes" + (f":folder={os.path.abspath(output)}" if output else "")


def _drop(logs: Sequence[str], args: argparse.Namespace) -> int:
    document: Dict[str, Any] = {}
    lines: List[str] = []
    for log in logs:
        copies = remove(log, folders(log, args.output or ""))
        # A log that is gone may have left a copy.
        changes = [] if copies and not os.path.exists(log) else list(drop(log))
        document[log] = [*_changed(changes), *({"removed": path} for path in copies)]
        lines += _dropped(log, changes, copies)
    _print(args.json, document, lines)
    return 0


def _print(as_json: bool, document: Any, lines: Sequence[str]) -> None:
    if as_json:
        print_json(document)
    elif lines:
        style = style_of_output()
        print("\n".join(style.text(line, hanging=2) for line in lines))


def _index(index: Index, statements: Database) -> Dict[str, Any]:
    return {
        **pick(index.advice, "ddl", "rows", "rows_after"),
        "saved_ms_per_step": per_step(index.saved_in_steps_ns / 1e6, statements.steps),
    }


def _changed(changes: Sequence[Change]) -> List[Dict[str, Any]]:
    return [{"ddl": change.sql, "seconds": change.seconds} for change in changes]


def _dropped(log: str, changes: Sequence[Change], copies: Sequence[str]) -> List[str]:
    lines = [f"{printable(log, LINE)}: {printable(change.sql, LINE)}" for change in changes]
    lines += [f"{printable(log, LINE)}: removed {printable(path, LINE)}" for path in copies]
    return lines or [f"{printable(log, LINE)}: nutrace has made no index there"]


def _nothing(log: str, findings: Findings) -> str:
    """The line of a database in which no index is to be made, and why."""
    explained = [plan.explained for plan in findings.plans if plan.use.database == log]
    planned = [each for each in explained if each.plan]
    if not explained:
        why = "the run has no statement that could be planned on it"
    elif not planned:
        why = explained[0].note or "none of the run's statements has a plan"
    elif not any(each.scans for each in planned):
        why = "all queries that were planned find their rows by indexes that are there"
    elif not any(each.advice for each in planned):
        unknown = next((each.note for each in planned if each.note), "")
        why = unknown or "no index would spare the run's statements rows that they read"
    else:
        why = "no index would save 1 % of the run's time in statements"
    return f"{printable(log, LINE)}: nothing to make: {printable(why, LINE)}"


def _shown(
    by_log: Dict[str, List[Index]], findings: Findings, statements: Database, args: argparse.Namespace
) -> List[str]:
    lines = []
    for log, indexes in by_log.items():
        made = f"{printable(log, LINE)}: {len(indexes)} to make"
        lines.append(made if indexes else _nothing(log, findings))
        for index in indexes:
            advice = index.advice
            saved = f"saves about {ms(index.saved_ns)} ms of a run like this"
            if statements.steps and index.saved_in_steps_ns:
                saved = f"saves about {ms(index.saved_in_steps_ns / statements.steps)} ms a step"
            lines.append(f"  {printable(advice.ddl, LINE)};")
            rows = counted(round(advice.rows_after), "row")
            lines.append(f"      {rows} to read instead of {advice.rows:,}; {saved}")
    if any(by_log.values()):
        run_file = f" --run {shlex.quote(args.trace)}" if args.trace else ""
        logs = shlex.join(args.logs)
        lines.append(f"Nothing was changed. To make them: {program()} index {logs}{run_file} --apply")
    return lines
