"""A model of the workers of a run, which predicts the run with another number of them.

The driver's own work stays as it is. The scenarios are begun in the order of the run, each by the first
worker that is free. A worker starts up first, and between two scenarios it takes the time that the run's
workers took on average. A scenario takes as long as it took, unless more work is to run at a time than there
are processors: then all of it is slower alike. Where the run's workers shared processors already, or Python's
lock as threads of one process do, workers do together no more than these did.

Makespan and list scheduling: R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math.
17 (1969).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.evaluation.lane import Lane
from nutrace.analysis.evaluation.lanes import PROCESSES, SEQUENTIAL, THREADS, Lanes
from nutrace.analysis.evaluation.pieces import Doing
from nutrace.analysis.evaluation.scheduling import Job, least_ns, scheduled_ns
from nutrace.analysis.evaluation.shares import Shares
from nutrace.trace import Trace
from nutrace.trace.addresses import FINISHED

#: How it was found out what a scenario takes by itself.
MEASURED, PROCESSOR_TIME, SHARED = "measured", "processor time", "shared"

_SATURATED = 0.8  # of the processors
#: Until then the driver imports modules: a process that simulates what it did imports no more.
_BEFORE_CONFIG = ("config.compose", "config.set_up")
#: What other processes of a sequential run do of its callbacks.
_HELPING = ("metrics", "serialization", "callback")


@dataclass(frozen=True)
class Predicted:
    """A number of workers, the time of the run with them, and what it cannot fall below, in ns."""

    workers: int
    ns: float
    bound_ns: float


class Model:
    """The model of one run.

    Parameters
    ----------
    trace, lanes:
        A whole run.
    takes:
        By scenario number the part of its time that it is to take; 1 for those that are not in it.

    Attributes
    ----------
    jobs:
        By scenario number, what it takes by itself. Of scenarios that finished.
    workers, startups, handover_ns, durations, processors:
        As in :class:`Makespan`.
    """

    def __init__(self, trace: Trace, lanes: Lanes, takes: Optional[Mapping[int, float]] = None) -> None:
        self._trace = trace
        self._takes = takes or {}
        self._lanes = lanes
        working = [lane for lane in lanes.workers if lane.scenarios]
        self.workers = lanes.at_once
        self.startups = sorted(_startup_ns(lane, lanes) for lane in working)
        self.handover_ns = _handover_ns(working)
        shared = lanes.kind == THREADS and self.workers > 1
        crowded = lanes.kind == PROCESSES and _are_crowded(self.workers, lanes)
        self.processors: Optional[float] = lanes.processors
        if shared or crowded:  # together they did no more than that
            self.processors = lanes.cores_used or (1.0 if shared else self.processors)
        elif lanes.kind == THREADS:
            self.processors = 1.0
        self.durations = MEASURED
        self.jobs: Dict[int, Job] = {}
        alone = [each for each in working if sum(one.resource == each.resource for one in working) == 1]
        share = Shares(lanes, 1.0 if shared else float(lanes.processors or 1)) if shared or crowded else None
        for lane in working:
            for each in lane.scenarios:
                if trace.addresses.by_number[each].outcome == FINISHED:
                    job = self._job(each, share, lane in alone)
                    self.jobs[each] = Job(job.ns * self._takes.get(each, 1.0), job.processors)

    def _job(self, scenario: int, share: Optional[Shares], alone: bool) -> Job:
        start, end = self._lanes.spans_ns[scenario]
        used = _used_ns(self._trace, scenario, of_process=alone and self._lanes.kind != THREADS)
        if share is not None:
            if used is not None:
                self.durations = PROCESSOR_TIME
                return Job(float(used))
            self.durations = SHARED
            return Job(share.of(start, end))
        took = end - start
        if used is None or not took or self._lanes.kind == THREADS:  # a thread is taken to hold the lock
            return Job(float(took))
        return Job(float(took), used / took)

    def predict(self, workers: int, *, in_processes: bool = False) -> Predicted:
        """The run with so many workers of its own kind, or with processes.

        More workers than one of a sequential run are processes: there are no others.
        """
        lanes, total, bound = self._lanes, float(self._lanes.serial_ns), float(self._lanes.serial_ns)
        in_processes = in_processes or (lanes.kind == SEQUENTIAL and workers > 1)
        startups, processors, extra_ns = self._startups(workers), self.processors, 0.0
        if in_processes and lanes.kind != PROCESSES:
            startups, processors = [self._imports_ns] * workers, lanes.processors
            extra_ns = self._helpers_ns if lanes.kind == SEQUENTIAL else 0.0
        for place, each in enumerate(lanes.rounds):
            jobs = [self.jobs[one] for one in self._order(each.scenarios)]
            jobs = [Job(job.ns + self.handover_ns + extra_ns, job.processors) for job in jobs]
            begin = startups if not place else [0.0] * workers
            total += scheduled_ns(jobs, begin, processors)
            bound += least_ns(jobs, workers, processors) + min(begin)
        return Predicted(workers, total, bound)

    @property
    def bound_ns(self) -> float:
        """What the run takes at least, with any number of workers."""
        return min(self.predict(each).bound_ns for each in (1, max(len(self.jobs), 1)))

    def _order(self, scenarios: Sequence[int]) -> List[int]:
        spans = self._lanes.spans_ns
        return sorted(
            (each for each in scenarios if each in self.jobs), key=lambda each: (spans[each][0], each)
        )

    def _startups(self, workers: int) -> List[float]:
        """What each of so many workers takes before its first scenario: the quickest first."""
        known = [float(each) for each in self.startups[:workers]]
        return known + [self._another_ns] * (workers - len(known))

    @property
    def _another_ns(self) -> float:
        """What a worker takes that the run did not have."""
        if self._lanes.kind == PROCESSES and self.workers == 1:
            lane = next(each for each in self._lanes.workers if each.scenarios)
            return float(max(self.startups[0], _spent_in_spans(self._trace, lane, self._lanes)))
        return float(self.startups[-1])

    @property
    def _imports_ns(self) -> float:
        """What the driver took until it read its configuration: a worker imports a part of that, not more."""
        trace, lanes = self._trace, self._lanes
        starts = [
            trace.start_ns[span]
            for span, name in enumerate(trace.name)
            if name in _BEFORE_CONFIG and trace.threads[trace.thread[span]].resource == lanes.driver.resource
        ]
        return float(min(starts) - lanes.begin_ns) if starts else 0.0

    @property
    def _helpers_ns(self) -> float:
        """For each scenario, what other processes of a sequential run did of its callbacks."""
        trace, lanes = self._trace, self._lanes
        spent = sum(
            trace.busy_ns[span]
            for span in range(len(trace))
            if not trace.nested(span)
            and trace.component[span] in _HELPING
            and trace.threads[trace.thread[span]].resource != lanes.driver.resource
        )
        return spent / max(len(self.jobs), 1)


def _are_crowded(workers: int, lanes: Lanes) -> bool:
    """Whether more workers than processors kept these busy; if not, they waited for something else."""
    if lanes.processors is None or workers <= lanes.processors:
        return False
    return lanes.cores_used is None or lanes.cores_used >= _SATURATED * lanes.processors


def _startup_ns(lane: Lane, lanes: Lanes) -> int:
    """From when the scenarios of its first round were handed out to when it began its first."""
    first = lanes.spans_ns[lane.scenarios[0]][0]
    return first - max((each.start_ns for each in lanes.rounds if each.start_ns <= first), default=first)


def _handover_ns(working: Sequence[Lane]) -> float:
    """Mean time between two scenarios of a lane, in one round."""
    gaps = [
        piece.end_ns - piece.start_ns
        for lane in working
        for before, piece, after in zip(lane.pieces, lane.pieces[1:], lane.pieces[2:])
        if (before.doing, piece.doing, after.doing) == (Doing.BUSY, Doing.WAITING, Doing.BUSY)
    ]
    pairs = sum(len(lane.scenarios) - 1 for lane in working)
    return sum(gaps) / pairs if pairs else 0.0


def _spent_in_spans(trace: Trace, lane: Lane, lanes: Lanes) -> int:
    """What the lane of a worker shows of its start-up in spans, before its first scenario."""
    first = lanes.spans_ns[lane.scenarios[0]][0]
    return sum(
        min(trace.end_ns[span], first) - trace.start_ns[span]
        for span in range(len(trace))
        if trace.start_ns[span] < first
        and not trace.nested(span)
        and (trace.threads[trace.thread[span]].resource, trace.threads[trace.thread[span]].thread_id)
        == (lane.resource, lane.thread_id)
    )


def _used_ns(trace: Trace, scenario: int, *, of_process: bool) -> Optional[int]:
    """Processor time of a scenario's thread, or of its whole process; None if the run does not have it."""
    span = trace.addresses.by_number[scenario].span
    if span is None:
        return None
    says = trace.attributes(span)
    begin, end = (
        (semconv.CPU_PROCESS_START, semconv.CPU_PROCESS)
        if of_process
        else (semconv.CPU_THREAD_START, semconv.CPU_THREAD)
    )
    used = number(says, end) - number(says, begin)
    return used if number(says, begin) and used > 0 else None
