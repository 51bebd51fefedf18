"""What a worker does, one thing after the other, from the start of a run to its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Iterable, List, Optional, Sequence, Tuple

#: From when until when, Unix ns.
Interval = Tuple[int, int]


class Doing(str, Enum):
    """What a lane does in one piece of its time.

    ABSENT: the process or thread was not there yet, or it was there no more. STARTUP: it imported modules
    and received its first work. BUSY: in a scenario. WAITING: between two scenarios, or for the driver to
    hand out the first one. IDLE: after its last scenario. DRIVING: work of the driver around the scenarios.
    UNACCOUNTED: before the first scenario was handed out, and in no span: the file does not say whether it
    imported modules or waited.
    """

    ABSENT = "absent"
    STARTUP = "startup"
    BUSY = "busy"
    WAITING = "waiting"
    IDLE = "idle"
    DRIVING = "driving"
    UNACCOUNTED = "unaccounted"


@dataclass(frozen=True)
class Piece:
    """A part of a lane's time in Unix ns, and the number of the scenario that it is busy with, or 0."""

    doing: Doing
    start_ns: int
    end_ns: int
    scenario: int = 0


class Timeline:
    """Pieces that follow each other without a gap: each begins where the last one ended."""

    def __init__(self, begin_ns: int, end_ns: int) -> None:
        self._at = begin_ns
        self._end = end_ns
        self._pieces: List[Piece] = []

    def until(self, time_ns: int, doing: Doing, scenario: int = 0) -> None:
        """Add a piece that ends at a time; none if that is not after the last one's end."""
        end = min(time_ns, self._end)
        if end <= self._at:
            return
        last = self._pieces[-1] if self._pieces else None
        if last is not None and (last.doing, last.scenario) == (doing, scenario):
            self._pieces[-1] = Piece(doing, last.start_ns, end, scenario)
        else:
            self._pieces.append(Piece(doing, self._at, end, scenario))
        self._at = end

    def finish(self, doing: Doing) -> Tuple[Piece, ...]:
        """All pieces; the rest of the time is one of these."""
        self.until(self._end, doing)
        return tuple(self._pieces)


def start_up(
    line: Timeline,
    first_ns: int,
    handed_out_ns: int,
    born_ns: int,
    covered: Sequence[Interval],
    used_ns: Optional[int],
) -> None:
    """Add what a process does before its first scenario.

    Once scenarios are handed out, all of it is start-up; before that it is what lies in spans. Of the rest
    as much is start-up as the process used of a processor, first of all, and then it waited.

    Parameters
    ----------
    line:
        Ends where the process began.
    first_ns, handed_out_ns, born_ns:
        When the first scenario began, when the driver handed out the scenarios, when the process began.
    covered:
        When spans ran on the thread, in order and apart.
    used_ns:
        Processor time of the process until its first scenario; None if it is not known.
    """
    before = min(handed_out_ns, first_ns)
    inside = [(max(start, born_ns), min(end, first_ns)) for start, end in covered]
    inside = [(start, end) for start, end in inside if end > start]
    left_ns = None
    if used_ns is not None:
        spent = sum(end - start for start, end in inside)
        spent += (
            first_ns - max(before, born_ns) - sum(max(end - max(start, before), 0) for start, end in inside)
        )
        left_ns = max(used_ns - spent, 0)
    at = born_ns
    for start, end in [*inside, (before, before)]:
        gap_ends = min(start, before)
        if gap_ends > at:
            if left_ns is None:
                line.until(gap_ends, Doing.UNACCOUNTED)
            else:
                working = min(left_ns, gap_ends - at)
                left_ns -= working
                line.until(at + working, Doing.STARTUP)
                line.until(gap_ends, Doing.WAITING)
        line.until(min(end, before), Doing.STARTUP)
        at = max(at, min(end, before))
    line.until(first_ns, Doing.STARTUP)


def union(intervals: Iterable[Interval]) -> List[Interval]:
    """Intervals in order and apart, which cover the same time."""
    joined: List[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif end > start:
            joined.append((start, end))
    return joined
