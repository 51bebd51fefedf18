"""Which worker simulated a scenario, and what a worker is called.

A worker is a thread that simulates scenarios: the only one of a process under Ray, one of several in a thread
pool, the program's main thread without a pool.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Sequence, Set

from nutrace.trace import Scenario, Trace


class Worker(NamedTuple):
    """A thread that simulates: the process, an index into ``Trace.resources``, and the thread's id."""

    resource: int
    thread_id: int


def worker_of(trace: Trace, scenario: Scenario) -> Optional[Worker]:
    """The worker that simulated a scenario; None if none of it is in this trace."""
    around = outermost_spans(scenario)
    return thread_of(trace, around[0]) if around else None


def outermost_spans(scenario: Scenario) -> Sequence[int]:
    """The scenario's own span, or its steps if there is none; empty if none of it is in the trace."""
    return scenario.steps if scenario.span is None else (scenario.span,)


def thread_of(trace: Trace, span: int) -> Worker:
    """The thread of a span."""
    thread = trace.threads[trace.thread[span]]
    return Worker(thread.resource, thread.thread_id)


def worker_names(trace: Trace) -> Dict[Worker, str]:
    """What to call the workers of a trace.

    It is the process id, followed by the thread's name or id (``4711/Thread-3``) where several threads of
    the process simulate, and behind the host (``node2:4711``) where workers are on several hosts.
    """
    workers = {
        worker for worker in (worker_of(trace, each) for each in trace.simulations) if worker is not None
    }
    threads: Dict[int, Set[int]] = {}
    for worker in workers:
        threads.setdefault(worker.resource, set()).add(worker.thread_id)
    named = {
        Worker(key.resource, key.thread_id): key.name for key in trace.threads if not key.lane and key.name
    }
    several = len({_host(trace, worker.resource) for worker in workers}) > 1
    names = {}
    for worker in workers:
        pid = trace.resources[worker.resource].pid
        name = f"process {worker.resource + 1}" if pid is None else str(pid)
        if len(threads[worker.resource]) > 1:
            name += f"/{named.get(worker, worker.thread_id)}"
        names[worker] = f"{_host(trace, worker.resource)}:{name}" if several else name
    return names


def _host(trace: Trace, resource: int) -> str:
    return trace.resources[resource].host or "?"
