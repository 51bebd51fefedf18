"""What each step sets off, on its own thread and on others: statements, connections, copies, collections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict

from nutrace import semconv
from nutrace.analysis.attributes import number
from nutrace.analysis.connections import connects
from nutrace.analysis.deepcopies import root_copies
from nutrace.analysis.executions import batches
from nutrace.analysis.regions import Region, Regions, step_of
from nutrace.trace import Trace


@dataclass
class StepWork:
    """Counts of one step, as the report adds them up.

    Attributes
    ----------
    statements, rows, statement_ns:
        Executions, the rows that they returned as far as known, and their time in ns.
    connections:
        Connections opened.
    deep_copies, copied_objects:
        Root calls of ``copy.deepcopy``, and the objects that they copied.
    collections, collection_ns:
        Garbage collections on the step's own thread, and their time in ns.
    """

    statements: int = 0
    rows: int = 0
    statement_ns: int = 0
    connections: int = 0
    deep_copies: int = 0
    copied_objects: int = 0
    collections: int = 0
    collection_ns: int = 0


def step_work(trace: Trace, regions: Regions) -> Dict[int, StepWork]:
    """The work of each finished step, by its span."""
    found = {step: StepWork() for step in regions.steps}
    steps = step_of(trace, regions)
    for batch in batches(trace):
        work = found.get(steps[batch.span])
        if work is not None:
            work.statements += batch.calls * batch.runs
            work.rows += batch.rows or 0
            work.statement_ns += batch.total_ns
    for span in connects(trace):
        work = found.get(steps[span])
        if work is not None and span not in trace.failed:
            work.connections += trace.calls[span]
    for span in root_copies(trace):
        work = found.get(steps[span])
        if work is not None:
            work.deep_copies += trace.calls[span]
            work.copied_objects += number(trace.attributes(span), semconv.COPY_OBJECTS)
    for span, name in enumerate(trace.name):
        work = found.get(steps[span]) if name == semconv.GC_SPAN else None
        if work is not None and regions.region[span] == Region.INSIDE:
            work.collections += trace.calls[span]
            work.collection_ns += trace.busy_ns[span]
    return found
