"""Run a command of nutrace in this process."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from nutrace.cli.main import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def command(*words: object) -> Done:
    """Run ``nutrace WORDS``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*map(str, words)])
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())
