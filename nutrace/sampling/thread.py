"""A thread of this process that samples the others, where no sampler outside may look in."""

from __future__ import annotations

import sys
import time
from collections import Counter
from types import CodeType, FrameType
from typing import Dict, Optional, Tuple

from nutrace.recording.background import Background
from nutrace.sampling.pyspy import is_ours
from nutrace.sampling.stacks import Function, Stacks

BIAS = (
    "it sees other threads only where Python lets go of its lock, so the time of C code that holds the lock "
    "counts for what runs after it"
)
NAME = "a thread of nutrace"
_MOST_STACKS = 100_000
_DEEPEST = 500
_SHORTEST_S = 0.0002

_Codes = Tuple[CodeType, ...]


class SamplerThread:
    """Counts the stacks of all threads but nutrace's own.

    Parameters
    ----------
    hz:
        Samples per second.
    """

    def __init__(self, hz: float) -> None:
        self._counts: Counter[_Codes] = Counter()
        self._lost = 0
        self._looks = 0
        self._sampled_s = 0.0
        self._last = 0.0
        self._period_s = 1 / hz
        self._due = 0.0  # when the last sample should have been taken
        self._background = Background(self._sample, self._period_s)

    def start(self) -> None:
        """Sample from now on."""
        self._last = self._due = time.monotonic()
        self._background.start()

    def pause(self) -> None:
        """Stop the thread; :meth:`start` goes on."""
        self._background.stop()

    def stop(self) -> Stacks:
        """Stop, and return what was seen."""
        self.pause()
        rate = round(self._looks / self._sampled_s, 1) if self._sampled_s else 0.0
        stacks = Stacks(NAME, rate, notes=[f"The sampler was {NAME}: {BIAS}."])
        if self._lost:
            stacks.notes.append(
                f"{self._lost:,} samples were left out, as there were too many different stacks."
            )
        named: Dict[CodeType, Function] = {}
        for codes, count in self._counts.items():
            stacks.add([named.get(code) or named.setdefault(code, _function(code)) for code in codes], count)
        return stacks

    def _sample(self) -> None:
        now = time.monotonic()
        self._looks += 1
        self._sampled_s += now - self._last
        self._last = now
        # It has waited for Python's lock as well; that does not put off the next sample.
        self._due += self._period_s
        if now > self._due + self._period_s:
            self._due = now
        self._background.interval_s = max(self._due + self._period_s - now, _SHORTEST_S)
        for frame in sys._current_frames().values():
            codes = _codes(frame)
            if is_ours(_function(codes[0])):
                continue  # a thread of ours
            if codes in self._counts or len(self._counts) < _MOST_STACKS:
                self._counts[codes] += 1
            else:
                self._lost += 1


def _codes(frame: Optional[FrameType]) -> _Codes:
    """The code of each function on a stack, the outermost first."""
    codes = []
    while frame is not None:
        codes.append(frame.f_code)
        frame = frame.f_back
    return tuple(reversed(codes[-_DEEPEST:]))


def _function(code: CodeType) -> Function:
    return getattr(code, "co_qualname", code.co_name), code.co_filename, code.co_firstlineno
