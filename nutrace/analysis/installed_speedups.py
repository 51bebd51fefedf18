"""What the speedups of a run did: the figures of its processes, summed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.bounds import LARGEST_COUNT

_PLAIN = (str, int, float, bool, type(None))  # types of options that are shown as they are

#: Figures that count how often something asked for was there, and how often it was not.
_RATES = (("hits", "misses"), ("reused", "connections"))


@dataclass(frozen=True)
class InProcess:
    """A speedup in one process.

    Attributes
    ----------
    finished:
        Whether the process ended by itself; if not, the figures are those of its last flush.
    at_work:
        Whether it replaced anything.
    refused:
        Why it did not fit; empty if it did.
    """

    pid: Optional[int]
    finished: bool
    at_work: bool
    refused: str
    options: Mapping[str, Any]
    figures: Mapping[str, int]


@dataclass(frozen=True)
class InstalledSpeedup:
    """One speedup, over all processes of a run.

    Attributes
    ----------
    options:
        Those of the first process.
    processes, at_work:
        In how many processes it was switched on, and in how many it replaced something: not in those that
        never imported the modules.
    refused:
        Why it did not fit, in the processes that refused it.
    figures:
        The sums; times are in nanoseconds, and their names end in ``_ns``.
    by_process:
        The summands, in the order of the run file.
    """

    name: str
    options: Mapping[str, Any]
    processes: int
    at_work: int
    refused: Tuple[str, ...]
    figures: Mapping[str, int] = field(default_factory=dict)
    by_process: Tuple[InProcess, ...] = ()

    @property
    def hit_rate(self) -> Optional[float]:
        """The share of what was asked for that was there, 0 to 1; ``None`` if nothing was asked for."""
        for there, absent in _RATES:
            if there in self.figures:
                asked = self.figures[there] + self.figures.get(absent, 0)
                return self.figures[there] / asked if asked else None
        return None


@dataclass(frozen=True)
class InstalledSpeedups:
    """The speedups of a run.

    Attributes
    ----------
    unsaid:
        Number of processes that were cut short: what their speedups did in the last second is unknown.
    """

    speedups: Tuple[InstalledSpeedup, ...]
    unsaid: int


def installed_speedups(trace: Trace) -> InstalledSpeedups:
    """Read the figures of all processes and sum them."""
    by_name: Dict[str, List[InProcess]] = {}
    unsaid = 0
    for resource in trace.resources:
        figures = _figures(resource.attributes.get(semconv.SPEEDUP_FIGURES))
        finished = bool(resource.attributes.get(semconv.RUN_COMPLETE))
        if figures and not finished:
            unsaid += 1
        for name, each in figures.items():
            by_name.setdefault(name, []).append(_in_process(resource.pid, finished, each))
    return InstalledSpeedups(tuple(_sum(name, processes) for name, processes in by_name.items()), unsaid)


def _in_process(pid: Optional[int], finished: bool, speedup: Mapping[str, Any]) -> InProcess:
    figures, options = speedup.get("figures"), speedup.get("options")
    return InProcess(
        pid,
        finished,
        at_work=bool(speedup.get("at_work")),
        refused=str(speedup.get("refused") or ""),
        options={
            str(name): value if isinstance(value, _PLAIN) else str(value)
            for name, value in (options if isinstance(options, dict) else {}).items()
        },
        figures={
            str(name): value
            for name, value in (figures if isinstance(figures, dict) else {}).items()
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_COUNT
        },
    )


def _sum(name: str, processes: List[InProcess]) -> InstalledSpeedup:
    figures: Counter[str] = Counter()
    for each in processes:
        for figure, value in each.figures.items():
            figures[figure] += value
    return InstalledSpeedup(
        name,
        processes[0].options,
        processes=len(processes),
        at_work=sum(each.at_work for each in processes),
        refused=tuple(dict.fromkeys(each.refused for each in processes if each.refused)),
        figures=dict(figures),
        by_process=tuple(processes),
    )


def _figures(text: Any) -> Dict[str, Mapping[str, Any]]:
    """A resource's figures by speedup; empty if they are not as nutrace writes them."""
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {str(name): each for name, each in document.items() if isinstance(each, dict)}
