"""Arguments that several commands have, and what each of them does with these."""

from __future__ import annotations

import argparse
import sys
from typing import Optional

from nutrace.cli.progress import progress_bar
from nutrace.cli.table import printable
from nutrace.errors import UsageError
from nutrace.trace import Trace, load, parse_steps, select


def add_run_file(parser: argparse.ArgumentParser) -> None:
    """Add the run file: ``args.file``."""
    parser.add_argument("file", help="a run file, such as run.json or run.json.gz; any OTLP/JSON")


def add_steps(parser: argparse.ArgumentParser) -> None:
    """Add ``--steps``; :func:`selected_steps` applies it."""
    parser.add_argument(
        "--steps", metavar="A:B", help="only steps A up to, but not including, B; also A:, :B, or one number"
    )


def add_limit(parser: argparse.ArgumentParser, listed: str) -> None:
    """Add ``--limit``; `listed` says what a table has N of. :func:`check_limit` checks it."""
    parser.add_argument(
        "--limit", type=int, default=15, metavar="N", help=f"list N {listed}, 0 for all (default 15)"
    )


def add_json(parser: argparse._ActionsContainer, remark: str = "") -> None:
    """Add ``--json``; :mod:`nutrace.cli.json_output` is what it prints."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs" + remark)


def check_limit(limit: int) -> None:
    """Check the number of rows that ``--limit`` gives.

    Raises
    ------
    UsageError
        If it is negative.
    """
    if limit < 0:
        raise UsageError(f"bad --limit {limit}: write a number of rows, 0 for all")


def check_steps(steps: Optional[str]) -> Optional[range]:
    """Parse ``--steps`` before a file is read; raises as :func:`nutrace.trace.parse_steps` does."""
    return None if steps is None else parse_steps(steps)


def selected(trace: Trace, steps: Optional[range]) -> Trace:
    """The part of a trace that ``--steps`` selects."""
    return trace if steps is None else select(trace, steps=steps)


def load_run(file: str, *, warn: bool = True) -> Trace:
    """Load a run file behind a progress bar; raises as :func:`nutrace.trace.load` does.

    Parameters
    ----------
    file:
        As the user typed it.
    warn:
        Print a line on stderr if the run was cut short, or goes on.
    """
    with progress_bar("bytes") as progress:
        trace = load(file, progress=progress)
    if warn and trace.diagnostics.cut_short:
        print(f"nutrace: {printable(file, 400)}: {trace.diagnostics.cut_short}", file=sys.stderr)
    return trace
