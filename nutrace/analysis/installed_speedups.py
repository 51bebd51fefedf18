"""What the speedups that were switched on did in a run: the processes' own figures, added up."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.trace import Trace

#: Figures which say how many times something was asked for, and how many times it was there.
_RATES = (("hits", "misses"), ("reused", "connections"))


@dataclass(frozen=True)
class InProcess:
    """A speedup in one process.

    Attributes
    ----------
    finished:
        Whether the process came to its end; else the figures are those of its last flush.
    at_work:
        Whether it stood in a place.
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
        As it was switched on with; of the first process.
    processes, at_work:
        How many had it switched on, and in how many of them it stood in a place: not in those that
        never imported the modules.
    refused:
        Why it did not fit, in the processes that refused it.
    figures:
        Added up; times in nanoseconds, by names that end in ``_ns``.
    by_process:
        What they were added up from, in the order of the run file.
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
        """The share of what was asked for that was there already; none if nothing was asked for."""
        for there, absent in _RATES:
            if there in self.figures:
                asked = self.figures[there] + self.figures.get(absent, 0)
                return self.figures[there] / asked if asked else None
        return None


@dataclass(frozen=True)
class InstalledSpeedups:
    """What a run says about its speedups.

    Attributes
    ----------
    unsaid:
        Processes that were cut short: what their speedups did in the last second is unknown.
    """

    speedups: Tuple[InstalledSpeedup, ...]
    unsaid: int


def installed_speedups(trace: Trace) -> InstalledSpeedups:
    """Read and add up."""
    said: Dict[str, List[InProcess]] = {}
    unsaid = 0
    for resource in trace.resources:
        found = _figures(resource.attributes.get(semconv.SPEEDUP_FIGURES))
        finished = bool(resource.attributes.get(semconv.RUN_COMPLETE))
        if found and not finished:
            unsaid += 1
        for name, each in found.items():
            said.setdefault(name, []).append(_in_process(resource.pid, finished, each))
    return InstalledSpeedups(tuple(_sum(name, found) for name, found in said.items()), unsaid)


def _in_process(pid: Optional[int], finished: bool, said: Mapping[str, Any]) -> InProcess:
    figures, options = said.get("figures"), said.get("options")
    return InProcess(
        pid,
        finished,
        at_work=bool(said.get("at_work")),
        refused=str(said.get("refused") or ""),
        options=options if isinstance(options, dict) else {},
        figures={
            str(name): value
            for name, value in (figures if isinstance(figures, dict) else {}).items()
            if isinstance(value, int)
        },
    )


def _sum(name: str, said: List[InProcess]) -> InstalledSpeedup:
    figures: Counter[str] = Counter()
    for each in said:
        for figure, value in each.figures.items():
            figures[figure] += value
    return InstalledSpeedup(
        name,
        said[0].options,
        processes=len(said),
        at_work=sum(each.at_work for each in said),
        refused=tuple(dict.fromkeys(each.refused for each in said if each.refused)),
        figures=dict(figures),
        by_process=tuple(said),
    )


def _figures(text: Any) -> Dict[str, Mapping[str, Any]]:
    """What a resource says; nothing if it is not as nutrace writes it."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): each for name, each in found.items() if isinstance(each, dict)}
