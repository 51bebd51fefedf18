"""What the driver does by itself around the scenarios, which no worker shortens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Sequence, Tuple

from nutrace.analysis.evaluation.pieces import Interval
from nutrace.analysis.evaluation.worker_names import Worker
from nutrace.trace import Trace

#: The devkit's parts of a run; what lies below one of them and in none of the others is its own.
_PARTS = frozenset(
    (
        *("config.compose", "config.set_up", "config.update", "worker.build"),
        *("scenario.build", "simulation.build", "metrics.build", "planner.build", "observation.build"),
        *("simulation.run_runners", "simulation.execute_runners", "serialization.save_reports"),
        *("main_callback.on_run_simulation_start", "main_callback.on_run_simulation_end"),
        *("metrics.aggregate",),
    )
)
NO_SPAN = "in no span"


@dataclass(frozen=True)
class SerialPart:
    """A part of the driver's own work: the name of its span, or :data:`NO_SPAN`, and its time in ns."""

    name: str
    ns: int


def serial_parts(trace: Trace, thread: Worker, around: Sequence[Interval]) -> Tuple[SerialPart, ...]:
    """What a thread did in some intervals, the longest first; together it is all of their time.

    Parameters
    ----------
    thread:
        The driver's: its process and its id.
    around:
        In order, and apart.
    """
    times: Dict[str, int] = {}
    spans = list(_parts(trace, thread))
    for start, end in around:
        at = start
        for name, begun, ended in spans:
            begun, ended = max(begun, at), min(ended, end)
            if ended <= begun:
                continue
            times[NO_SPAN] = times.get(NO_SPAN, 0) + begun - at
            times[name] = times.get(name, 0) + ended - begun
            at = ended
        times[NO_SPAN] = times.get(NO_SPAN, 0) + max(end - at, 0)
    parts = [SerialPart(name, ns) for name, ns in times.items() if ns]
    return tuple(sorted(parts, key=lambda part: (-part.ns, part.name)))


def _parts(trace: Trace, thread: Worker) -> Iterator[Tuple[str, int, int]]:
    """Name, start and end of what is no part below it, in order; a part with others in it comes in pieces."""
    ours = [(key.resource, key.thread_id) == thread for key in trace.threads]
    around: List[Tuple[int, str]] = []  # the parts that the current one lies in: end, name
    at = 0
    for span, name in enumerate(trace.name):
        outermost = trace.parent[span] < 0
        if not ours[trace.thread[span]] or not (outermost or name in _PARTS):
            continue
        start = trace.start_ns[span]
        while around and around[-1][0] <= start:
            end, above = around.pop()
            if end > at:
                yield above, at, end
                at = end
        if around and start > at:
            yield around[-1][1], at, start
        at = max(at, start)
        around.append((trace.end_ns[span], name))
    while around:
        end, above = around.pop()
        if end > at:
            yield above, at, end
            at = end
