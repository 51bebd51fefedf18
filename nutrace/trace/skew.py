"""By how much the clocks of a run's hosts differ, told by what must lie inside what.

What a worker does for a driver lies within the span in which the driver sends it out and receives the result.
If the worker's host has a clock of its own, its times may say otherwise. Each such pair of spans bounds what
has to be added to the worker's times::

    outer.start - inner.start  <=  offset  <=  outer.end - inner.end

The offsets that all pairs allow are an interval. If it holds 0, no pair says that the clocks differ, and
times stay as they were recorded: clocks that NTP keeps right differ by less than most such intervals do.
Else its middle is the estimate, which is wrong by half of its length at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional


@dataclass(frozen=True)
class Containment:
    """A span that must lie inside another one, whose times are by another clock; Unix ns.

    ``outer_end`` is None if the inner span may outlast the outer one.
    """

    outer_start: int
    outer_end: Optional[int]
    inner_start: int
    inner_end: int


@dataclass(frozen=True)
class Skew:
    """The clock of a host beside that of the run's first process.

    Attributes
    ----------
    host, reference:
        The names of the two hosts.
    offset_ns:
        What was added to the host's times: below 0 if its clock is ahead.
    least_ns, most_ns:
        The offsets that are possible; None where nothing bounds them. If the least is above the most, the
        times contradict each other, and ``offset_ns`` is 0.
    pairs:
        How many pairs of spans told so.
    """

    host: str
    reference: str
    offset_ns: int = 0
    least_ns: Optional[int] = None
    most_ns: Optional[int] = None
    pairs: int = 0

    @property
    def contradictory(self) -> bool:
        """Whether no offset fits to all pairs of spans."""
        return self.least_ns is not None and self.most_ns is not None and self.least_ns > self.most_ns

    @property
    def uncertainty_ns(self) -> Optional[int]:
        """How wrong the offset can be; None if it is not bounded on both sides."""
        if self.least_ns is None or self.most_ns is None or self.contradictory:
            return None
        return max(self.most_ns - self.offset_ns, self.offset_ns - self.least_ns)

    @property
    def sentence(self) -> str:
        """What is known, for people."""
        clocks = f"the clock of {self.host}"
        if not self.pairs:
            return (
                f"nothing tells whether {clocks} agrees with that of {self.reference}: times are as recorded"
            )
        if self.contradictory:
            return (
                f"{clocks} cannot be compared with that of {self.reference}: tasks lie before the spans that "
                "sent them and after, as if a clock was set meanwhile; times are as recorded"
            )
        if not self.offset_ns:
            return (
                f"by what its tasks tell, {clocks} is {_bounds(self.least_ns, self.most_ns)} that of "
                f"{self.reference}: times are as recorded"
            )
        way = "ahead of" if self.offset_ns < 0 else "behind"
        sure = "" if self.uncertainty_ns is None else f", +-{_seconds(self.uncertainty_ns)}"
        return (
            f"{clocks} is {_seconds(abs(self.offset_ns))} {way} that of {self.reference}{sure}: its times "
            "are moved by that, so that tasks lie within the spans that sent them"
        )


def skew(host: str, reference: str, containments: Iterable[Containment]) -> Skew:
    """Estimate the skew of a host's clock from spans of it that must lie inside spans of the reference."""
    least: Optional[int] = None
    most: Optional[int] = None
    pairs = 0
    for pair in containments:
        pairs += 1
        after = pair.outer_start - pair.inner_start
        least = after if least is None else max(least, after)
        if pair.outer_end is not None:
            before = pair.outer_end - pair.inner_end
            most = before if most is None else min(most, before)
    offset = 0
    if least is not None and most is not None:
        if least <= most and not least <= 0 <= most:
            offset = (least + most) // 2
    elif least is not None and least > 0:
        offset = least  # the smallest that is possible
    return Skew(host, reference, offset, least, most, pairs)


def _bounds(least: Optional[int], most: Optional[int]) -> str:
    """How far a clock is off that may be right."""
    behind = "" if most is None else f"at most {_seconds(most)} behind"
    ahead = "" if least is None else f"at most {_seconds(-least)} ahead of"
    return " and ".join(filter(None, (behind, ahead)))


def _seconds(ns: int) -> str:
    if abs(ns) < 1_000_000:
        return f"{ns / 1e3:.0f} us"
    return f"{ns / 1e6:.3g} ms" if abs(ns) < 1_000_000_000 else f"{ns / 1e9:,.2f} s"
