"""How long a span takes that waits for others, if it and they take another time.

A trace does not say when a thread waits. This is assumed:

1. A span waited for work on another thread, or in another process, if that work ended while the span ran
   nothing of its own: then from the work's beginning, or the end of the span's own work before, to its end.
   A span that runs something of its own at that moment did not wait; nor does it for work that goes on after
   its end, which may be awaited by the span around it.
2. Own work takes its new time. The end of a wait is the latest new end of what was waited for: if one way
   becomes shorter, the next longest decides.
3. Work begins where it began in the span's own work, and not before the work on its thread that came before
   it ended. Idle time between two works of one thread, while the span waits, stays as it was.

A thread that computes by itself while another ends, outside of all spans, passes for one that waits: then the
saving is smaller than what is computed here. Threads that compete for Python's lock or for processors help
each other when one of them gets shorter: then it is larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple


class Timed(NamedTuple):
    """A span: where it began and ended, what it lasts then, and its thread."""

    start: float
    end: float
    new: float
    thread: int = 0


@dataclass(frozen=True)
class _Piece:
    """A part of a span: work of its own or a span nested in it, or a wait for some of what ran beside."""

    start: float
    end: float
    new: float  # without waiting
    awaited: Tuple[int, ...] = ()


def longest_way(
    start: float, end: float, own_factor: float, nested: Sequence[Timed], beside: Sequence[Timed]
) -> float:
    """The new duration of a span, in the unit of the others.

    Parameters
    ----------
    start, end:
        Those of the span.
    own_factor:
        What its own work takes, of what it takes now.
    nested:
        What it runs on its own thread, one after the other.
    beside:
        What was begun below it on other threads, in any order.
    """
    waits = sorted(beside)
    now = 0.0
    ends: List[float] = [0.0] * len(waits)  # new ones
    last: Dict[int, int] = {}  # on each thread
    begun = 0
    for piece in _pieces(start, end, own_factor, sorted(nested), waits):
        stretch = piece.new / (piece.end - piece.start) if piece.end > piece.start else 0.0
        while begun < len(waits) and waits[begun].start <= piece.end:
            one, before = waits[begun], last.get(waits[begun].thread)
            if before is not None and waits[before].end > one.start:
                before = None  # a generator, which other work of its thread interrupts
            since = one.start - piece.start  # negative where another process's clock is behind
            if not piece.awaited:
                began = now + (since * stretch if since > 0 else since)
                if before is not None:
                    began = max(began, ends[before])
            elif before is not None:
                began = ends[before] + max(one.start - waits[before].end, 0.0)
            else:
                began = now + since
            ends[begun] = began + one.new
            last[one.thread] = begun
            begun += 1
        now = max([now, *(ends[each] for each in piece.awaited)]) if piece.awaited else now + piece.new
    return now


def _pieces(
    start: float, end: float, own_factor: float, nested: Sequence[Timed], beside: Sequence[Timed]
) -> Iterator[_Piece]:
    at = start
    for child in nested:
        yield from _gap(at, child.start, own_factor, beside)
        yield _Piece(child.start, child.end, child.new)
        at = max(at, child.end)  # what claims no time of its own may lie in another
    yield from _gap(at, end, own_factor, beside)


def _gap(start: float, end: float, own_factor: float, beside: Sequence[Timed]) -> Iterator[_Piece]:
    """Own work, and waits for what ended in it."""
    if end <= start:
        return
    at = start
    awaited = sorted(
        (max(one.start, start), one.end, number)
        for number, one in enumerate(beside)
        if start < one.end <= end
    )
    while awaited:
        began, ended, number = awaited.pop(0)
        numbers = [number]
        while awaited and awaited[0][0] <= ended:
            _, also, number = awaited.pop(0)
            ended = max(ended, also)
            numbers.append(number)
        if began > at:
            yield _Piece(at, began, (began - at) * own_factor)
        yield _Piece(began, ended, 0.0, tuple(numbers))
        at = ended
    if end > at:
        yield _Piece(at, end, (end - at) * own_factor)
