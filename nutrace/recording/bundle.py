"""Several spans handed over as one: a probe notes readings only, and the recorder makes spans of them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from nutrace.recording.compression import Record
from nutrace.recording.encoding import Encoder
from nutrace.recording.span import Parent, Site, Span, home, ids
from nutrace.recording.tally import LONGEST, Tally

#: Short leaves that more can be added to, by site and parent: those of one thread, not written yet.
Tallies = Dict[Tuple[Site, Optional[Parent]], Tally]


class Bundle:
    """What waits in a thread's queue in the place of spans.

    `site` and `parent` tell which bundles are alike, and are for its neighbours in the queue. To the
    recorder it is a record of `count` calls that cost `sum_ns` together.
    """

    site: Site
    parent: Optional[Parent]
    started: int
    count: int
    sum_ns: int
    #: Whether :meth:`texts` says all that there is.
    plain: bool
    extra = None
    id = 0

    @property
    def spans(self) -> int:
        """How many spans it is written as."""
        return self.count

    def texts(self, encoder: Encoder, thread_id: int) -> List[str]:
        """`count` spans as JSON: the short way, for a bundle that is plain and like no other."""
        raise NotImplementedError

    def records(self, tallies: Tallies) -> List[Optional[Record]]:
        """The spans; none in the place of one that `tallies` take in."""
        raise NotImplementedError


def leaf(
    tallies: Tallies,
    site: Site,
    parent: Optional[Parent],
    started: int,
    ended: int,
    took: int,
    numbers: Dict[str, int],
    series: Dict[str, List[Any]],
) -> Optional[Record]:
    """A leaf that was never current, as a record; none if one of `tallies` takes it in.

    Parameters
    ----------
    started, ended, took:
        Clock readings, and nanoseconds that it cost.
    numbers, series:
        Attributes that add up, and lists that are appended to each other; they become the record's.
    """
    if took > home.longest_ns:
        span = Span(site, parent)
        span.started, span.ended = started, ended
        extra = span.more()
        if took != ended - started:
            extra.busy_ns = took
        extra.attributes.update(numbers)
        extra.attributes.update(series)
        return span
    tally = tallies.get((site, parent))
    if tally is not None and tally.count < LONGEST:
        tally.add(started, ended, took)
        for name, number in numbers.items():
            tally.numbers[name] += number
        for name, entries in series.items():
            tally.series[name] += entries
        return None
    tally = tallies[site, parent] = Tally(site, parent, started, ended, took)
    tally.numbers = numbers
    tally.series = series
    tally.key.append(True)
    tally.id = ids.next()
    return tally
