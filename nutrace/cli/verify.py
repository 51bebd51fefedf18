"""``nutrace verify --with a,b -- python script.py``: the program with and without speedups, compared."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Iterator, Optional

from nutrace.cli.json_output import print_json
from nutrace.cli.options import add_json
from nutrace.cli.progress import spinner
from nutrace.cli.report_style import style_of_output
from nutrace.cli.run import command_of
from nutrace.cli.tones import Tone
from nutrace.cli.verify_text import as_json, lines
from nutrace.errors import DifferenceError, OutputError
from nutrace.speedups.registry import chosen
from nutrace.verify.runs import ProgramError, redirected
from nutrace.verify.verdict import verify

_EQUAL = 0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = "nutrace verify --with SPEEDUPS [options] -- python script.py [arguments]"
    parser.description = (
        "Run the program twice, without and with the speedups, untraced, and compare exactly what was "
        "simulated: planner inputs, ego states, observations, trajectories and traffic lights of every step, "
        "and the metric files, except for measured times. Print the first difference."
    )
    parser.epilog = (
        "Each run writes its outputs to a folder of its own: NUPLAN_EXP_ROOT is set to it; output_dir=, "
        "group= and hydra.run.dir= on the command line are replaced by it, and so is {output} anywhere. "
        "PYTHONHASHSEED is 0 unless you set it. If the runs differ, the program runs once more without "
        "speedups, to see whether it repeats itself. Exit codes: 0 equal, 1 different, 9 not verified."
    )
    parser.add_argument(
        "--with",
        dest="speedups",
        metavar="SPEEDUPS",
        default="",
        help="speedups to verify: names between commas, or all; see nutrace speedups",
    )
    parser.add_argument(
        "--keep",
        metavar="DIR",
        help="keep the outputs of both runs there (default: keep them only if they differ)",
    )
    add_json(parser)
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Run the program twice, compare, and print the verdict."""
    chosen(args.speedups)  # raises before anything is started
    words = command_of(args.program, "nutrace verify --with all -- python script.py")
    for word in redirected(words, Path())[1]:
        print(f"nutrace: {word} is replaced by a folder for each run", file=sys.stderr)
    folder = _folder(args.keep)
    remove = args.keep is None
    try:
        with spinner() as tick:
            verdict = verify(words, args.speedups, folder, tick)
        kept: Optional[str] = str(folder)
        if remove and verdict.compared.equal:
            kept = None
        else:
            remove = False
    except ProgramError as error:
        print(error.output, file=sys.stderr)
        raise
    finally:
        if remove:
            shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print_json(as_json(verdict, kept))
    else:
        style = style_of_output()
        tone = Tone.GOOD if verdict.compared.equal else Tone.BAD
        first, *rest = lines(verdict, kept)
        print(style.text(first, hanging=2, tone=tone))
        for line in rest:
            print(style.text(line, hanging=2))
    return _EQUAL if verdict.compared.equal else DifferenceError.exit_code


def _folder(keep: Optional[str]) -> Path:
    with _one_line(keep or tempfile.gettempdir()):
        if keep is None:
            return Path(tempfile.mkdtemp(prefix="nutrace-verify-")).resolve()
        folder = Path(keep).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if os.listdir(folder):
            raise OutputError(f"{folder} is not empty: name a new directory with --keep")
        return folder


@contextlib.contextmanager
def _one_line(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot make a folder at {where}: {error.strerror}") from error
