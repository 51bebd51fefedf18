"""What was taken out of the times of a trace, because nutrace spent it, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

CORRECTED, RAW, UNCORRECTED = "corrected", "raw", "not corrected"


@dataclass(frozen=True)
class Priced:
    """Events of one kind (:mod:`nutrace.prices`) below spans of their thread.

    Attributes
    ----------
    events:
        How many there were.
    outside_ns:
        What they cost the spans above them, all together.
    uncertain_ns:
        How much more it is at the median of the measured prices: those that are stated are the best. For
        a price that is a shipped ratio, the largest spread of the measured ones is taken.
    by_ratio:
        Whether it is such a ratio, in some process at least: it may be up to a quarter off besides.
    cold_ns:
        The part of `outside_ns` that is due to cold caches, also where it was not taken out.
    clocked_ns:
        The part of `outside_ns` that was clocked, event by event.
    """

    kind: str
    events: int
    outside_ns: float
    uncertain_ns: float
    by_ratio: bool = False
    cold_ns: float = 0.0
    clocked_ns: int = 0

    @property
    def price_ns(self) -> float:
        """The mean cost of an event; each process has prices of its own."""
        return self.outside_ns / self.events if self.events else 0.0


@dataclass(frozen=True)
class Correction:
    """What was taken out of a trace as a whole; :attr:`nutrace.trace.Trace.own_ns` says where.

    Attributes
    ----------
    raw:
        Whether the trace was loaded as it was recorded, because somebody asked for that.
    priced_processes, processes:
        How many processes state prices, and how many there are. Older files and those of other programs
        state none.
    kinds:
        What the events cost, by their prices and as it was clocked, the kind first that costs most.
    calibrated_ns:
        What was taken out of that.
    clipped_ns:
        What they cost, and was not taken out, as the spans above did not last so long.
    measured_ns:
        What was clocked while the program ran, such as waiting for the writer, and was taken out.
    cold_ns:
        The part of `calibrated_ns` that is due to cold caches; where a span was too short, in proportion.
    """

    raw: bool = False
    priced_processes: int = 0
    processes: int = 0
    kinds: Tuple[Priced, ...] = ()
    calibrated_ns: int = 0
    clipped_ns: int = 0
    measured_ns: int = 0
    cold_ns: float = 0.0

    @property
    def state(self) -> str:
        """One of :data:`CORRECTED`, :data:`RAW` and :data:`UNCORRECTED` (nothing is known of such costs)."""
        if self.raw:
            return RAW
        return CORRECTED if self.priced_processes or self.measured_ns else UNCORRECTED

    @property
    def taken_ns(self) -> int:
        """All that was taken out."""
        return self.calibrated_ns + self.measured_ns

    @property
    def uncertain_ns(self) -> float:
        """How much more the calibrated part may be, on a machine as quiet as when it was calibrated."""
        return sum(each.uncertain_ns for each in self.kinds)
