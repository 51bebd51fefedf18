"""List scheduling: work in a fixed order goes to whichever worker is free first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import List, Optional, Sequence


@dataclass(frozen=True)
class Job:
    """Work: how long it takes by itself, in ns, and how many processors it keeps busy meanwhile."""

    ns: float
    processors: float = 1.0


def scheduled_ns(
    jobs: Sequence[Job], startups_ns: Sequence[float], processors: Optional[float] = None
) -> float:
    """How long the jobs take in ns, until the last one has ended.

    Parameters
    ----------
    jobs:
        In the order in which they are begun.
    startups_ns:
        A worker each: what it does before its first job, on one processor.
    processors:
        If more are asked for at a time, all that runs then becomes slower alike. None: there is no limit.
    """
    waiting = iter(jobs)
    running: List[tuple[float, int, float]] = []  # progress at which it ends, its place, its processors
    progress = now = asked = 0.0  # progress: what a job would have done that ran from the start
    place = 0
    for startup in startups_ns[: len(jobs)]:
        heapq.heappush(running, (startup, place, 1.0))
        asked += 1.0
        place += 1
    while running:
        ends, _, freed = heapq.heappop(running)
        speed = 1.0 if processors is None or asked <= processors else processors / asked
        now += (ends - progress) / speed
        progress, asked = ends, asked - freed
        job = next(waiting, None)
        if job is not None:
            heapq.heappush(running, (progress + job.ns, place, job.processors))
            asked += job.processors
            place += 1
    return now


def least_ns(jobs: Sequence[Job], workers: int, processors: Optional[float] = None) -> float:
    """What no order of the jobs can fall below, in ns: their longest, and all of them spread evenly."""
    if not jobs:
        return 0.0
    spread = sum(job.ns for job in jobs) / workers
    if processors is not None:
        spread = max(spread, sum(job.ns * job.processors for job in jobs) / processors)
    return max(spread, max(job.ns for job in jobs))
