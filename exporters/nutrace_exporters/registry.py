"""The list of formats: the command line's choices, help, errors and suffixes come from it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from nutrace.errors import UsageError


@dataclass(frozen=True)
class Format:
    """A row of the list.

    The module has ``Options`` (a frozen dataclass whose fields all have defaults) and
    ``export(trace, out, options)``, which is pure: equal traces and options give equal bytes.

    Parameters
    ----------
    name:
        The word that a user types.
    module:
        Where it is written; only the module of the format asked for is imported.
    suffix:
        What the default output name ends in, after the run file's stem.
    description:
        What it is and what opens it, in half a line.
    browser:
        True if a web browser shows the file by itself.
    """

    name: str
    module: str
    suffix: str
    description: str
    browser: bool = False

    def load(self) -> ModuleType:
        """Import the module of this format."""
        return importlib.import_module(self.module)


FORMATS = (
    Format(
        "html",
        "nutrace_exporters.html",
        ".flamegraph.html",
        "interactive flamegraph in one file that opens offline",
        browser=True,
    ),
    Format(
        "speedscope",
        "nutrace_exporters.speedscope",
        ".speedscope.json",
        "for https://www.speedscope.app or the npm package speedscope",
    ),
    Format(
        "svg",
        "nutrace_exporters.svg",
        ".flamegraph.svg",
        "static merged flamegraph for a README or a pull request",
        browser=True,
    ),
    Format(
        "collapsed",
        "nutrace_exporters.collapsed",
        ".collapsed.txt",
        "one line a stack, microseconds of self time, for flamegraph.pl and its kin",
    ),
    Format(
        "chrome",
        "nutrace_exporters.chrome",
        ".chrome.json",
        "trace events for https://ui.perfetto.dev or chrome://tracing",
    ),
)


def find(name: str) -> Format:
    """The format called `name`.

    Raises
    ------
    UsageError
        If there is none; the message lists those there are.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    raise UsageError(f"unknown format {name!r}: use one of {', '.join(row.name for row in FORMATS)}")
