"""How many workers the memory of the run's own machine holds."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Optional, Protocol, Sequence, Tuple

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.trace import Trace

_MODULE = "nutrace.analysis.evaluation.worker_memory"


class Memory(Protocol):
    """What is asked of the memory of a run's workers, in MB of 10^6 bytes."""

    @property
    def peak_mb(self) -> float: ...

    @property
    def per_worker_mb(self) -> Optional[float]: ...

    @property
    def growth_mb_per_scenario(self) -> Optional[float]: ...

    @property
    def fits(self) -> Sequence[Tuple[int, int]]: ...

    def needed_mb(self, workers: int) -> float: ...

    def fit(self, gb: float) -> int: ...


@dataclass(frozen=True)
class HostLimit:
    """The memory of the smallest machine of the run, in GB of 10^9 bytes, and the workers that it holds."""

    gb: float
    workers: int


def memory_of(trace: Trace) -> Optional[Memory]:
    """The memory of the run's workers; None if the run does not have it."""
    try:
        module = importlib.import_module(_MODULE)
    except ModuleNotFoundError:
        return None
    found: Optional[Memory] = module.worker_memory(trace)
    return found


def host_limit(trace: Trace, memory: Optional[Memory]) -> Optional[HostLimit]:
    """What fits into the run's machine; None if either is unknown."""
    sizes = [number(each.attributes, semconv.HOST_MEMORY) for each in trace.resources]
    if memory is None or not all(sizes) or not sizes or not memory.fits:
        return None
    gb = min(sizes) / 1e9
    return HostLimit(gb, memory.fit(gb))
