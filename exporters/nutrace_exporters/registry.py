"""The list of formats, from which the command line takes its choices, help, errors and suffixes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from nutrace.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Format:
    """One format.

    The module has ``Options`` (a frozen dataclass whose fields all have defaults) and
    ``export(trace, out, options)``, which is pure: equal traces and options give equal bytes.

    Parameters
    ----------
    name:
        The word that a user types.
    module:
        The module that writes it, imported only if the format is used.
    suffix:
        What the default output name ends in, after the run file's stem.
    description:
        What it is and what opens it, in a few words.
    browser:
        Whether a web browser opens the file.
    viewer, page:
        The npm package that opens the file, by a command of the same name, and the web page that does.
    difference:
        The module that writes two sides as one file, with ``Options`` and ``export(difference, out,
        options)``; "" if the format cannot show a :class:`~nutrace_exporters.difference.Difference`.
    """

    name: str
    module: str
    suffix: str
    description: str
    browser: bool = False
    viewer: str = ""
    page: str = ""
    difference: str = ""

    def load(self) -> ModuleType:
        """Import the module of this format."""
        return importlib.import_module(self.module)

    def load_difference(self) -> ModuleType:
        """Import the module that writes two sides.

        Raises
        ------
        UsageError
            If the format has none; the message lists those that have.
        """
        if not self.difference:
            able = " or ".join(row.name for row in FORMATS if row.difference)
            raise UsageError(f"{self.name} shows one run: --against and --slowest need --format {able}")
        return importlib.import_module(self.difference)


@dataclass(frozen=True)
class Tables:
    """A format of tables for other programs: many runs go into one folder, and are queried together.

    The module has ``export(trace, folder, run)``, which adds one run to the folder or leaves nothing there.

    Parameters
    ----------
    name, module, description:
        As of a :class:`Format`.
    """

    name: str
    module: str
    description: str

    def load(self) -> ModuleType:
        """Import the module of this format."""
        return importlib.import_module(self.module)


TABLES = (
    Tables(
        "parquet",
        "nutrace_exporters.parquet",
        "tables of spans, steps, scenarios and statements for DuckDB, Polars, pandas and Spark",
    ),
)

FORMATS = (
    Format(
        "html",
        "nutrace_exporters.html",
        ".flamegraph.html",
        "interactive flamegraph in one file that opens offline",
        browser=True,
        difference="nutrace_exporters.diffpage",
    ),
    Format(
        "speedscope",
        "nutrace_exporters.speedscope",
        ".speedscope.json",
        "for https://www.speedscope.app or the npm package speedscope",
        viewer="speedscope",
        page="https://www.speedscope.app",
        difference="nutrace_exporters.diffspeedscope",
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
        "a line for each stack, microseconds of self time, for flamegraph.pl and similar tools",
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
        If there is none; the message lists the formats.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    names = [row.name for row in FORMATS]
    raise UsageError(f"unknown format {name!r}: use one of {', '.join(names)}{did_you_mean(name, names)}")
