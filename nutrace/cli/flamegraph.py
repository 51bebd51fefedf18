"""``nutrace flamegraph run.json``: draw a run in any of the formats."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import textwrap
from dataclasses import fields
from typing import Any, Dict

from nutrace.cli.difference import add_difference, difference_counts, drawn_files, load_difference
from nutrace.cli.options import LOADING, add_raw, add_samples, add_steps, component, load_run, say
from nutrace.cli.progress import phases
from nutrace.cli.viewers import can_show, show, shown_formats
from nutrace.errors import OutputError, UsageError
from nutrace.printable import LINE, printable
from nutrace.trace import select
from nutrace.trace.correction import UNCORRECTED
from nutrace.trace.opening import STDIN
from nutrace.trace.parquet_format import PARTITION, exported_runs
from nutrace_exporters.labels import counted
from nutrace_exporters.output import STDOUT, whole_file
from nutrace_exporters.registry import FORMATS, Format, find
from nutrace_exporters.svghead import THEMES

_SUFFIX = re.compile(r"(\.(json|jsonl|ndjson))?(\.gz)?(\.partial)?\Z")
_DRAWING, _PART = "drawing", 1.0  # of the time that loading takes
_EXAMPLES = """

examples:
  nutrace flamegraph run.json --open            the page, in the web browser
  nutrace flamegraph run.json -f svg --steps 0: a picture of the steps alone
  nutrace flamegraph run.json -f speedscope -o - --steps 42 > step.json
  nutrace flamegraph run.json --slowest 5%      what slow steps do more of"""
_RUN_FILE = b'{"resourceSpans"'


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = "Draw a run, or what is different between two sides (--against, --slowest)."
    parser.epilog = _formats() + _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "files",
        nargs="+",
        metavar="file",
        help="a run file, such as run.json or run.json.gz, or any OTLP/JSON file; - is standard input; with "
        "--against also several, or folders of them",
    )
    add_difference(parser)
    parser.add_argument(
        "-f",
        "--format",
        default=FORMATS[0].name,
        metavar="FORMAT",
        help=f"{', '.join(row.name for row in FORMATS)}: see below (default {FORMATS[0].name})",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write, - for standard output (default: beside the run: run.flamegraph.html, ...)",
    )
    parser.add_argument(
        "--open",
        action="store_true",
        help="show the drawing: in the web browser, or a speedscope file in the npm package speedscope, if "
        "that is installed",
    )
    add_samples(parser)
    add_steps(parser)
    add_raw(parser)
    parser.add_argument(
        "--component", type=component, metavar="NAME", help="only the spans of a component, and those in them"
    )
    parser.add_argument(
        "--no-samples",
        dest="with_samples",
        action="store_false",
        help="leave out the functions that a sampler saw inside spans: draw only what was measured",
    )
    of_formats = parser.add_argument_group("options of some formats")
    of_formats.add_argument("--title", help="heading of the drawing (html, svg, speedscope)")
    of_formats.add_argument(
        "--width", type=int, metavar="PX", help="width of the picture (svg; default 1200)"
    )
    of_formats.add_argument(
        "--theme", help="light, dark, or auto: as the reader's computer is set (svg; default auto)"
    )
    of_formats.add_argument(
        "--min-us",
        type=float,
        metavar="US",
        help="join neighbouring spans shorter than this many microseconds (speedscope, chrome)",
    )


def _formats() -> str:
    """The formats, and what opens them, as wide as the rest of the help."""
    width = shutil.get_terminal_size().columns - 2  # as argparse does
    column = max(len(row.name) for row in FORMATS) + 4
    lines = [
        textwrap.fill(
            row.description,
            max(width, column + 20),
            initial_indent=f"  {row.name}".ljust(column),
            subsequent_indent=" " * column,
            break_on_hyphens=False,
        )
        for row in FORMATS
    ]
    return "\n".join(["formats:", *lines])


def run(args: argparse.Namespace) -> int:
    """Draw the run, or two sides, and print one line on the file that was written."""
    row = find(args.format)
    files, mark = drawn_files(args)
    output = args.output or default_output(files[0], row, mark)
    _check(args, row, output)
    for file in files:
        check_output(output, file)
    module = row.load_difference() if mark else row.load()
    options = module.Options(**_options(module.Options, args, row))
    with phases({**LOADING, _DRAWING: _PART}) as shown:
        if mark:
            drawn: Any = load_difference(args)
            what = difference_counts(drawn)
        else:
            samples = args.samples if args.with_samples else None
            whole = load_run(files[0], raw=args.raw, samples=samples, shown=shown)
            drawn = select(whole, steps=args.steps, component=args.component, scenario=args.scenario)
            what = f"{counted(len(drawn), 'span')}, {counted(len(drawn.step_indices), 'step')}"
            times = drawn.correction.state
            what += "" if times == UNCORRECTED else f", times {times}"
        say(shown, _DRAWING)
        if shown is not None and output == STDOUT:
            shown.clear()  # which may be the same terminal
        with whole_file(output) as out:
            module.export(drawn, out, options)
    if output != STDOUT:
        _print_written(what, drawn.selection, row, output)
        if args.open:
            show(output, row)
        elif not row.browser:
            print(f"nutrace: {row.name}: {row.description}", file=sys.stderr)
    return 0


def default_output(file: str, row: Format, mark: str = "") -> str:
    """The path beside the run file or folder: its name with `mark` and the format's suffix.

    Of an exported run it is in the folder of all tables: to other programs, every file in the folder of a
    table is a part of it.
    """
    exported = exported_runs(file)
    if len(exported) == 1 and not os.path.samefile(file, exported[0].folder):
        return os.path.join(exported[0].folder, exported[0].partition[len(PARTITION) :] + mark + row.suffix)
    if os.path.isdir(file):
        return os.path.normpath(file) + mark + row.suffix
    if file == STDIN or (os.path.exists(file) and not os.path.isfile(file)):
        return "run" + mark + row.suffix  # a pipe has no folder for files
    head, name = os.path.split(file)
    return os.path.join(head, (_SUFFIX.sub("", name) or "run") + mark + row.suffix)


def _check(args: argparse.Namespace, row: Format, output: str) -> None:
    """Check the options before the file is read."""
    if args.min_us is not None and not 0 <= args.min_us <= 1e9:
        raise UsageError(f"bad --min-us {args.min_us}: write microseconds from 0 to 1e9")
    if args.samples and not args.with_samples:
        raise UsageError("--samples and --no-samples exclude each other: leave one out")
    if args.width is not None and not 200 <= args.width <= 20_000:
        raise UsageError(f"bad --width {args.width}: write pixels from 200 to 20000")
    if args.theme not in (None, *THEMES):
        raise UsageError(f"unknown theme {args.theme[:40]!r}: use one of {', '.join(THEMES)}")
    if args.open and output == STDOUT:
        raise UsageError("--open shows a file, and -o - writes none: leave one out")
    if args.open and not can_show(row):
        raise UsageError(
            f"--open shows --format {shown_formats()}; {row.name} is {row.description}: write the file, then "
            "open it there"
        )
    if output == STDOUT and sys.stdout.isatty() and row.name == "html":
        raise UsageError("-o - would fill the terminal with a web page: redirect it or name a file")


def check_output(output: str, file: str) -> None:
    """Check that an output does not replace a run file; `file` is the one that is read.

    Raises
    ------
    OutputError
        If it would.
    """
    if output != STDOUT and os.path.isfile(output) and (_same(output, file) or _is_run_file(output)):
        raise OutputError(f"{output} is a run file, which is never overwritten: choose another name")


def _same(one: str, other: str) -> bool:
    return os.path.exists(other) and os.path.samefile(one, other)


def _is_run_file(path: str) -> bool:
    try:
        with open(path, "rb") as existing:
            return existing.read(len(_RUN_FILE)) == _RUN_FILE
    except OSError:
        return False  # opening it for writing will say what is wrong


def _options(kind: Any, args: argparse.Namespace, row: Format) -> Dict[str, Any]:
    """The options of a format, as far as they were given.

    Raises
    ------
    UsageError
        If the format does not have an option that was given.
    """
    given = {
        ("--title", ("title", "name")): args.title,
        ("--width", ("width",)): args.width,
        ("--theme", ("theme",)): args.theme,
        ("--min-us", ("min_ns",)): None if args.min_us is None else round(args.min_us * 1000),
    }
    has = {field.name for field in fields(kind)}
    options = {"samples": args.with_samples} if "samples" in has else {}
    for (flag, names), value in given.items():
        if value is None:
            continue
        own = has.intersection(names)
        if not own:
            raise UsageError(f"{flag} is not for --format {row.name}: leave it out")
        options[own.pop()] = value
    return options


def _print_written(what: str, selection: str, row: Format, output: str) -> None:
    size = os.path.getsize(output)
    chosen = f" ({printable(selection, LINE)})" if selection else ""
    print(f"{printable(output, LINE)}: {row.name}, {_size(size)}, {what}{chosen}")
    comfortable = getattr(row.load(), "COMFORTABLE_BYTES", None)
    if comfortable is not None and size > comfortable:
        print(
            f"nutrace: warning: {row.name} may not open a file of {_size(size)}: "
            "draw fewer steps (--steps A:B) or join short spans (--min-us 10)",
            file=sys.stderr,
        )


def _size(size: float) -> str:
    for unit in ("B", "kB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.1f} MB"
