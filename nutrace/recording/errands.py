"""Work that can wait: it is done in the background, a little at a time, beside the writing."""

from __future__ import annotations

from typing import Callable, Generator, List, NamedTuple

from nutrace.recording.clock import now_ns
from nutrace.recording.process_state import process_state

_MOST = 2  # what is added while more wait is not done


class _Errand(NamedTuple):
    work: Generator[None, None, None]
    holds: List[bytes]  # empty once it is done


class Errands:
    """Work that waits, as generators: each step takes a few milliseconds at most."""

    def __init__(self) -> None:
        self._waiting: List[_Errand] = []

    @property
    def held_bytes(self) -> int:
        """The memory that waiting work keeps from being freed."""
        return sum(len(each) for errand in self._waiting for each in errand.holds)

    def add(self, work: Generator[None, None, None], *holds: bytes) -> bool:
        """Have `work` done some time, or not at all if the process ends first; false if too much waits.

        Parameters
        ----------
        work:
            The work.
        holds:
            What it keeps of the program's until it is done.
        """
        if len(self._waiting) >= _MOST:
            return False
        self._waiting.append(_Errand(work, list(holds)))
        return True

    def run(self, seconds: float, stopping: Callable[[], bool] = bool) -> None:
        """Work for some seconds, or until there is nothing to do or `stopping` is true."""
        until = now_ns() + int(seconds * 1e9)
        while self._waiting and now_ns() < until and not stopping():
            errand = self._waiting[0]
            try:
                next(errand.work)
                continue
            except StopIteration:
                pass
            except Exception:  # a fault of ours never reaches the program
                process_state.fault("working in the background")
            self._remove(errand)

    def forget(self) -> None:
        """Leave undone what waits: the generators are closed."""
        waiting, self._waiting = self._waiting, []
        for errand in waiting:
            try:
                errand.work.close()
            except Exception:  # a fault of ours never reaches the program
                process_state.fault("ending the work in the background")
            errand.holds.clear()

    def _remove(self, errand: _Errand) -> None:
        # The work has ended, so this frees what it held in the moment in which it is no longer counted.
        errand.holds.clear()
        self._waiting = [each for each in self._waiting if each is not errand]


#: Of this process.
errands = Errands()
