"""The ``nutrace`` command: parse the arguments, run a command, turn errors into one line and an exit code."""

from __future__ import annotations

import argparse
import errno
import io
import os
import shlex
import sys
from typing import Iterable, List, NoReturn, Optional

from nutrace._running import stop_all
from nutrace.cli import help
from nutrace.cli.commands import COMMANDS, LISTING
from nutrace.cli.pager import paged
from nutrace.errors import NutraceError, OutputError, UsageError, did_you_mean
from nutrace.printable import printable
from nutrace.trace.newest import newest_run

INTERRUPTED = 130
BROKEN_PIPE = 141
_LONGEST_WORD = 60
#: What other tools call something that nutrace has.
_ELSEWHERE = {
    "version": "--version",
    "view": "flamegraph",
    "open": "flamegraph",
    "show": "flamegraph",
    "diff": "compare",
}
_LONGEST_ERROR = 2000  # names of files are in errors, and may have 4,096 characters


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors are."""

    def error(self, message: str) -> NoReturn:
        words = self.prog.partition(" ")[2]
        hint = f"{self.prog} --help says what there is"
        here = newest_run() if message.endswith("required: file") else None
        if here is not None:
            hint = f"{here} is here: {self.prog} {shlex.quote(here)}"
        raise UsageError(f"{words + ': ' if words else ''}{message}; {hint}")


class _Top(_Parser):
    """The parser of ``nutrace`` itself."""

    def format_help(self) -> str:
        return help.text() + "\n"


def build_parser(argv: List[str]) -> argparse.ArgumentParser:
    """Make the parser; of the commands' modules only the one that `argv` names is imported.

    Raises
    ------
    UsageError
        If there is no command of that name.
    """
    from nutrace import __version__

    parser = _Top(prog="nutrace")
    parser.add_argument("--version", action="version", version=f"nutrace {__version__}")
    parser.add_argument("--no-pager", action="store_true")
    parser.set_defaults(lists=False, run=None, parser=parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    named = next((word for word in argv if not word.startswith("-")), None)
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.name == named:
            module = command.load()
            module.configure(sub)
            lists = command.name in LISTING
            if lists:
                sub.add_argument(
                    "--no-pager",
                    action="store_true",
                    default=argparse.SUPPRESS,
                    help="print a long list without $PAGER, also in a terminal",
                )
            sub.set_defaults(run=module.run, lists=lists, parser=sub)
    if named is not None and named not in commands.choices:
        raise UsageError(f"no command {named[:_LONGEST_WORD]!r}{_meant(named, commands.choices)}")
    return parser


def _meant(word: str, commands: Iterable[str]) -> str:
    """What somebody may want who types a word that is no command."""
    if os.path.isfile(word):
        return f"; did you mean nutrace report {shlex.quote(word)}?"
    if word.lower() in _ELSEWHERE:
        return f"; did you mean {_ELSEWHERE[word.lower()]}?"
    return did_you_mean(word, commands, "; nutrace --help lists them")


def _parse(argv: List[str]) -> argparse.Namespace:
    args, rest = build_parser(argv).parse_known_args(argv)
    if rest:
        word = rest[0].partition("=")[0]
        options = args.parser._option_string_actions if word.startswith("-") else ()
        kind = "option" if options else "argument"
        near = did_you_mean(word, options, f"; {args.parser.prog} --help says what there is")
        raise UsageError(f"{args.command or 'nutrace'} knows no {kind} {word[:_LONGEST_WORD]}{near}")
    return args


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command and return its exit code; see :mod:`nutrace.errors` for the codes."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["help"]:
        argv = [*(word for word in argv[1:2] if word != "help"), "--help"]
    stop_all()  # NUTRACE=1 may be exported in the shell, and the commands themselves are never traced
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as 2>&- does; a traceback would look like a failed gate
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A trace may hold text that the terminal's encoding cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        args = _parse(argv)
        if args.run is None:
            print("\n\n".join(filter(None, (help.text(), help.hint()))))
            return 0
        with paged(args.lists and not args.no_pager):
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
