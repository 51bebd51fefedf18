"""Everything ``nutrace report`` says, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from nutrace.analysis.collections import Collections, collections
from nutrace.analysis.database import database
from nutrace.analysis.deepcopies import deep_copies
from nutrace.analysis.evaluation.summary import Evaluation, evaluation
from nutrace.analysis.inside import inside_spans
from nutrace.analysis.memory import Memory, memory, readings
from nutrace.analysis.regions import divide
from nutrace.analysis.samples import InsideSpans, Samples, samples_of
from nutrace.analysis.simulation_logs import SimulationLogs, simulation_logs
from nutrace.analysis.spans import SpanCost, span_costs
from nutrace.analysis.summary import Summary, summarize
from nutrace.analysis.work import Work, work
from nutrace.trace import Trace


@dataclass(frozen=True)
class Report(Summary):
    """The report on a run: its summary, and what takes longer to find. ``samples``, ``memory`` and
    ``simulation_logs`` are of the whole run, as the memory of a process has its past in it. ``evaluation`` is
    of a whole run with several scenarios, else None."""

    evaluation: Optional[Evaluation]
    work: Work
    spans: Tuple[SpanCost, ...]
    inside: Tuple[InsideSpans, ...]
    samples: Optional[Samples]
    collections: Optional[Collections]
    memory: Optional[Memory]
    simulation_logs: Optional[SimulationLogs]


def report(
    trace: Trace, part: Optional[Trace] = None, *, progress: Optional[Callable[[int, int], None]] = None
) -> Report:
    """Report on a trace, or on a `part` selected from it; the facts of the run are those of all of it.

    `progress` is called now and then with (work done, work in all).
    """

    def done(percent: int) -> None:
        if progress is not None:
            progress(percent, 100)

    chosen = trace if part is None else part
    regions = divide(chosen)
    first = summarize(trace, part, regions)
    done(15)
    queries = database(chosen, regions)
    done(70)
    copies, kinds = deep_copies(chosen, regions), span_costs(chosen, regions)
    done(90)
    read = readings(trace)
    return Report(
        **vars(first),
        evaluation=evaluation(trace, read) if chosen is trace else None,
        work=work(queries, copies),
        spans=kinds,
        inside=inside_spans(chosen, regions),
        samples=samples_of(trace),
        collections=collections(chosen, regions),
        memory=memory(trace, read),
        simulation_logs=simulation_logs(trace),
    )
