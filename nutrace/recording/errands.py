"""Work that can wait: it is done in the background, a little at a time, beside the writing."""

from __future__ import annotations

from typing import Any, Callable, Generator, List

from nutrace.recording.clock import now_ns
from nutrace.recording.process_state import process_state

_MOST = 2  # what is added while more wait is not done


class Errands:
    """Work that waits, as generators: each step takes a few milliseconds at most."""

    def __init__(self) -> None:
        self._waiting: List[Generator[None, None, None]] = []

    def add(self, work: Generator[None, None, None]) -> bool:
        """Have `work` done some time, or not at all if the process ends first; false if too much waits."""
        if len(self._waiting) >= _MOST:
            return False
        self._waiting.append(work)
        return True

    def run(self, seconds: float, stopping: Callable[[], bool] = bool) -> None:
        """Work for some seconds, or until there is nothing to do or `stopping` is true."""
        until = now_ns() + int(seconds * 1e9)
        while self._waiting and now_ns() < until and not stopping():
            work = self._waiting[0]
            try:
                next(work)
            except StopIteration:
                self._remove(work)
            except Exception:  # a fault of ours never reaches the program
                self._remove(work)
                process_state.fault("working in the background")

    def forget(self) -> None:
        """Leave undone what waits: the generators are closed."""
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            try:
                work.close()
            except Exception:  # a fault of ours never reaches the program
                process_state.fault("ending the work in the background")

    def _remove(self, work: Any) -> None:
        self._waiting = [each for each in self._waiting if each is not work]


#: Of this process.
errands = Errands()
