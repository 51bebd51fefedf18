"""What a run takes with another number of workers, if parts of its steps take less as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence

from nutrace.analysis.evaluation.lanes import Lanes, lanes_of
from nutrace.analysis.evaluation.makespan import Makespan, makespan_of
from nutrace.analysis.evaluation.model import Model, Predicted
from nutrace.analysis.regions import divide
from nutrace.analysis.whatif.rescaled import Rescaling
from nutrace.analysis.whatif.result import LIKELY, factors_of
from nutrace.analysis.whatif.targets import Matched, Target, match
from nutrace.errors import UsageError
from nutrace.trace import Trace


@dataclass(frozen=True)
class WithWorkers:
    """The answer.

    Attributes
    ----------
    makespan:
        What the model says of the run as it is.
    alone:
        The run with the number of workers that was asked for, and nothing else changed.
    likely, stretch:
        With the changes as well, as far as they shorten steps; None without changes.
    """

    makespan: Makespan
    alone: Predicted
    likely: Optional[Predicted]
    stretch: Optional[Predicted]


def with_workers(trace: Trace, workers: int, targets: Sequence[Target] = ()) -> WithWorkers:
    """What follows from `workers` workers, and from `targets` that take a part of their time.

    Raises
    ------
    UsageError
        If no scenario of the run finished, or it does not have what a target names.
    """
    lanes = lanes_of(trace)
    span = None if lanes is None else makespan_of(trace, lanes, [workers])
    if lanes is None or span is None:
        raise UsageError("no scenario of this run finished: there is nothing to predict workers from")
    matched = match(trace, targets)
    return WithWorkers(
        span,
        Model(trace, lanes).predict(workers),
        _changed(trace, lanes, matched, LIKELY, workers) if targets else None,
        _changed(trace, lanes, matched, 1.0, workers) if targets else None,
    )


def _changed(trace: Trace, lanes: Lanes, matched: Sequence[Matched], part: float, workers: int) -> Predicted:
    regions = divide(trace)
    times = Rescaling(trace, regions).steps_ns(factors_of(len(trace), matched, part))
    saved: Dict[int, float] = {}
    for step, time in zip(regions.steps, times):
        number = trace.addresses.scenario_of[step]
        saved[number] = saved.get(number, 0.0) + trace.busy_ns[step] - time
    takes = {}
    for number, less in saved.items():
        start, end = lanes.spans_ns.get(number, (0, 0))
        takes[number] = max(1 - less / (end - start), 0.0) if end > start else 1.0
    return Model(trace, lanes, takes).predict(workers)
