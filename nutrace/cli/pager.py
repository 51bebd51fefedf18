"""Long lists in a terminal go through a pager, as those of git do.

What a command prints is kept until it is done, so that its progress and its errors come first. A list that
fits the terminal is printed as it is.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import Dict, Iterator, Optional

#: less: colours as they are; no pager for what fits; leave the text on the screen.
_LESS_OPTIONS = "FRX"
_PLAIN = ("", "cat")  # values of PAGER that mean: no pager
_NOT_FOUND = 127


class Kept(io.TextIOWrapper):
    """Text that will be printed to a terminal, for which it stands in."""

    def __init__(self, terminal: io.TextIOWrapper) -> None:
        super().__init__(io.BytesIO(), encoding=terminal.encoding, errors=terminal.errors, newline="")

    def isatty(self) -> bool:
        """True: what is printed may have colours, and is as wide as the terminal."""
        return True

    def content(self) -> bytes:
        """What was printed."""
        self.flush()
        kept = self.buffer
        assert isinstance(kept, io.BytesIO)
        return kept.getvalue()


@contextlib.contextmanager
def paged(wanted: bool = True) -> Iterator[None]:
    """Show through a pager what the block prints, if that is long and standard output is a terminal."""
    terminal = sys.stdout
    pager = _pager() if wanted and terminal.isatty() else None
    if pager is None or not isinstance(terminal, io.TextIOWrapper):
        yield
        return
    kept = sys.stdout = Kept(terminal)
    try:
        yield
    except BaseException:
        sys.stdout = terminal
        _print(kept.content(), terminal)  # the error follows
        raise
    sys.stdout = terminal
    content = kept.content()
    fits = content.count(b"\n") < shutil.get_terminal_size().lines
    if fits or not _shown_by(pager, content, terminal.encoding):
        _print(content, terminal)


def _pager() -> Optional[str]:
    """The shell command of the pager; None if there is none."""
    named = os.environ.get("PAGER")
    if named is None:
        return "less" if shutil.which("less") else None
    return None if named.strip() in _PLAIN else named


def _print(content: bytes, terminal: io.TextIOWrapper) -> None:
    terminal.flush()
    terminal.buffer.write(content)
    terminal.flush()


def _shown_by(pager: str, content: bytes, encoding: str) -> bool:
    """Whether there is such a pager; it has ended then."""
    try:
        process = subprocess.Popen(pager, shell=True, stdin=subprocess.PIPE, env=_environment(encoding))
    except OSError:
        return False
    with _interrupts_are_for_the_pager(), contextlib.suppress(BrokenPipeError):  # quit before the end
        process.communicate(content)
    return process.wait() != _NOT_FOUND  # as the shell says


@contextlib.contextmanager
def _interrupts_are_for_the_pager() -> Iterator[None]:
    """Ctrl-C stops a search of less, and not this program, which would leave less without a terminal."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _environment(encoding: str) -> Dict[str, str]:
    defaults = {"LESS": _LESS_OPTIONS, "LV": "-c"}
    if encoding.lower().replace("-", "") == "utf8":
        defaults["LESSCHARSET"] = "utf-8"
    return {**defaults, **os.environ}
