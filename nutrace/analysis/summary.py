"""The first figures of a run: what a card shows, and a report begins with. They are there in a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from nutrace.analysis.components import ComponentCost, costs_by_region
from nutrace.analysis.failures import Failure, failures
from nutrace.analysis.own_cost import OwnSum, own_sum
from nutrace.analysis.regions import Region, Regions, divide
from nutrace.analysis.run import Run, run_of
from nutrace.analysis.scenarios import Scenarios, scenarios_of
from nutrace.analysis.steps import StepTimes, step_times
from nutrace.trace import Correction, Trace


@dataclass(frozen=True)
class Lost:
    """Spans that are not in the file, or not whole."""

    dropped: int
    truncated: int
    unfinished: int


@dataclass(frozen=True)
class Overhead:
    """What nutrace itself cost: the sum of :class:`nutrace.analysis.own_cost.OwnCost`, None if unknown.

    ``spans`` is the number of spans recorded, before equal siblings were merged, ``in_file`` that of spans in
    the file; ``start_and_end_ns`` is a part of ``estimated_ns``, and ``share`` is the rest of it as a part of
    the wall time. ``bound`` says how to read them: "about" or "at least".
    """

    spans: int
    in_file: int
    estimated_ns: Optional[int]
    start_and_end_ns: int
    share: Optional[float]
    bound: str


@dataclass(frozen=True)
class Summary:
    """The summary of a run. ``components`` lie inside the steps on their own thread; their self times sum to
    ``steps.total_ns``. ``concurrent`` ran beside the steps on other threads. ``correction`` is of the whole
    run."""

    run: Run
    scenarios: Scenarios
    steps: StepTimes
    components: Tuple[ComponentCost, ...]
    concurrent: Tuple[ComponentCost, ...]
    outside_steps: Tuple[ComponentCost, ...]
    failures: Tuple[Failure, ...]
    lost: Lost
    overhead: Overhead
    correction: Correction
    notes: Tuple[str, ...]


def summarize(trace: Trace, part: Optional[Trace] = None, regions: Optional[Regions] = None) -> Summary:
    """Summarize a trace, or a `part` selected from it; the facts of the run are those of all of it.

    `regions` are those of what is summarized, if they are known.
    """
    chosen = trace if part is None else part
    regions = divide(chosen) if regions is None else regions
    diagnostics = trace.diagnostics
    costs = costs_by_region(chosen, regions)
    of_whole = regions if part is None else divide(trace)
    return Summary(
        run=run_of(trace),
        scenarios=scenarios_of(chosen),
        steps=step_times(chosen, regions),
        components=costs[Region.INSIDE],
        concurrent=costs[Region.BESIDE],
        outside_steps=costs[Region.OUTSIDE],
        failures=failures(chosen, regions),
        lost=Lost(diagnostics.dropped, diagnostics.truncated, diagnostics.unfinished),
        overhead=_overhead(own_sum(trace, of_whole), len(trace)),
        correction=trace.correction,
        notes=_notes(trace, regions),
    )


def _notes(trace: Trace, regions: Regions) -> Tuple[str, ...]:
    notes: List[str] = list(trace.diagnostics.notes)
    if regions.unfinished_steps:
        notes.append(f"steps that did not finish, counted outside the steps: {regions.unfinished_steps:,}")
    if trace.diagnostics.faults:
        notes.append(f"faults in probes, caught while the program ran: {trace.diagnostics.faults:,}")
    return tuple(notes)


def _overhead(cost: OwnSum, in_file: int) -> Overhead:
    return Overhead(
        spans=cost.spans,
        in_file=in_file,
        estimated_ns=None if cost.total_ns is None else round(cost.total_ns),
        start_and_end_ns=cost.start_and_end_ns,
        share=cost.share,
        bound=cost.bound,
    )
