"""Spans that spend much time in themselves: what there is to say without samples."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import DefaultDict, List, Optional, Tuple

from nutrace.analysis import Region, Regions, divide
from nutrace.trace import Trace

_MOST = 5
_LEAST = 0.02


@dataclass(frozen=True)
class Opaque:
    """All spans of one name and component.

    Attributes
    ----------
    self_ms:
        Self time, per step, or in the run if it has no steps.
    self_share:
        The part of their time in which nothing below them has a span, 0 to 1.
    share:
        Self time as a part of the steps, or of the run.
    """

    span: str
    component: str
    self_ms: float
    self_share: float
    share: float
    per_step: bool


def opaque(trace: Trace, regions: Optional[Regions] = None) -> List[Opaque]:
    """The spans with the most self time, in the steps if there are any.

    Parameters
    ----------
    trace:
        A trace.
    regions:
        How the trace is divided, if that is known already.
    """
    regions = divide(trace) if regions is None else regions
    steps = len(regions.steps)
    self_ns: DefaultDict[Tuple[str, str], int] = defaultdict(int)
    total_ns: DefaultDict[Tuple[str, str], int] = defaultdict(int)
    for index, kind in enumerate(zip(trace.name, trace.component)):
        if not steps or regions.region[index] == Region.INSIDE:
            self_ns[kind] += trace.self_ns[index]
            if regions.outermost_name[index]:
                total_ns[kind] += trace.busy_ns[index]
    whole = sum(self_ns.values())
    return [
        Opaque(
            *kind,
            self_ms=self_ns[kind] / 1e6 / (steps or 1),
            self_share=self_ns[kind] / total_ns[kind] if total_ns[kind] else 1.0,
            share=self_ns[kind] / whole,
            per_step=bool(steps),
        )
        for kind in sorted(self_ns, key=lambda kind: (-self_ns[kind], kind))[:_MOST]
        if whole and self_ns[kind] >= _LEAST * whole
    ]
