"""``nutrace export RUN... -o OUT``: convert many runs, some at a time."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import List

from nutrace.cli.export_doubts import doubts
from nutrace.cli.export_jobs import jobs_for
from nutrace.cli.export_names import checked, named
from nutrace.cli.export_one import Conversion
from nutrace.cli.export_processes import convert_all
from nutrace.cli.export_summary import Summary
from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json
from nutrace.cli.progress import spinner
from nutrace.cli.run_files import run_files
from nutrace.errors import OutputError, UsageError, did_you_mean
from nutrace.printable import LINE, printable
from nutrace.trace.parquet_format import import_pyarrow
from nutrace_exporters.registry import FORMATS, TABLES

_FORMATS = {row.name: row for row in (*TABLES, *FORMATS)}
_INTERRUPTED = 130
_MOST_JOBS = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    default = TABLES[0].name
    parser.description = (
        "Convert runs, each in a process of its own, some at a time. Tables of all runs go into one folder, "
        "OUT/TABLE/run=NAME/, and are queried together; a format that draws writes a file for each run. A "
        "run is called as its file is. If one fails, a line says why, the others go on, and the exit code is "
        "1. Whatever happens, a run is in OUT as a whole or not at all."
    )
    parser.add_argument("names", nargs="+", metavar="RUN", help="run files, and folders of them")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the folder to write into")
    described = "; ".join(f"{row.name}: {row.description}" for row in _FORMATS.values())
    parser.add_argument(
        "-f", "--format", default=default, type=_format, metavar="|".join(_FORMATS),
        help=f"{described} (default {default})",
    )  # fmt: skip
    parser.add_argument(
        "-j", "--jobs", type=_jobs, metavar="N",
        help="runs that are converted at a time (default: one a processor, or as many as memory holds)",
    )  # fmt: skip
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--force", action="store_true", help="replace runs that are in OUT already")
    there.add_argument("--resume", action="store_true", help="leave them as they are, convert the others")
    parser.add_argument(
        "--name", type=checked, metavar="NAME", help="what the run is called in OUT, if there is only one"
    )
    add_json(parser)


def _format(name: str) -> str:
    if name not in _FORMATS:
        near = did_you_mean(name, _FORMATS)
        raise UsageError(f"unknown format {name[:40]!r}: use one of {', '.join(_FORMATS)}{near}")
    return name


def _jobs(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_JOBS):
        raise UsageError(f"bad --jobs {printable(text)}: write a number of processes, 1 to {_MOST_JOBS}")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Convert the runs and say what was written.

    Raises
    ------
    UsageError
        If a name is given to several runs.
    InputError
        If a folder has no run files.
    OutputError
        If the folder cannot be made.
    MissingDependencyError
        If the format needs a package that is not installed.
    """
    conversions = _conversions(args)
    if conversions[0].is_tables():
        import_pyarrow(f"--format {args.format}")  # before each process says that it is missing
    made = _make(args.output)
    there = [one for one in conversions if not args.force and os.path.lexists(one.place())]
    left_alone = set(there)
    todo = [one for one in conversions if one not in left_alone]
    jobs = jobs_for([one.file for one in todo], args.jobs)
    summary = Summary(args.output, args.format, jobs, todo, there, resume=args.resume)
    code = 0
    try:
        with spinner() as tick:
            convert_all(todo, jobs, lambda working: tick(summary.doing(working)), summary.ended)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # only if nothing was written
    summary.say(interrupted=bool(code))
    if conversions[0].is_tables():
        for doubt in doubts(args.output):
            print(f"nutrace: warning: {printable(doubt, LINE)}", file=sys.stderr)
    if args.json:
        print_json(summary.as_json())
    elif summary.done or not summary.code:
        print(summary.line())
    return code or summary.code


def _conversions(args: argparse.Namespace) -> List[Conversion]:
    names = named(run_files(args.names))
    if args.name is not None:
        if len(names) > 1:
            raise UsageError(f"--name is for one run, and there are {len(names)}: leave it out")
        names = dict.fromkeys(names, args.name)
    return [
        Conversion(file, name, args.output, args.format, replace=args.force) for file, name in names.items()
    ]


def _make(folder: str) -> List[str]:
    """Make the folder; returns those that were made, the innermost first."""
    made = []
    above = os.path.abspath(folder)
    while not os.path.lexists(above):
        made.append(above)
        above = os.path.dirname(above)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        reason = "it is not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise OutputError(f"cannot write into {folder}: {reason}; name another folder with -o") from error
    return made
