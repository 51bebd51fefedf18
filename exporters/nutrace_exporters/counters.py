"""Counter tracks: how long steps take, what they ask a database, how much memory a process has.

A counter keeps its value until the next one.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Dict, Iterator, Mapping, NamedTuple, Tuple

from nutrace import semconv
from nutrace.trace import Trace
from nutrace.trace.bounds import whole
from nutrace.trace.statements import executions, statement_spans
from nutrace_exporters.lanes import thread_names

#: Names of counters and what they count: Perfetto puts the two together, ``step time ms``.
STEP_TIME = "step time", "ms"
STEP_QUERIES = "database queries", "in the step"
STEP_ROWS = "database rows", "in the step"
MEMORY = "memory", "MB"
GPU_MEMORY = "GPU memory", "MB"

_MB = 1e6


class Counter(NamedTuple):
    """A counter's value from a time on, ns since the trace began; `resource` is the number of its process."""

    name: str
    unit: str
    resource: int
    at: int
    value: float


def counters(trace: Trace) -> Iterator[Counter]:
    """The counters of a trace, those of steps first."""
    steps = trace.step_indices
    yield from _in_steps(trace, STEP_TIME, {step: trace.busy_ns[step] / 1e6 for step in steps})
    queries, rows = _queries_and_rows(trace)
    yield from _in_steps(trace, STEP_QUERIES, queries)
    yield from _in_steps(trace, STEP_ROWS, rows)
    for span in range(len(trace)):
        if b"nutrace.memory." not in trace.raw.attributes[span]:
            continue  # decoding takes longer than looking
        attributes = trace.attributes(span)
        resource = trace.threads[trace.thread[span]].resource
        for key, counted, when in (
            (semconv.MEMORY_START, MEMORY, trace.start_ns[span]),
            (semconv.MEMORY, MEMORY, trace.end_ns[span]),
            (semconv.MEMORY_GPU, GPU_MEMORY, trace.end_ns[span]),
        ):
            known = whole(attributes.get(key))
            if known >= 0:
                yield Counter(*counted, resource, when - trace.begin_ns, known / _MB)


def _in_steps(trace: Trace, counted: Tuple[str, str], values: Mapping[int, float]) -> Iterator[Counter]:
    """A value for each step, from its begin to its end, and 0 between steps."""
    if not values:
        return
    name, unit = counted
    names = _names(trace, name)
    free: Dict[int, int] = {}  # by thread: when its last step ended
    for step in trace.step_indices:
        thread = trace.thread[step]
        resource = trace.threads[thread].resource
        start = trace.start_ns[step] - trace.begin_ns
        if free.get(thread, start) < start:
            yield Counter(names[thread], unit, resource, free[thread], 0)
        yield Counter(names[thread], unit, resource, start, values.get(step, 0))
        free[thread] = trace.end_ns[step] - trace.begin_ns
    for thread, end in free.items():
        yield Counter(names[thread], unit, trace.threads[thread].resource, end, 0)


def _names(trace: Trace, name: str) -> Dict[int, str]:
    """The counter's name by thread: each has its own, if several threads of a process simulate."""
    threads = sorted({trace.thread[step] for step in trace.step_indices})
    resources = [trace.threads[thread].resource for thread in threads]
    return {
        thread: f"{name}, {thread_name}" if resources.count(resource) > 1 else name
        for thread, resource, thread_name in zip(threads, resources, thread_names(trace, threads))
    }


def _queries_and_rows(trace: Trace) -> Tuple[Dict[int, float], Dict[int, float]]:
    """By step, the queries that it sets off, on other threads as well, and the rows that these return.

    A step has no entry if it has no query, or if no query says how many rows it returned.
    """
    queries: Dict[int, float] = {}
    rows: Dict[int, float] = {}
    statements = statement_spans(trace)
    for step in trace.step_indices:
        begin, end = (bisect_left(statements, edge) for edge in (step, trace.subtree_end[step]))
        for span in statements[begin:end]:
            queries[step] = queries.get(step, 0) + executions(trace, span)
            returned = whole(trace.attributes(span).get(semconv.DB_ROWS))
            if returned >= 0:
                rows[step] = rows.get(step, 0) + returned
    return queries, rows
