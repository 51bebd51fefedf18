"""Everything ``nutrace report`` says, in numbers."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

from nutrace import semconv
from nutrace.analysis.collections import Collections, collections
from nutrace.analysis.components import ComponentCost, component_costs
from nutrace.analysis.database import database
from nutrace.analysis.deepcopies import deep_copies
from nutrace.analysis.evaluation.summary import Evaluation, evaluation
from nutrace.analysis.failures import Failure, failures
from nutrace.analysis.inside import inside_spans
from nutrace.analysis.memory import Memory, memory, readings
from nutrace.analysis.own_cost import OwnCost, own_cost
from nutrace.analysis.regions import Region, divide
from nutrace.analysis.samples import InsideSpans, Samples, samples_of
from nutrace.analysis.scenarios import Scenarios, scenarios_of
from nutrace.analysis.simulation_logs import SimulationLogs, simulation_logs
from nutrace.analysis.spans import SpanCost, span_costs
from nutrace.analysis.steps import StepTimes, step_times
from nutrace.analysis.work import Work, work
from nutrace.trace import Correction, Resource, Trace
from nutrace.trace.bounds import text


@dataclass(frozen=True)
class Run:
    """The run: facts of the whole file, even if a part of it is reported.

    ``by_nutrace`` is whether nutrace recorded it. ``in_no_span_ns`` is the wall time without that of the
    spans and what was taken out of them; None unless nutrace recorded one process with spans on one thread.
    """

    file: str
    command: str
    wall_seconds: float
    processes: int
    complete: bool
    running: bool
    by_nutrace: bool
    in_no_span_ns: Optional[int]


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
    the wall time.
    """

    spans: int
    in_file: int
    estimated_ns: Optional[int]
    start_and_end_ns: int
    share: Optional[float]


@dataclass(frozen=True)
class Report:
    """The report on a run. ``components`` lie inside the steps on their own thread; their self
    times sum to ``steps.total_ns``. ``concurrent`` ran beside the steps on other threads. ``correction`` is
    of the whole run; so are ``samples``, ``memory`` and ``simulation_logs``, as the memory of a process has
    its past in it. ``evaluation`` is of a whole run with several scenarios, else None."""

    run: Run
    scenarios: Scenarios
    evaluation: Optional[Evaluation]
    steps: StepTimes
    work: Work
    components: Tuple[ComponentCost, ...]
    concurrent: Tuple[ComponentCost, ...]
    outside_steps: Tuple[ComponentCost, ...]
    spans: Tuple[SpanCost, ...]
    inside: Tuple[InsideSpans, ...]
    samples: Optional[Samples]
    failures: Tuple[Failure, ...]
    collections: Optional[Collections]
    memory: Optional[Memory]
    simulation_logs: Optional[SimulationLogs]
    lost: Lost
    overhead: Overhead
    correction: Correction
    notes: Tuple[str, ...]


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
    done(10)
    queries = database(chosen, regions)
    done(55)
    copies, kinds = deep_copies(chosen, regions), span_costs(chosen, regions)
    done(80)
    diagnostics = trace.diagnostics
    read = readings(trace)
    wall_ns = trace.finish_ns - trace.begin_ns
    by_nutrace = any(semconv.RUN_ID in resource.attributes for resource in trace.resources)
    notes = list(diagnostics.notes)
    if regions.unfinished_steps:
        notes.append(f"steps that did not finish, counted outside the steps: {regions.unfinished_steps:,}")
    if diagnostics.faults:
        notes.append(f"faults in probes, caught while the program ran: {diagnostics.faults:,}")
    return Report(
        run=Run(
            file=trace.path,
            command=command_of(trace.resources),
            wall_seconds=wall_ns / 1e9,
            processes=len(trace.resources),
            complete=diagnostics.complete,
            running=diagnostics.running,
            by_nutrace=by_nutrace,
            in_no_span_ns=_in_no_span_ns(trace, wall_ns) if by_nutrace else None,
        ),
        scenarios=scenarios_of(chosen),
        evaluation=evaluation(trace, read) if chosen is trace else None,
        steps=step_times(chosen, regions),
        work=work(queries, copies),
        components=component_costs(chosen, regions, Region.INSIDE),
        concurrent=component_costs(chosen, regions, Region.BESIDE),
        outside_steps=component_costs(chosen, regions, Region.OUTSIDE),
        spans=kinds,
        inside=inside_spans(chosen, regions),
        samples=samples_of(trace),
        failures=failures(chosen, regions),
        collections=collections(chosen, regions),
        memory=memory(trace, read),
        simulation_logs=simulation_logs(trace),
        lost=Lost(diagnostics.dropped, diagnostics.truncated, diagnostics.unfinished),
        overhead=_overhead(own_cost(trace, regions if part is None else divide(trace)), len(trace)),
        correction=trace.correction,
        notes=tuple(notes),
    )


def command_of(resources: Tuple[Resource, ...]) -> str:
    """The command line of the first process that has one."""
    for resource in resources:
        words = resource.attributes.get(semconv.COMMAND)
        if isinstance(words, list) and words:
            return shlex.join(str(word) for word in words)
        line = resource.attributes.get("process.command_line")
        if isinstance(line, str) and line:
            return line
    return ""


def settings_of(resources: Tuple[Resource, ...]) -> Dict[str, Any]:
    """nutrace's settings in the first process that says them."""
    for resource in resources:
        try:
            settings = json.loads(text(resource.attributes.get(semconv.SETTINGS)))
        except (ValueError, RecursionError):
            continue
        if isinstance(settings, dict):
            return settings
    return {}


def _in_no_span_ns(trace: Trace, wall_ns: int) -> Optional[int]:
    if len(trace.resources) != 1 or len(trace.threads) != 1:
        return None  # the spans of several threads and processes lie beside each other
    left_ns = wall_ns - sum(trace.busy_ns[root] for root in trace.roots) - sum(trace.own_ns)
    return left_ns if left_ns >= 0 else None


def _overhead(cost: OwnCost, in_file: int) -> Overhead:
    return Overhead(
        spans=cost.spans,
        in_file=in_file,
        estimated_ns=None if cost.total_ns is None else round(cost.total_ns),
        start_and_end_ns=cost.start_and_end_ns,
        share=cost.share,
    )
