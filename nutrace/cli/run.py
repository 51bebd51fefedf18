"""``nutrace run -- python script.py``: the same as NUTRACE=1, with the settings as flags."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from typing import List, Mapping, Sequence

from nutrace.errors import MissingDependencyError, SettingsError, UsageError
from nutrace.printable import LINE, printable
from nutrace.settings import Settings, variable
from nutrace.speedups.registry import VARIABLE as SPEEDUPS_VARIABLE
from nutrace.speedups.registry import chosen

_NOT_FOUND = 127
_PYTHON = re.compile(r"python(\d+(\.\d+)*)?\Z")
_PATIENCE_S = 20
# The start-up file turns tracing on: to have nutrace on the path is not enough.
_HAS_HOOK = """
import os, site, sys
folders = [*site.getsitepackages(), site.getusersitepackages()]
hooks = [os.path.join(folder, "nutrace_autostart.pth") for folder in folders]
sys.exit(sys.flags.no_site or not any(map(os.path.exists, hooks)))
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting; the program follows ``--``."""
    parser.usage = "nutrace run [options] -- python script.py [arguments]"
    parser.epilog = "The exit code is the program's. Each flag is a NUTRACE_* variable as well."
    for option in fields(Settings):
        dashed = option.name.replace("_", "-")
        text = f"{option.metadata['help']} (default: {option.default or 'none'})"
        if option.default is True:
            parser.add_argument(f"--no-{dashed}", dest=option.name, action="store_const", const="0",
                                help=f"do not {option.metadata['help'].partition(';')[0]}")  # fmt: skip
        elif option.default is False:
            parser.add_argument(f"--{dashed}", dest=option.name, action="store_const", const="1",
                                help=option.metadata["help"])  # fmt: skip
        elif "alone" in option.metadata:
            unit, meaning = option.metadata["alone"]
            parser.add_argument(f"--{dashed}", dest=option.name, metavar=unit, nargs="?",
                                const=meaning, help=option.metadata["help"])  # fmt: skip
        else:
            short = [option.metadata["short"]] if "short" in option.metadata else []
            parser.add_argument(
                *short, f"--{dashed}", dest=option.name, metavar=option.name.upper(), help=text
            )
    parser.add_argument(
        "--with",
        dest="speedups",
        metavar="SPEEDUPS",
        help="speedups to switch on: names between commas, or all; see nutrace speedups",
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Replace this process by the program, with tracing on; return only if that fails.

    Raises
    ------
    UsageError
        If no program is named.
    MissingDependencyError
        If the program is an interpreter without nutrace, which would run untraced.
    SettingsError
        If a value is wrong; nothing is started then.
    """
    given = {option.name: getattr(args, option.name) for option in fields(Settings)}
    environ = {variable(name): value for name, value in given.items() if value is not None}
    if args.speedups is not None:
        environ[SPEEDUPS_VARIABLE] = args.speedups
    check_environment({**os.environ, **environ})
    program = command_of(args.program, "nutrace run -- python script.py")
    try:
        os.execvpe(program[0], program, {**os.environ, **environ, "NUTRACE": "1"})
    except OSError as error:
        print(f"nutrace: error: cannot run {printable(program[0], LINE)}: {error.strerror}", file=sys.stderr)
    return _NOT_FOUND


def command_of(given: Sequence[str], example: str) -> List[str]:
    """The command that follows ``--``, after a check that it can be traced.

    Raises
    ------
    UsageError
        If there is none; the message shows the `example`.
    MissingDependencyError
        If it is an interpreter without nutrace.
    """
    program = list(given[1:] if given[:1] == ["--"] else given)
    if not program:
        raise UsageError(f"nothing to run: {example}")
    if program[0] in ("python", "python3") and not shutil.which(program[0]):
        program = [sys.executable, *program[1:]]
    if program[0].endswith(".py"):
        program = [sys.executable, *program]
    _check_hook(program[0])
    return program


def _check_hook(program: str) -> None:
    python = shutil.which(program)
    if (
        python is None
        or not _PYTHON.match(os.path.basename(python))
        or os.path.samefile(python, sys.executable)
    ):
        return
    command = [python, "-c", _HAS_HOOK]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):  # the program itself will say what is wrong
        return
    if done.returncode:
        raise MissingDependencyError(
            f"{python} has no nutrace and would run untraced: install nutrace there, or name the "
            f"interpreter that has it ({sys.executable})"
        )


def check_environment(environ: Mapping[str, str]) -> None:
    """Check the variables of a program before it is started.

    Raises
    ------
    SettingsError
        If a setting or a speedup is wrong.
    """
    try:
        Settings.load(environ)
        chosen(environ.get(SPEEDUPS_VARIABLE, ""))
    except SettingsError as error:
        raise SettingsError(f"{error} (nothing was started)") from None
