"""How much memory workers need, and how many of them fit into a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.evaluation.memory_growth import GrowthPart, growth_parts
from nutrace.analysis.evaluation.processes import driver_of
from nutrace.analysis.evaluation.worker_names import worker_of
from nutrace.analysis.memory import Growth, Readings, ScenarioMemory, memory, readings
from nutrace.trace import Trace

#: Sizes of machines, in GB of 10^9 bytes, for which it is told how many workers fit: beside the run's own.
SIZES_GB = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_MB, _GB = 1e6, 1e9


@dataclass(frozen=True)
class WorkerPeak:
    """One process that simulated, in bytes.

    Attributes
    ----------
    resource, pid:
        The process.
    scenarios:
        How many it simulated, those that it did not end included.
    first:
        Resident after its first scenario, which a worker needs at least.
    peak:
        The most that was resident.
    growth:
        What it grew by with each scenario; 0 if that was not steady.
    """

    resource: int
    pid: int
    scenarios: int
    first: int
    peak: int
    growth: float

    def after(self, scenarios: int) -> float:
        """The peak of such a process after some number of scenarios, if it grows along a straight line."""
        return max(self.peak + self.growth * (scenarios - self.scenarios), float(self.first))


@dataclass(frozen=True)
class WorkerMemory:
    """The memory of the workers of a run.

    Attributes
    ----------
    peak_mb:
        The largest peak of any process of the run, as in the report.
    per_worker_mb:
        The largest peak of a worker; if workers are `threads`, what each of them added to their process. None
        if the run has no scenario whose memory was read.
    driver_mb:
        The peak of the process that started the workers. If it simulated by itself, what it held when its
        first scenario began. None if the file does not have it.
    growth_mb_per_scenario:
        As in the report: of the process and planner that grew most, and steadily if one did. None with fewer
        than two readings.
    steady:
        Whether that is growth, not chance.
    grew_in:
        What that process grew by in each part of its scenarios, the largest first; empty if nothing grew.
    machine_gb:
        The memory of the machine or container that it ran on; None if unknown, or with workers on several
        hosts.
    workers:
        The processes that simulated, by what they needed.
    scenarios:
        All scenarios of the run, which the workers share.
    threads:
        How many threads of one process simulated, if several did, else 0.
    driver_simulates:
        Whether the driver simulated by itself.
    by_kernel:
        Whether peaks are the kernel's. Otherwise they are the largest of ten readings a second, and the true
        ones may be higher.
    """

    peak_mb: float
    per_worker_mb: Optional[float]
    driver_mb: Optional[float]
    growth_mb_per_scenario: Optional[float]
    steady: bool
    grew_in: Tuple[GrowthPart, ...]
    machine_gb: Optional[float]
    workers: Tuple[WorkerPeak, ...]
    scenarios: int
    threads: int
    driver_simulates: bool
    by_kernel: bool

    @property
    def fits(self) -> Tuple[Tuple[float, int], ...]:
        """Sizes of machines in GB, each with the number of workers that fit; empty without workers."""
        sizes = {*SIZES_GB, *([] if self.machine_gb is None else [self.machine_gb])}
        return tuple((gb, self.fit(gb)) for gb in sorted(sizes)) if self.workers else ()

    def needed_mb(self, workers: int) -> float:
        """What the driver and so many workers need at most, if they share the scenarios of the run evenly.

        The model: a worker needs the most that any of the run's did, plus the steady growth over the
        scenarios that it gets more than that one had, or less it over those that it gets less. Workers that
        are threads add to one process, and what scenarios leave in it does not depend on their number.
        """
        driver_mb = self.driver_mb or 0.0
        if self.threads:
            left = sum(worker.growth * worker.scenarios for worker in self.workers) / _MB
            return driver_mb + left + workers * (self.per_worker_mb or 0.0)
        share = -(-self.scenarios // workers)
        return driver_mb + workers * max(worker.after(share) for worker in self.workers) / _MB

    def fit(self, gb: float) -> int:
        """How many workers fit into `gb` GB, by :meth:`needed_mb`; 0 if not even one does."""
        if not self.workers:
            return 0
        room_mb = gb * _GB / _MB
        # With more workers than scenarios each has one: then it is a line.
        most = max(self.scenarios, 1)
        one_mb = self.needed_mb(most + 1) - self.needed_mb(most)
        if self.needed_mb(most) <= room_mb:
            return most + int((room_mb - self.needed_mb(most)) / max(one_mb, 1.0))
        return next((count for count in range(most - 1, 0, -1) if self.needed_mb(count) <= room_mb), 0)


def worker_memory(trace: Trace, found: Optional[Readings] = None) -> Optional[WorkerMemory]:
    """The memory of a run's workers; None if the file has no memory.

    `found` is what :func:`nutrace.analysis.memory.readings` returned for the trace, if the caller has it.
    """
    found = readings(trace) if found is None else found
    used = memory(trace, found)
    if used is None:
        return None
    by_process: Dict[int, List[ScenarioMemory]] = {}
    for each in found.scenarios:
        by_process.setdefault(each.resource, []).append(each)
    workers = [
        _worker(trace, resource, of_process, found.peaks[resource], used.growth)
        for resource, of_process in by_process.items()
        if found.peaks.get(resource)
    ]
    workers.sort(key=lambda each: (-each.peak, each.pid))
    driver = driver_of(trace)
    threads = _threads(trace) if len(by_process) == 1 else 0
    simulates = driver in by_process
    driver_bytes = _at_start(by_process[driver]) if simulates else found.peaks.get(driver, 0)
    per_worker: Optional[float] = workers[0].peak if workers else None
    if workers and threads:
        (one,) = workers
        driver_bytes = _at_start(by_process[one.resource])
        per_worker = max(one.peak - driver_bytes - one.growth * one.scenarios, 0.0) / threads
    most = used.growth[0] if used.growth else None
    steady = most is not None and most.steady
    return WorkerMemory(
        peak_mb=used.peak / _MB,
        per_worker_mb=None if per_worker is None else per_worker / _MB,
        driver_mb=driver_bytes / _MB if driver_bytes else None,
        growth_mb_per_scenario=None if most is None or most.per_scenario is None else most.per_scenario / _MB,
        steady=steady,
        grew_in=growth_parts(trace, by_process[most.resource]) if most is not None and steady else (),
        machine_gb=_machine_gb(trace, by_process),
        workers=tuple(workers),
        scenarios=len(trace.simulations),
        threads=threads,
        driver_simulates=simulates,
        by_kernel=all(each.resource in found.by_kernel for each in workers),
    )


def _worker(
    trace: Trace, resource: int, scenarios: Sequence[ScenarioMemory], peak: int, growth: Sequence[Growth]
) -> WorkerPeak:
    grew = [each for each in growth if each.resource == resource and each.steady and each.per_scenario]
    ended = [each for each in scenarios if each.end]
    first = min(ended, key=lambda each: each.end_ns).end if ended else _at_start(scenarios)
    return WorkerPeak(
        resource=resource,
        pid=trace.resources[resource].pid or 0,
        scenarios=len(scenarios),
        first=first,
        peak=peak,
        # With several planners, what a scenario adds is the mean of what theirs add.
        growth=sum((each.per_scenario or 0.0) * each.scenarios for each in grew) / max(len(ended), 1),
    )


def _machine_gb(trace: Trace, processes: Iterable[int]) -> Optional[float]:
    resources = [trace.resources[process] for process in processes]
    if len({each.host for each in resources}) != 1:
        return None
    sizes = [number(each.attributes, semconv.HOST_MEMORY) for each in resources]
    return round(min(sizes) / _GB, 1) if all(sizes) else None


def _threads(trace: Trace) -> int:
    """How many threads simulate; 0 if it is only one."""
    workers = {worker_of(trace, scenario) for scenario in trace.simulations}
    return len(workers) if len(workers) > 1 else 0


def _at_start(scenarios: Sequence[ScenarioMemory]) -> int:
    """What a process held when its first scenario began."""
    return min(scenarios, key=lambda each: each.begin_ns).start
