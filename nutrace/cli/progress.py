"""A progress bar, or a spinner, on stderr, if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Callable, Iterator, Optional

_WIDTH = 30
_REDRAW_S = 0.1
_SPINNER = "|/-\\"


@contextlib.contextmanager
def progress_bar(unit: str) -> Iterator[Optional[Callable[[int, int], None]]]:
    """Give a function to call with (done, total), or ``None`` if stderr is not a terminal."""
    stream = sys.stderr
    if not stream.isatty():
        yield None
        return
    drawn = 0.0

    def show(done: int, total: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if done < total and now - drawn < _REDRAW_S:
            return
        drawn = now
        filled = _WIDTH * done // max(total, 1)
        stream.write(f"\r[{'#' * filled}{' ' * (_WIDTH - filled)}] {done:,} of {total:,} {unit}")
        stream.flush()

    try:
        yield show
    finally:
        if drawn:
            stream.write("\r\x1b[K")
            stream.flush()


@contextlib.contextmanager
def spinner() -> Iterator[Callable[[str], None]]:
    """Give a function to call now and then with a word on what is being done."""
    stream, began, turns = sys.stderr, time.monotonic(), 0
    shown = stream.isatty()

    def tick(doing: str) -> None:
        nonlocal turns
        if shown:
            turns += 1
            seconds = time.monotonic() - began
            stream.write(f"\r\x1b[K{_SPINNER[turns % len(_SPINNER)]} {doing}, {seconds:.0f} s")
            stream.flush()

    try:
        yield tick
    finally:
        if shown:
            stream.write("\r\x1b[K")
            stream.flush()
