"""``%%nutrace``: trace one cell of a notebook, and show what it did."""

from __future__ import annotations

import argparse
import os
import shlex
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any, List, NoReturn, Optional, Tuple

from nutrace.errors import NutraceError, UsageError
from nutrace.settings import Settings

if TYPE_CHECKING:
    from nutrace.jupyter.live import Live

_HELP = """%%nutrace [NAME] [-o FILE] [--level LEVEL] [--sample HZ] [--no-flamegraph]

Trace what this cell does, show the summary and the flamegraph, and leave the trace in a variable."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors do not end the kernel."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%nutrace: {message}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%nutrace", usage=_HELP, add_help=False)
    parser.add_argument("name", nargs="?", default="trace")
    parser.add_argument("-o", dest="output", default="")
    parser.add_argument("--level", default=None)
    parser.add_argument("--sample", type=float, default=None)
    parser.add_argument("--no-flamegraph", action="store_true")
    return parser


class CellMagic:
    """What IPython calls for ``%%nutrace``.

    Parameters
    ----------
    shell:
        The InteractiveShell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, line: str, cell: str) -> None:
        """Run the cell with the probes on; an error in it is shown as it always is, and what was traced too.

        In [1]: %load_ext nutrace

        In [2]: import contextlib, sqlite3

        In [3]: %%nutrace asked --no-flamegraph
           ...: with contextlib.closing(sqlite3.connect(":memory:")) as database:
           ...:     rows = database.execute("SELECT 1").fetchall()

        In [4]: asked.statements()[["text", "executions", "rows"]].to_dict("records")
        Out[4]: [{'text': 'SELECT ?', 'executions': 1, 'rows': 1}]

        Parameters
        ----------
        line:
            The variable for the trace (default: ``trace``); ``-o FILE`` keeps the run file, ``--level`` and
            ``--sample`` are those of ``nutrace run``, ``--no-flamegraph`` shows the summary alone.
        cell:
            The cell's code.

        Raises
        ------
        NutraceError
            If an option is wrong, or this process is traced already.
        """
        args = _parser().parse_args(_words(line))
        if not args.name.isidentifier():
            raise UsageError(f"%%nutrace: {args.name!r} cannot be a variable's name")
        with tempfile.TemporaryDirectory(prefix="nutrace-") as folder:
            output = args.output or os.path.join(folder, "run.json")
            said = {"level": args.level, "sample": args.sample}
            given = {name: value for name, value in said.items() if value is not None}
            settings = replace(Settings.load(), output=output, summary=False, **given)
            path, result, live = self._traced(cell, settings)
            if path is None:
                print("nutrace: nothing of this cell was traced: no function that has a probe was called")
            else:
                self._show(path, args, live)
        result.raise_error()  # so that a notebook that runs from top to bottom ends here

    def _traced(self, cell: str, settings: Settings) -> Tuple[Optional[str], Any, Live]:
        from nutrace import session  # what records is not needed to read
        from nutrace.jupyter.live import Live, line_of

        if session.active():
            raise NutraceError("%%nutrace: this process is traced already: nutrace.uninstrument() ends that")
        running = session.instrument(settings)
        try:
            live = Live(running, line_of(self._shell))
            with live:
                result = self._shell.run_cell(cell)
        finally:
            path = session.uninstrument()
        return None if path is None else str(path), result, live

    def _show(self, path: str, args: argparse.Namespace, live: Live) -> None:
        from IPython import display as shown

        from nutrace.loading import load

        display: Any = shown.display
        trace = load(path)
        self._shell.user_ns[args.name] = trace
        live.end(trace)
        display(trace)
        if not args.no_flamegraph:
            display(trace.flamegraph())


def _words(line: str) -> List[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%%nutrace: {error}: {line.strip()[:100]}") from None


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext nutrace`` does."""
    shell.register_magic_function(CellMagic(shell).__call__, "cell", "nutrace")
