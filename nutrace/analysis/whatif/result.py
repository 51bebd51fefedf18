"""Steps and run as they are, as they likely would be, and as they would be at best."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from nutrace.analysis.regions import Region, Regions, divide
from nutrace.analysis.whatif.rescaled import Rescaling
from nutrace.analysis.whatif.targets import Matched, Target, match
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Trace
from nutrace.trace.real_time import simulated_interval_s

#: The part of a planned saving that is likely to come true.
LIKELY = 0.6
#: Seconds that a step may take, where the run does not say how many it simulates.
REAL_TIME_S = 0.1


@dataclass(frozen=True)
class Times:
    """Step times in ns, and that of the run; without finished steps, of the run alone.

    Attributes
    ----------
    realtime_factor:
        Time of the steps divided by the time that they simulate.
    gap_closed:
        The part of the gap between the steps as they are and real time that is closed: 1 is real time. None
        if the steps keep up already.
    run_ns:
        Of the whole file, from the first span to the last; None if a part of it is looked at.
    """

    mean_ns: Optional[float]
    p50_ns: Optional[float]
    p95_ns: Optional[float]
    realtime_factor: Optional[float]
    gap_closed: Optional[float]
    run_ns: Optional[float]


@dataclass(frozen=True)
class Change:
    """What a target is, and what it has now.

    ``in_steps_ns`` is its time in the steps, on their own thread and on others; ``saved_ns`` what the steps
    would take less if this were the only change, at best. ``statements`` are those that it names.
    """

    target: Target
    statements: Tuple[str, ...]
    in_steps_ns: int
    beside_steps_ns: int
    all_ns: int
    saved_ns: float


@dataclass(frozen=True)
class WhatIf:
    """The answer.

    ``interval_s`` is the mean of the seconds that the steps simulate, ``interval_known`` whether the run says
    so; ``concurrent_steps`` is the number of steps beside which work ran on other threads.
    """

    steps: int
    concurrent_steps: int
    interval_s: float
    interval_known: bool
    changes: Tuple[Change, ...]
    now: Times
    likely: Times
    stretch: Times


def whatif(trace: Trace, targets: Sequence[Target]) -> WhatIf:
    """What follows if `targets` take a part of their time.

    Of each saving, :data:`LIKELY` of it is likely; something that takes longer is likely to do so.

    Raises
    ------
    UsageError
        If the run does not have what a target names.
    """
    regions = divide(trace)
    rescaling = Rescaling(trace, regions)
    matched = match(trace, targets)
    intervals = [simulated_interval_s(trace, step) for step in regions.steps]
    baseline = _Baseline(
        sum(trace.busy_ns[step] for step in regions.steps),
        [REAL_TIME_S if each is None else each for each in intervals],
    )
    same = array("d", [1.0]) * len(trace)
    now = rescaling.steps_ns(same)
    is_whole = not trace.selection
    stretch = factors_of(len(trace), matched, 1.0)
    likely = factors_of(len(trace), matched, LIKELY)
    return WhatIf(
        steps=len(now),
        concurrent_steps=sum(rescaling.is_concurrent),
        interval_s=baseline.simulated_s / len(intervals) if intervals else REAL_TIME_S,
        interval_known=bool(intervals) and None not in intervals,
        changes=tuple(_change(trace, regions, rescaling, one, sum(now)) for one in matched),
        now=baseline.times(now, float(trace.finish_ns - trace.begin_ns) if is_whole else None),
        likely=baseline.times(rescaling.steps_ns(likely), rescaling.run_ns(likely) if is_whole else None),
        stretch=baseline.times(rescaling.steps_ns(stretch), rescaling.run_ns(stretch) if is_whole else None),
    )


@dataclass(frozen=True)
class _Baseline:
    """The time that the steps take now, in ns, and the seconds that each may take."""

    now_ns: int
    intervals_s: List[float]

    @property
    def simulated_s(self) -> float:
        return sum(self.intervals_s)

    def times(self, steps: List[float], run_ns: Optional[float]) -> Times:
        if not steps:
            return Times(None, None, None, None, None, run_ns)
        p50, p95 = weighted_percentiles([(time, 1) for time in steps], (50, 95))
        gap_ns = self.now_ns - self.simulated_s * 1e9
        return Times(
            mean_ns=sum(steps) / len(steps),
            p50_ns=p50,
            p95_ns=p95,
            realtime_factor=sum(steps) / 1e9 / self.simulated_s,
            gap_closed=(self.now_ns - sum(steps)) / gap_ns if gap_ns > 0 else None,
            run_ns=run_ns,
        )


def factors_of(count: int, matched: Sequence[Matched], part: float) -> array[float]:
    """For each span what it takes of its self time, if `part` of each saving comes true."""
    factors = array("d", [1.0]) * count
    for one in matched:
        saved = 1 - one.target.fraction
        factor = 1 - (saved * part if saved > 0 else saved)
        for span in one.spans:
            factors[span] *= factor
    return factors


def _change(trace: Trace, regions: Regions, rescaling: Rescaling, matched: Matched, now_ns: float) -> Change:
    by_region = dict.fromkeys(Region, 0)
    for span in matched.spans:
        by_region[Region(regions.region[span])] += trace.self_ns[span]
    alone = rescaling.steps_ns(factors_of(len(trace), [matched], 1.0))
    return Change(
        matched.target,
        matched.statements,
        in_steps_ns=by_region[Region.INSIDE],
        beside_steps_ns=by_region[Region.BESIDE],
        all_ns=sum(by_region.values()),
        saved_ns=now_ns - sum(alone),
    )
