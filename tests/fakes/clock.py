"""A clock that only moves when told: times in tests are exact, and sums can be compared with ==."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Iterator

import nutrace.recording.clock
import nutrace.session


class FakeClock:
    """Nanoseconds; calling it reads it, :meth:`advance` moves it."""

    def __init__(self, now: int = 1_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, ns: int) -> None:
        """Let `ns` nanoseconds pass."""
        self.now += ns


@contextmanager
def fake_clock() -> Iterator[FakeClock]:
    """Every nutrace module that reads the clock reads this one; so do wrappers made in the block."""
    clock = FakeClock()
    real = nutrace.recording.clock.now_ns
    readers = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("nutrace.") and getattr(module, "now_ns", None) is real
    ]
    assert nutrace.session.wrappers in readers
    for module in readers:
        module.now_ns = clock  # type: ignore[attr-defined]
    try:
        yield clock
    finally:
        for module in readers:
            module.now_ns = real  # type: ignore[attr-defined]
