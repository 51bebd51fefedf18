"""``nutrace bench``: run a program under several variants, interleaved, and compare them."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Dict, List

from nutrace.bench.machine import doubts, machine
from nutrace.bench.record import Record, begin, resume
from nutrace.bench.session import Plan, ProgramFailedError, Session
from nutrace.bench.variants import FORM, check, parse_variant
from nutrace.called import program
from nutrace.cli.bench_text import as_json, as_text, together
from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, add_limit
from nutrace.cli.progress import spinner
from nutrace.cli.report_style import style_of_output
from nutrace.cli.run import check_environment, command_of
from nutrace.comparison.numeric import numeric
from nutrace.errors import InputError, UsageError
from nutrace.printable import LINE, printable

_EXAMPLE = "nutrace bench --variant base --variant cache:traffic_light_cache -- python script.py"
_INTERRUPTED = 130
_MOST_RUNS = 1000
_DECIDED = "decided"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments; the program follows ``--``."""
    parser.usage = "nutrace bench --variant NAME[:WHAT] ... [options] -- python script.py [arguments]"
    parser.description = (
        "Run a program under several variants, traced, and compare each with the first. Each round runs "
        "every variant once, in an order that is shuffled and written to bench.json, so that whatever "
        "changes on the machine meanwhile strikes all alike. Every run keeps its run file: DIR/NAME/01.json, "
        "or 01.json.gz if NUTRACE_OUTPUT ends in .gz, with what it printed beside it."
    )
    parser.epilog = (
        f"A variant is {FORM}. What follows the colon is written as in a shell, in this order: "
        "variables, speedups with their options (see nutrace speedups), and after -- a command that runs in "
        "the place of the one at the end. Examples: base, cache:traffic_light_cache, all:all, "
        "threads:OMP_NUM_THREADS=1, 'both:OMP_NUM_THREADS=1 row_cache', 'idm:-- python idm.py'. "
        "A variant that changes all that others change one by one is compared with their sum as well. "
        "Ctrl-C keeps the runs that have ended; the same command with --resume goes on. A run that fails is "
        "repeated. Compare again, with limits: nutrace compare DIR/base --against DIR/cache --fail-if ... "
        "Exit codes: 0 done, 2 bad usage, 10 the program fails, 130 interrupted."
    )
    parser.add_argument(
        "--variant", action="append", default=[], type=parse_variant, metavar="NAME[:WHAT]", dest="variants",
        help="what to run; the first is what the others are compared with",
    )  # fmt: skip
    parser.add_argument("--runs", type=_count, default=7, metavar="N", help="runs of each (default 7)")
    parser.add_argument(
        "--until", choices=[_DECIDED],
        help="decided: after --runs rounds, go on until each time of the headline and of the components "
        "has a verdict, or would have none with more runs either",
    )  # fmt: skip
    parser.add_argument("--most", type=_count, default=30, metavar="N",
                        help="runs of each at most, with --until (default 30)")  # fmt: skip
    parser.add_argument("--no-warm-up", dest="warm_up", action="store_false",
                        help="count the first runs, too, which may find the log not in memory")  # fmt: skip
    parser.add_argument("--retries", type=_count_or_none, default=2, metavar="N",
                        help="runs of a variant that may fail (default 2)")  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="shuffle as the benchmark with this seed did")
    parser.add_argument("-o", "--output", default="nutrace-bench", metavar="DIR",
                        help="a new folder for the runs (default %(default)s)")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="go on with the benchmark in that folder")
    add_json(parser)
    add_limit(parser, "rows in each table")
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_RUNS):
        raise UsageError(f"bad number {printable(text)}: write a number of runs, 1 to {_MOST_RUNS}")
    return int(text)


def _count_or_none(text: str) -> int:
    return 0 if text == "0" else _count(text)


def run(args: argparse.Namespace) -> int:
    """Run all variants, then print what each brings.

    Raises
    ------
    UsageError
        If a variant, or the program, is wrong.
    InputError
        If a program is not there; nothing is started then.
    MissingDependencyError
        If numpy or scipy is not installed; nothing is started then.
    ProgramFailedError
        If the program fails at once, or too often.
    """
    check(args.variants)
    commands = _commands(args)
    numeric()
    record = _record(args, commands)
    most = max(args.most, args.runs) if args.until else args.runs
    plan = Plan(args.runs, most, args.until == _DECIDED, args.warm_up, args.retries)
    session = Session(record, plan, commands)
    code, failure = 0, None
    try:
        with spinner() as tick:
            session.go(_say, tick)
    except KeyboardInterrupt:
        _say(f"interrupted: what has run is in {record.folder}; --resume goes on")
        code = _INTERRUPTED
    except ProgramFailedError as error:
        print(error.output, file=sys.stderr)
        failure = error
    _results(session, args)
    if failure is not None:
        raise failure
    return code


def _commands(args: argparse.Namespace) -> Dict[str, List[str]]:
    """The command of each variant, after a check that it can be traced, and of its variables."""
    commands: Dict[str, List[str]] = {}
    words: List[str] = args.program
    shared = command_of(words, _EXAMPLE) if words or not all(each.command for each in args.variants) else []
    for variant in args.variants:
        check_environment({**os.environ, **variant.environment})
        commands[variant.name] = command_of(variant.command, _EXAMPLE) if variant.command else shared
        program, path = commands[variant.name][0], variant.environment.get("PATH")
        if shutil.which(program, path=path) is None:
            raise InputError(f"cannot run {program}: there is no such program (nothing was started)")
    return commands


def _record(args: argparse.Namespace, commands: Dict[str, List[str]]) -> Record:
    folder, variants = Path(args.output).absolute(), args.variants
    command = commands[variants[0].name]
    if args.resume:
        return resume(folder, command, variants)
    facts = {**machine(), "program": shutil.which(command[0])}
    return begin(folder, command, variants, facts, args.seed)


def _results(session: Session, args: argparse.Namespace) -> None:
    record = session.record
    compared = session.compared()
    if not compared:
        return
    combined = together(session)
    reasons = doubts(record.machine, dict(record.ran[0].machine))
    if args.json:
        print_json(as_json(session, compared, combined, reasons))
        return
    style = style_of_output()
    print(as_text(session, compared, combined, reasons, style, args.limit), end="")
    base, other = (record.folder / variant.name for variant in record.variants[:2])
    shown = [printable(os.path.relpath(folder), LINE) for folder in (base, other)]
    print("\n" + style.text(f"next: {program()} compare {shown[0]} --against {shown[1]}", hanging=2))


def _say(line: str) -> None:
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # the spinner's line
    print(f"{clear}nutrace: {printable(line, LINE)}", file=sys.stderr, flush=True)
