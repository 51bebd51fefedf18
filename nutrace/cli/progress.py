"""A progress bar, of work with phases or without, or a spinner, on stderr, if that is a terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Callable, Iterator, Mapping, Optional

_WIDTH = 30
_REDRAW_S = 0.1
_FIRST_PART, _FIRST_S = 0.05, 1.0  # before that, what is left is a guess
_GO_ON_S = 0.25
_MOST_GUESSED = 0.95  # of a phase that does not tell how far it is
_SPINNER = "|/-\\"


class Phases:
    """Shows how much of some work that has phases is done, and how long the rest will take.

    A phase that does not tell how far it is is taken to go on as the phases before it did.

    Parameters
    ----------
    shares:
        The phases in their order, each with its part of the work; the parts need not add up to 1.
    of:
        What the work is on, "" if that is plain.
    """

    def __init__(self, shares: Mapping[str, float], of: str = "") -> None:
        self._shares = shares
        self._all = sum(shares.values())
        self._of = f" {of}" if of else ""
        self._phase = next(iter(shares))
        self._before = 0.0  # the part of the work that lies in the phases before
        self._began, self._drawn = time.monotonic(), 0.0
        self._phase_began = self._began
        self._tells = False  # whether the phase tells how far it is
        self._lock = threading.Lock()
        self._over = threading.Event()

    def begin(self, phase: str) -> None:
        """Say that a phase begins; one that nobody counted with is shown by its name."""
        names = list(self._shares)
        if phase in self._shares:
            self._before = sum(self._shares[name] for name in names[: names.index(phase)]) / self._all
        self._phase, self._phase_began, self._tells = phase, time.monotonic(), False
        self._draw(self._before)

    def advance(self, done: int, total: int) -> None:
        """Say how much of the current phase is done."""
        self._tells = True
        if time.monotonic() - self._drawn >= _REDRAW_S:
            part = min(done / total, 1.0) if total > 0 else 0.0
            self._draw(self._before + part * self._share())

    def _share(self) -> float:
        return self._shares.get(self._phase, 0.0) / self._all

    def go_on(self) -> None:
        """Show, until the work is over, that a phase goes on which does not tell how far it is."""
        while not self._over.wait(_GO_ON_S):
            now, spent = time.monotonic(), self._phase_began - self._began
            if self._tells or now - self._drawn < _GO_ON_S or spent <= 0 or not self._before:
                continue
            expected = spent * self._share() / self._before
            done = (now - self._phase_began) / expected if expected else 1.0
            self._draw(self._before + min(done, _MOST_GUESSED) * self._share(), done < _MOST_GUESSED)

    def _draw(self, part: float, foreseen: bool = True) -> None:
        with self._lock:
            if self._over.is_set():
                return
            self._drawn = time.monotonic()
            filled = int(_WIDTH * part)
            bar = f"[{'#' * filled}{' ' * (_WIDTH - filled)}]"
            left = self._left(part) if foreseen else ""
            sys.stderr.write(f"\r\x1b[K{bar} {self._phase}{self._of}{left}")
            sys.stderr.flush()

    def _left(self, part: float) -> str:
        taken = self._drawn - self._began
        if part < _FIRST_PART or taken < _FIRST_S:
            return ""
        return f", about {taken * (1 - part) / part:,.0f} s left"

    def make_room(self) -> None:
        """Remove what is shown until it is shown anew, so that a line can be printed."""
        with self._lock:
            if self._drawn:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()

    def clear(self) -> None:
        """Remove what is shown, for good."""
        self._over.set()
        self.make_room()


@contextlib.contextmanager
def phases(shares: Mapping[str, float], of: str = "") -> Iterator[Optional[Phases]]:
    """Give :class:`Phases` to tell of the work, or ``None`` if stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = Phases(shares, of)
    going_on = threading.Thread(target=shown.go_on, name="progress", daemon=True)
    going_on.start()
    try:
        yield shown
    finally:
        shown.clear()
        going_on.join()


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
