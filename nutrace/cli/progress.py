"""A progress bar on stderr, if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Callable, Iterator, Optional

_WIDTH = 30
_REDRAW_S = 0.1


@contextlib.contextmanager
def progress_bar(unit: str) -> Iterator[Optional[Callable[[int, int], None]]]:
    """Give a function to be called with (done, total), or ``None`` where nobody would see it."""
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
