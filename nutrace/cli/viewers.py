"""Show a drawing: in the web browser, or in the program of its format."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import List

from nutrace.child import ending
from nutrace.errors import MissingDependencyError, NutraceError
from nutrace.printable import LINE, printable
from nutrace_exporters.registry import FORMATS, Format

_PATIENCE_S = 60.0
_STDERR = 2


def can_show(row: Format) -> bool:
    """Whether there is something that opens files of this format."""
    return row.browser or bool(row.viewer)


def shown_formats() -> str:
    """The formats that can be shown, in words."""
    names = [row.name for row in FORMATS if can_show(row)]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def show(file: str, row: Format) -> None:
    """Open a drawing.

    Raises
    ------
    MissingDependencyError
        If the format's program is not installed; the message says how to get it.
    NutraceError
        If that program fails.
    """
    if row.browser:
        path = Path(file).absolute()
        if not webbrowser.open(path.as_uri()):
            where = printable(str(path), LINE)
            print(f"nutrace: no web browser was found: open {where} in one", file=sys.stderr)
        return
    command = _command(row.viewer)
    instead = f"drop {file} on {row.page}, which keeps it in the browser"
    if not command:
        raise MissingDependencyError(
            f"{row.viewer} is not installed: npm install -g {row.viewer}, or {instead}"
        )
    try:
        # A name that begins with a dash would be an option.
        code = _run([*command, os.path.abspath(file)])
    except OSError as error:
        raise NutraceError(f"{row.viewer} cannot be started ({error.strerror}): {instead}") from error
    if code:
        raise NutraceError(f"{row.viewer} did not open {file} ({ending(code)}): {instead}")


def _command(package: str) -> List[str]:
    """What starts an npm package that is installed; nothing if it is not.

    npx finds it in a project's folder, and where npx has kept it. It is not asked to look for it elsewhere.
    """
    program = shutil.which(package)
    if program:
        return [program]
    npx = shutil.which("npx")
    if not npx:
        return []
    command = [npx, "--no-install", "--offline", package]
    try:
        code = subprocess.run(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [] if code else command


def _run(command: List[str]) -> int:
    """Run a viewer until it has opened the browser; what it says is for people, as ours on stderr."""
    sys.stdout.flush()
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=_STDERR).returncode
