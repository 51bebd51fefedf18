"""Where nutrace's own time was that was taken out of the spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

from nutrace.analysis.regions import Region, Regions
from nutrace.trace import Trace


@dataclass(frozen=True)
class OwnShare:
    """What was taken out of spans in the steps, of those that ran beside them, and outside; in ns."""

    in_steps_ns: int
    concurrent_ns: int
    outside_steps_ns: int

    @property
    def total_ns(self) -> int:
        """All of it."""
        return self.in_steps_ns + self.concurrent_ns + self.outside_steps_ns


def own_share(trace: Trace, regions: Regions) -> OwnShare:
    """Sum up what was taken out of the spans of a trace, or of a part of one."""
    sums: Dict[int, int] = dict.fromkeys(Region, 0)
    for where, own_ns in zip(regions.region, trace.own_ns):
        sums[where] += own_ns
    return OwnShare(sums[Region.INSIDE], sums[Region.BESIDE], sums[Region.OUTSIDE])
