"""A clock that a test advances, so that times are exact and can be compared with ==."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Iterator

import nutrace.probes.wrappers
import nutrace.recording.clock
import nutrace.session


class FakeClock:
    """A clock in nanoseconds: calling it reads the time, :meth:`advance` moves it."""

    def __init__(self, now: int = 1_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, ns: int) -> None:
        """Let `ns` nanoseconds pass."""
        self.now += ns


@contextmanager
def fake_clock() -> Iterator[FakeClock]:
    """Replace the clock in all nutrace modules; wrappers made in the block use it, too."""
    clock = FakeClock()
    real = nutrace.recording.clock.now_ns
    readers = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("nutrace.") and getattr(module, "now_ns", None) is real
    ]
    assert nutrace.probes.wrappers in readers
    for module in readers:
        module.now_ns = clock  # type: ignore[attr-defined]
    try:
        yield clock
    finally:
        for module in readers:
            module.now_ns = real  # type: ignore[attr-defined]
