"""``nutrace history runs/ -o dashboard.html``: the figures of a program over its revisions."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from typing import Dict, List, Optional, Tuple
from urllib.parse import quote

from nutrace.cli.flamegraph import check_output, default_output
from nutrace.cli.history_files import Reading, read_runs
from nutrace.cli.history_table import as_csv, as_json, as_text
from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, add_limit, add_raw
from nutrace.cli.report_style import style_of_output
from nutrace.comparison.changes import changes
from nutrace.comparison.history import HistoryRun, series_of
from nutrace.dashboard import History, JudgedSeries, Options, export
from nutrace.dashboard.page import plotly_script
from nutrace.errors import InputError, UsageError
from nutrace.printable import LINE, printable
from nutrace.trace import Trace
from nutrace_exporters.labels import counted
from nutrace_exporters.output import STDOUT, whole_file
from nutrace_exporters.registry import FORMATS

_FORMS = {".html": "html", ".htm": "html", ".csv": "csv"}
_MERGED = ("host", "command", "configuration")
_SAID = 5  # run files that were left out, on stderr


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = (
        "Show how step time, components and counts went over the git revisions of a folder of run files, and "
        "where they changed. Without -o a table of the last revisions is printed. Runs of another host, "
        "command or configuration are a series of their own, and are never joined by a line."
    )
    parser.add_argument(
        "names", nargs="+", metavar="FOLDER", help="folder with run files, also in folders below it"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a page (.html) or a table (.csv); - is standard output"
    )
    parser.add_argument("-f", "--format", choices=("html", "csv"), help="what to write (default: as -o ends)")
    add_json(parser)
    parser.add_argument("--host", metavar="NAME", help="only runs of this machine")
    parser.add_argument(
        "--command", dest="words", metavar="TEXT", help="only runs whose command has this in it"
    )
    parser.add_argument("--branch", metavar="NAME", help="only runs of this git branch")
    parser.add_argument(
        "--merge",
        action="append",
        default=[],
        choices=_MERGED,
        help="draw runs that differ in this as one series; may be repeated",
    )
    parser.add_argument(
        "--unfinished", action="store_true", help="also show runs that were cut short, or go on"
    )
    parser.add_argument(
        "--flamegraphs", action="store_true", help="draw the flamegraph of each run that has none, beside it"
    )
    parser.add_argument("--title", default="", help="heading of the page")
    add_raw(parser)
    add_limit(parser, "revisions of each series, the last")


def run(args: argparse.Namespace) -> int:
    """Write the page or the table, or print it."""
    form = _form(args)
    output = args.output or STDOUT
    if form == "html":
        plotly_script()  # if it is missing, say so before reading
    if output != STDOUT:
        check_output(output, "")  # not over a run file
    links: Dict[str, str] = {}
    folder = os.path.dirname(os.path.abspath(output)) if output != STDOUT else os.getcwd()
    reading = read_runs(
        args.names,
        partial(_is_wanted, args),
        partial(_link, links, folder, args.flamegraphs),
        unfinished=args.unfinished,
        raw=args.raw,
    )
    if not reading.runs:
        raise _nothing(args, reading)
    merged = [_merge(each, args.merge) for each in reading.runs]
    history = History(
        folder=", ".join(os.path.basename(os.path.abspath(name)) or name for name in args.names),
        series=tuple(JudgedSeries(series, changes(series)) for series in series_of(merged)),
        left_out=tuple(reading.left_out),
        merged=tuple(dict.fromkeys(args.merge)),
        links=links,
    )
    _say_what_is_left_out(reading)
    if args.json:
        print_json(as_json(history))
    elif form is None:
        print(as_text(history, args.limit, style_of_output()), end="")
    else:
        with whole_file(output) as out:
            if form == "csv":
                out.write(as_csv(history).encode("utf-8", "replace"))
            else:
                export(history, out, Options(title=args.title))
        if output != STDOUT:
            size = os.path.getsize(output) / 1e6
            runs = counted(len(reading.runs), "run")
            print(f"{printable(output, LINE)}: {form}, {size:.1f} MB, {runs} in {len(history.series)} series")
    return 0


def _form(args: argparse.Namespace) -> Optional[str]:
    """html, csv, or None for a table on the terminal."""
    if args.json and (args.format or args.output):
        raise UsageError("--json prints to standard output: leave out -f and -o")
    if args.format:
        if args.format == "html" and not args.output:
            raise UsageError("-f html needs a file: -o dashboard.html, or -o - for standard output")
        return str(args.format)
    if args.output is None:
        return None
    form = _FORMS.get(os.path.splitext(args.output)[1].lower())
    if form is None:
        raise UsageError(f"cannot tell what {args.output} is to be: end it in .html or .csv, or use -f")
    return form


def _is_wanted(args: argparse.Namespace, run: HistoryRun) -> bool:
    told = run.circumstances
    return (
        (args.host is None or told.host == args.host)
        and (args.words is None or args.words in told.command)
        and (args.branch is None or run.branch == args.branch)
    )


def _link(links: Dict[str, str], folder: str, draw: bool, trace: Trace, run: HistoryRun) -> None:
    """Note where the flamegraph of a run is; draw it if it is missing and wanted."""
    row = FORMATS[0]
    picture = default_output(run.file, row)
    if not os.path.exists(picture):
        if not draw:
            return
        module = row.load()
        with whole_file(picture) as out:
            module.export(trace, out, module.Options())
    links[run.file] = quote(os.path.relpath(picture, folder), errors="surrogateescape")


def _merge(run: HistoryRun, parts: List[str]) -> HistoryRun:
    blank = {part: f"any {part}" for part in parts}
    return replace(run, circumstances=replace(run.circumstances, **blank)) if blank else run


def _nothing(args: argparse.Namespace, reading: Reading) -> InputError:
    """Why there is no run to show."""
    if reading.others:
        chosen: Tuple[Tuple[str, Optional[str]], ...] = (
            ("host", args.host),
            ("command", args.words),
            ("branch", args.branch),
        )
        seen = "; ".join(
            f"{what}: {', '.join(printable(value) or 'unknown' for value in sorted(reading.seen[what])[:5])}"
            for what, value in chosen
            if value is not None
        )
        return InputError(f"none of {counted(reading.others, 'run')} is what was asked for; there are {seen}")
    file, reason = reading.left_out[0]
    return InputError(
        f"no run to show: {counted(len(reading.left_out), 'run file')} left out, the first {file}: {reason}"
    )


def _say_what_is_left_out(reading: Reading) -> None:
    count = len(reading.left_out)
    for file, reason in reading.left_out[:_SAID]:
        print(f"nutrace: left out {printable(file, LINE)}: {printable(reason, LINE)}", file=sys.stderr)
    if count > _SAID:
        print(f"nutrace: left out {count - _SAID:,} more run files", file=sys.stderr)
