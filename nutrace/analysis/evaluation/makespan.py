"""How long the scenarios of a run could take with other numbers of workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from nutrace.analysis.evaluation.lanes import Lanes
from nutrace.analysis.evaluation.model import Model, Predicted
from nutrace.trace import Trace

#: Nobody asks for more workers.
MOST_WORKERS = 10_000


@dataclass(frozen=True)
class Makespan:
    """What the model says of a run.

    Attributes
    ----------
    workers:
        As many as there were at a time in the run.
    kind:
        One of those in :mod:`nutrace.analysis.evaluation.lanes`.
    measured_ns, serial_ns:
        The run, and what of it the driver did by itself.
    bound_ns:
        What no number of workers falls below.
    startups_ns:
        What each of the run's workers took from when scenarios were handed out to its first, ascending.
    handover_ns:
        Mean time between two scenarios of a worker.
    durations:
        How it is known what a scenario takes by itself: :data:`MEASURED`; :data:`PROCESSOR_TIME`, because the
        run's workers shared processors, or Python's lock; :data:`SHARED`, the part of its time that falls to
        it if they shared it evenly, where the run has no processor time.
    processors:
        As many as the model lets work at a time: those of the machine, or what workers that shared them used.
        None if that is not known.
    left_out:
        Scenarios that did not finish: they are in no prediction.
    predicted:
        By number of workers.
    """

    workers: int
    kind: str
    measured_ns: int
    serial_ns: int
    bound_ns: float
    startups_ns: Tuple[int, ...]
    handover_ns: float
    durations: str
    processors: Optional[float]
    left_out: int
    predicted: Tuple[Predicted, ...]


def makespan_of(trace: Trace, lanes: Lanes, more: Sequence[int] = ()) -> Optional[Makespan]:
    """What the model says for numbers of workers around the run's, and for `more`.

    None if no scenario finished.
    """
    model = Model(trace, lanes)
    if not model.jobs:
        return None
    now = model.workers
    asked = {1, max(now // 2, 1), max(now - 1, 1), now, now + 1, 2 * now, 4 * now, *more}
    return Makespan(
        workers=now,
        kind=lanes.kind,
        measured_ns=lanes.wall_ns,
        serial_ns=lanes.serial_ns,
        bound_ns=model.bound_ns,
        startups_ns=tuple(model.startups),
        handover_ns=model.handover_ns,
        durations=model.durations,
        processors=model.processors,
        left_out=len(lanes.spans_ns) - len(model.jobs),
        predicted=tuple(model.predict(each) for each in sorted(asked) if 1 <= each <= MOST_WORKERS),
    )
