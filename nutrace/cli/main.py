"""The ``nutrace`` command: parse the arguments, run a command, turn errors into one line and an exit code."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from typing import List, NoReturn, Optional

from nutrace._running import stop_all
from nutrace.cli.commands import COMMANDS
from nutrace.errors import NutraceError, OutputError
from nutrace.printable import printable

INTERRUPTED = 130
BROKEN_PIPE = 141
_LONGEST_ERROR = 2000  # names of files are in errors, and may have 4,096 characters


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show arguments as they can be shown: a name may hold escape sequences."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message, _LONGEST_ERROR))


def build_parser(argv: List[str]) -> argparse.ArgumentParser:
    """Make the parser; of the commands' modules only the one that `argv` names is imported."""
    from nutrace import __version__

    parser = _Parser(
        prog="nutrace",
        description="Tracing for nuPlan simulations: where each step's time goes.",
        epilog="Trace a program with NUTRACE=1 python ..., then: nutrace report run.json",
    )
    parser.add_argument("--version", action="version", version=f"nutrace {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    named = next((word for word in argv if not word.startswith("-")), None)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.name == named:
            module = command.load()
            module.configure(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command and return its exit code; see :mod:`nutrace.errors` for the codes."""
    argv = sys.argv[1:] if argv is None else argv
    stop_all()  # NUTRACE=1 may be exported in the shell, and the commands themselves are never traced
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as 2>&- does; a traceback would look like a failed gate
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A trace may hold text that the terminal's encoding cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        args = build_parser(argv).parse_args(argv)
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except NutraceError as error:
        print(f"nutrace: error: {printable(str(error), _LONGEST_ERROR)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) is gone: keep Python from reporting that at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        # Commands report a full disk for the files that they write: this is standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("nutrace: error: cannot write the output: the disk is full", file=sys.stderr)
        return OutputError.exit_code


if __name__ == "__main__":
    sys.exit(main())
