"""``nutrace compare base.json --against new.json``: what changed, and whether it is more than chance."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import List, Sequence

from nutrace.cli.compare_json import as_json
from nutrace.cli.compare_numbers import gate_line
from nutrace.cli.compare_page import as_page
from nutrace.cli.compare_sides import Sides
from nutrace.cli.compare_text import as_text
from nutrace.cli.flamegraph import check_output
from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json, add_limit, add_raw
from nutrace.cli.report_style import style_of_output
from nutrace.cli.run_files import run_files
from nutrace.comparison import Comparison, compare
from nutrace.comparison.gates import (
    FEWEST_RUNS,
    GateResult,
    Outcome,
    UnknownFigureError,
    judge,
    parse_gate,
)
from nutrace.comparison.numeric import numeric
from nutrace.errors import InputError, NutraceError, UsageError
from nutrace.printable import LINE, printable
from nutrace_exporters.output import whole_file

_PASSED, _FAILED = 0, 1
_EPILOG = f"""
--fail-if is FIGURE OPERATOR LIMIT. FIGURE is a name in --json: a "figure" of its verdicts or statements,
headline.gap_closed, or paths.SPAN/SPAN.self_ms_per_step (and .calls_per_step). OPERATOR is >, >=, < or <=.
LIMIT is a change in percent of the base (+3%, -10%), with a sign a change in the figure's own unit (+0,
+0.5), without a sign a bound of the new side (100). Examples: "steps.p50_ms > +3%",
"database.statements_per_step > +0", "steps.p95_ms > 100". Counts are exact. For a time, it holds if the whole
interval of 95 % is beyond the limit, does not hold if none of it is, and cannot be judged if the limit lies
within it, with fewer than {FEWEST_RUNS} runs a side, or where the machine seems to have changed between sides
that were not interleaved. Exit codes: 0 no --fail-if holds, 1 one holds, 2 bad
usage or file, 3 there is not enough data to judge one, or the runs should not be compared.
"""


class NotJudgedError(NutraceError):
    """There is not enough data to judge, or it should not be compared."""

    exit_code = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = "nutrace compare BASE... --against NEW... [options]"
    parser.description = (
        "Compare two sets of runs. Counts are compared exactly, times with the interval that chance leaves. "
        "Each side is one or more run files, or folders of run files as nutrace bench writes them."
    )
    parser.epilog = _EPILOG
    parser.add_argument("base", nargs="+", metavar="BASE", help="the runs to compare with")
    parser.add_argument("--against", nargs="+", metavar="NEW", help="the runs that may have changed")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="print Markdown, for pull requests")
    add_json(form)
    parser.add_argument("--html", metavar="FILE", help="write a page as well")
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        type=parse_gate,
        metavar="GATE",
        help="exit with 1 if this holds; may be repeated; see below",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="compare runs that did not finish, were configured differently, or have nothing in common",
    )
    add_raw(parser)
    add_limit(parser, "rows in each table")


def run(args: argparse.Namespace) -> int:
    """Compare, print, and judge the gates.

    Raises
    ------
    UsageError
        If one side is missing, a file cannot be read, a run is named twice, or a gate names no figure.
    NotJudgedError
        If the sides should not be compared.
    MissingDependencyError
        If numpy or scipy is not installed.
    """
    if args.against is None:
        raise UsageError(_without_against(args.base))
    comparison = _compared(args)
    if comparison.refusals and not args.anyway:
        _refuse(comparison.refusals)
    try:
        gates = judge(args.fail_if, comparison)
    except UnknownFigureError as error:
        print("\n".join(printable(name, LINE) for name in error.known), file=sys.stderr)
        raise
    if args.html:
        with whole_file(args.html) as out:
            out.write(as_page(comparison, gates, args.limit))
    if args.json:
        print_json(as_json(comparison, gates))
    else:
        print(as_text(comparison, gates, style_of_output(args.markdown), limit=args.limit), end="")
    if args.json or args.markdown:
        _say(gates)
    return exit_code(gates)


def _without_against(base: Sequence[str]) -> str:
    message = "compare: the runs that may have changed follow --against"
    if len(base) < 2:
        return f"{message}: nutrace compare {shlex.join(base)} --against NEW"
    first, last = shlex.join(base[:-1]), shlex.quote(base[-1])
    return f"{message}; did you mean nutrace compare {first} --against {last}?"


def exit_code(gates: Sequence[GateResult]) -> int:
    """1 if a gate's condition holds; else 3 if one cannot be judged; else 0."""
    outcomes = {result.outcome for result in gates}
    if Outcome.HOLDS in outcomes:
        return _FAILED
    return NotJudgedError.exit_code if Outcome.UNKNOWN in outcomes else _PASSED


def _compared(args: argparse.Namespace) -> Comparison:
    numeric()  # if it is missing, that is said before files are read for minutes
    try:
        base, new = run_files(args.base), run_files(args.against)
        if args.html:
            for file in (*base, *new):
                check_output(args.html, file)
        sides = Sides(args.raw)
        return compare(sides.measured(base, "base"), sides.measured(new, "new"))
    except InputError as error:  # the exit code 3 of other commands means something else here
        raise UsageError(str(error)) from None


def _say(gates: Sequence[GateResult]) -> None:
    """Name the gates that do not pass, where the output is for a file."""
    for result in gates:
        if result.outcome is not Outcome.DOES_NOT_HOLD:
            print(f"nutrace: --fail-if {printable(gate_line(result), LINE)}", file=sys.stderr)


def _refuse(refusals: Sequence[str]) -> None:
    lines: List[str] = [printable(refusal, LINE) for refusal in refusals]
    for line in lines[:-1]:
        print(f"nutrace: not compared: {line}", file=sys.stderr)
    raise NotJudgedError(f"not compared: {lines[-1]}; --anyway compares them all the same")
