"""``nutrace run -- python script.py``: the same as NUTRACE=1, with the options as flags."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import fields

from nutrace.errors import SettingsError, UsageError
from nutrace.settings import Settings, variable

_NOT_FOUND = 127


def configure(parser: argparse.ArgumentParser) -> None:
    """Every setting is a flag; the program follows ``--``."""
    parser.usage = "nutrace run [options] -- python script.py [arguments]"
    parser.epilog = "The program's exit code is passed on. Each flag is a NUTRACE_* variable as well."
    for option in fields(Settings):
        flag = "--" + option.name.replace("_", "-")
        text = f"{option.metadata['help']} (default: {option.default or 'none'})"
        if isinstance(option.default, bool):
            parser.add_argument(f"--no-{option.name}", dest=option.name, action="store_const", const="0",
                                help=f"do not {option.metadata['help']}")  # fmt: skip
        else:
            parser.add_argument(flag, dest=option.name, metavar=option.name.upper(), help=text)
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Become the program, with tracing on; returns only if that fails.

    Raises
    ------
    UsageError
        Without a program.
    SettingsError
        For a bad value, before anything is started.
    """
    program = args.program[1:] if args.program[:1] == ["--"] else args.program
    if not program:
        raise UsageError("nothing to run: nutrace run -- python script.py")
    given = {option.name: getattr(args, option.name) for option in fields(Settings)}
    environ = {variable(name): value for name, value in given.items() if value is not None}
    _check({**os.environ, **environ})
    if program[0] in ("python", "python3") and not shutil.which(program[0]):
        program = [sys.executable, *program[1:]]
    if program[0].endswith(".py"):
        program = [sys.executable, *program]
    try:
        os.execvpe(program[0], program, {**os.environ, **environ, "NUTRACE": "1"})
    except OSError as error:
        print(f"nutrace: error: cannot run {program[0]}: {error.strerror}", file=sys.stderr)
    return _NOT_FOUND


def _check(environ: dict[str, str]) -> None:
    try:
        Settings.load(environ)
    except SettingsError as error:
        raise SettingsError(f"{error} (nothing was started)") from None
