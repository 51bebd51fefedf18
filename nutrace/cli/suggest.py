"""``nutrace suggest run.json > probes.toml``: the functions that are worth a span of their own."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from nutrace.cli.fitting import wrapped
from nutrace.cli.json_output import print_json
from nutrace.cli.options import (
    add_json,
    add_limit,
    add_min_share,
    add_raw,
    add_run_file,
    add_samples,
    load_run,
)
from nutrace.cli.report_style import Style, style_of_output
from nutrace.cli.run import command_of
from nutrace.cli.suggest_text import Page, as_json, opaque_lines, toml_lines
from nutrace.cli.tones import Tone
from nutrace.errors import UsageError, did_you_mean
from nutrace.printable import LINE, printable
from nutrace.probes.catalogue import collect
from nutrace.probes.catalogue.user_file import read_probe_file
from nutrace.probes.probe import Probe
from nutrace.settings import Settings
from nutrace.suggestions.counting import Counts, count
from nutrace.suggestions.opaque import opaque
from nutrace.suggestions.suggest import Suggestions, survey
from nutrace.trace import Trace
from nutrace.trace.sampled import NO_GROUP

_EXAMPLE = "nutrace suggest run.json --count -- python script.py"
_INTERRUPTED = 130


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments; the program to count calls in follows ``--``."""
    parser.usage = "nutrace suggest FILE [options] [--count -- python script.py [arguments]]"
    parser.description = (
        "Write a file of probes for NUTRACE_PROBES: the functions that are worth a span of their own, "
        "those of your own packages first. The run has to be sampled. "
        "Example: NUTRACE=1 NUTRACE_SAMPLE=1 python script.py; nutrace suggest run.json > probes.toml; "
        "NUTRACE=1 NUTRACE_PROBES=probes.toml python script.py"
    )
    parser.epilog = (
        "--count runs the program that follows --, traced, with a probe on each function that may be "
        "suggested: let it be short, such as one scenario. Functions that are called so often that probing "
        "them would cost more than 2 % of their own time, or all together more than 2 % of a step, are then "
        "left out, with their calls. What the program prints goes to stderr."
    )
    add_run_file(parser)
    add_raw(parser)
    _add_options(parser)
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--span", metavar="NAME", help="look into the spans of this name (default: those with much self time)"
    )
    add_min_share(parser, 0.03, "share of a span's self time")
    add_limit(parser, "probes")
    add_samples(parser)
    add_json(parser)
    parser.add_argument("--count", action="store_true", help="count calls in a run of the program after --")


def run(args: argparse.Namespace) -> int:
    """Print the file of probes; return the exit code.

    Raises
    ------
    UsageError
        If there are no such spans, or ``--count`` has no program.
    ProbeError, SettingsError
        If the probes or settings that the program has already are wrong.
    """
    command = _command(args)
    trace = load_run(args.file, raw=args.raw, samples=args.samples)
    if trace.sampled is None or not trace.sampled.placed:
        return _without_samples(trace, args)
    _check_span(trace, args.span)
    own = Settings.load().probes
    found = survey(trace, trace.sampled, collect(own or None, Path.cwd()), args.span, args.min_share)
    counts = _count(command, found.to_count(args.limit), own) if command and found.possible else None
    suggestions = found.suggest(args.limit, counts)
    page = Page(args.file, trace, trace.sampled, suggestions, counts)
    if args.json:
        print_json(as_json(page))
    else:
        _print(toml_lines(page))
    return _end(suggestions, counts)


def _print(lines: Sequence[str]) -> None:
    """Print a file of probes; on a terminal with the comments in another colour."""
    # What goes into a file is TOML, also where FORCE_COLOR is set, as it is in notebooks.
    style = style_of_output() if sys.stdout.isatty() else Style()
    for line in lines:
        if style.width is None or not line.startswith("#"):
            print(line)  # a table is as long as it is: its lines are copied
            continue
        first, *rest = wrapped(line, style.width - 2)
        for part in (first, *(f"# {each}" for each in rest)):
            print(style.parts([(part, Tone.QUIET)]))


def _command(args: argparse.Namespace) -> Optional[List[str]]:
    """The program to run. Options between the file and ``--`` are read here: argparse stops at the file."""
    words: List[str] = args.program
    at = words.index("--") if "--" in words else len(words)
    parser = argparse.ArgumentParser(prog="nutrace suggest", usage=argparse.SUPPRESS, add_help=False)
    _add_options(parser)
    _, unknown = parser.parse_known_args(words[:at], args)
    if unknown:
        raise UsageError(f"cannot read {printable(unknown[0])}: {_EXAMPLE}")
    program = words[at + 1 :]
    if args.count:
        return command_of(program, _EXAMPLE)
    if program:
        raise UsageError(f"a program is run for --count only: {_EXAMPLE}")
    return None


def _check_span(trace: Trace, span: Optional[str]) -> None:
    assert trace.sampled is not None
    seen = {name for name, group in zip(trace.name, trace.sampled.group_of) if group != NO_GROUP}
    if span is None or span in seen:
        return
    why = "no sample was taken in it" if span in trace.name else "the run has no such span"
    near = did_you_mean(span, seen)
    raise UsageError(f"--span {printable(span)}: {why}; some that have samples: {_some(sorted(seen))}{near}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(printable(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")


def _without_samples(trace: Trace, args: argparse.Namespace) -> int:
    spans = opaque(trace)
    why = "has no samples" if trace.sampled is None else "has samples, but none that lies in a span"
    if args.json:
        print_json({"probes": [], "reason": why, "opaque": [vars(span) for span in spans]})
    else:
        _print(opaque_lines(args.file, why, spans))
    name = printable(args.file, LINE)
    todo = "run with NUTRACE_SAMPLE=1, or give stacks of this very run with --samples"
    print(f"nutrace: {name} {why}, so there is no probe to suggest: {todo}", file=sys.stderr)
    return 0


def _count(command: Sequence[str], probes: Sequence[Probe], own: str) -> Counts:
    line = printable(shlex.join(command), LINE)
    print(f"nutrace: counting calls of {len(probes)} functions: {line}", file=sys.stderr, flush=True)
    counts = count(command, probes, read_probe_file(own) if own else ())
    for text in _count_notes(counts):
        print(f"nutrace: {text}", file=sys.stderr)
    return counts


def _count_notes(counts: Counts) -> List[str]:
    if counts.trace is None:
        return [f"the program ended with exit code {counts.code} and left no run file: nothing was counted"]
    what = f"calls in {counts.steps:,} finished steps" if counts.steps else "calls of a run without steps"
    notes = [f"counted: {what}"]
    if counts.interrupted:
        notes.append("the program was interrupted: the calls up to then were counted")
    elif counts.stopped:
        notes.append("the program was stopped, as its spans took 1 GB: let it run for fewer steps")
    elif counts.code:
        notes.append(f"the program ended with exit code {counts.code}: the calls up to then were counted")
    return notes


def _end(suggestions: Suggestions, counts: Optional[Counts]) -> int:
    if counts is not None and counts.interrupted:
        return _INTERRUPTED
    if not suggestions.suggested:
        print(
            "nutrace: no function is worth a probe: see the comments for what was left out", file=sys.stderr
        )
    return 0
