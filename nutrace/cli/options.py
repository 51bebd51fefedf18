"""Arguments that several commands have, and how these load a run file."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import Iterator, Optional, Sequence

from nutrace.cli.progress import Phases, phases
from nutrace.errors import UsageError, did_you_mean
from nutrace.printable import LINE, printable
from nutrace.sampling.attached import with_samples
from nutrace.semconv import COMPONENTS
from nutrace.trace import Trace, load, parse_steps
from nutrace.trace.opening import STDIN
from nutrace.trace.phases import CORRECTING, READING, TREE

ANALYSING = "analysing"

#: Rows of a table, if the user does not say how many.
ROWS = 15

#: The phases of loading a run, with the part of the time that each takes.
LOADING = {READING: 0.68, TREE: 0.26, CORRECTING: 0.06}


def add_run_file(parser: argparse.ArgumentParser) -> None:
    """Add the run file, ``args.file``, for :func:`load_run`."""
    parser.add_argument(
        "file",
        help="a run file, such as run.json or run.json.gz, or any OTLP/JSON file; or what nutrace export "
        "wrote: OUT with one run, or OUT/spans/run=NAME; - is standard input",
    )


def add_steps(parser: argparse.ArgumentParser) -> None:
    """Add ``--scenario`` and ``--steps``, for :func:`nutrace.trace.select`; None where they are not given."""
    parser.add_argument(
        "--scenario",
        metavar="WHICH",
        help="only one scenario, by its token, the beginning of the token, or its number from 1; or all "
        "scenarios of a type",
    )
    # A UsageError of the type passes through argparse, and is printed as one line.
    parser.add_argument(
        "--steps",
        type=parse_steps,
        metavar="A:B",
        help="only steps A up to, but not including, B, of each scenario; also A:, :B, or one number",
    )


def component(name: str) -> str:
    """A component's name, as the ``type`` of an argument."""
    if name not in COMPONENTS:
        near = did_you_mean(name, COMPONENTS)
        raise UsageError(f"unknown component {name[:40]!r}: use one of {', '.join(COMPONENTS)}{near}")
    return name


def add_raw(parser: argparse.ArgumentParser) -> None:
    """Add ``--raw``, for :func:`load_run`."""
    parser.add_argument(
        "--raw",
        action="store_true",
        help="times as they were recorded: leave nutrace's own time in the spans in which it was spent",
    )


def add_limit(parser: argparse.ArgumentParser, listed: str, *, and_default: str = "") -> None:
    """Add ``--limit``, the number of rows in a table, 0 for all; `listed` says what the rows are.

    With `and_default`, words for another default that there is as well, it is None if it is not given.
    """
    parser.add_argument(
        "--limit",
        type=_number_of_rows,
        default=None if and_default else ROWS,
        metavar="N",
        help=f"list N {listed}, 0 for all (default {ROWS}{and_default})",
    )


def _number_of_rows(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"bad --limit {text[:40]}: write a number of rows, 0 for all")
    return int(text)


def add_min_share(parser: argparse.ArgumentParser, share: float, what: str) -> None:
    """Add ``--min-share``: the least of something that is listed, `share` (0 to 1) by default."""
    parser.add_argument(
        "--min-share",
        type=_percent,
        default=share,
        metavar="PERCENT",
        help=f"least {what} (default {100 * share:g})",
    )


def _percent(text: str) -> float:
    try:
        value = float(text.rstrip("% "))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise UsageError(f"bad --min-share {printable(text)}: write a percentage, such as 2")
    return value / 100


def add_json(parser: argparse._ActionsContainer, remark: str = "") -> None:
    """Add ``--json``, for :func:`nutrace.cli.json_output.print_json`."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs" + remark)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add ``--explain``, for :func:`nutrace.cli.report_style.style_of_output`."""
    parser.add_argument("--explain", action="store_true", help="say what the columns mean")


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Add ``--samples``, the files that ``args.samples`` lists, for :func:`load_run`."""
    parser.add_argument(
        "--samples",
        action="append",
        default=[],
        metavar="FILE",
        help="stacks that a sampler saw during the run (py-spy record --idle --function --full-filenames "
        "-f raw, and other collapsed stacks), in the place of those in the run file; may be repeated",
    )


def say(shown: Optional[Phases], phase: str) -> None:
    """Say that a phase begins, if progress is shown."""
    if shown is not None:
        shown.begin(phase)


@contextlib.contextmanager
def analysing(part: float) -> Iterator[Optional[Phases]]:
    """Show the progress of loading a run, and of an analysis that takes a `part` of the time of loading.

    To be given to :func:`load_run`; the analysis begins with ``say(shown, ANALYSING)``.
    """
    with phases({**LOADING, ANALYSING: part}) as shown:
        yield shown


def load_with(shown: Optional[Phases], file: str, *, raw: bool) -> Trace:
    """Load a run file, and show the progress of it, if it is shown."""
    if shown is None:
        return load(file, raw=raw)
    return load(file, raw=raw, progress=shown.advance, phase=shown.begin)


def load_run(
    file: str,
    *,
    raw: bool = False,
    warn: bool = True,
    samples: Optional[Sequence[str]] = None,
    shown: Optional[Phases] = None,
) -> Trace:
    """Load a run file behind a progress bar; raises as :func:`nutrace.trace.load` does.

    Parameters
    ----------
    file:
        As the user typed it.
    raw:
        Leave times as they were recorded.
    warn:
        Print a line on stderr if the run was cut short, or goes on.
    samples:
        Files of stacks to join to the spans; the run file's own if there are no files. None joins nothing.
    shown:
        What shows the progress of more than loading; by default there is a bar for loading.

    Raises
    ------
    UsageError
        If both the run and samples are to come from standard input.
    """
    if samples and [file, *samples].count(STDIN) > 1:
        raise UsageError("only one of the run file and --samples can be - (standard input): name the others")
    with contextlib.nullcontext(shown) if shown else phases(LOADING) as told:
        trace = load_with(told, file, raw=raw)
    if samples is not None:
        trace = with_samples(trace, samples)
    if warn and trace.diagnostics.cut_short:
        if shown is not None:
            shown.make_room()
        print(f"nutrace: {printable(file, LINE)}: {trace.diagnostics.cut_short}", file=sys.stderr)
    return trace
