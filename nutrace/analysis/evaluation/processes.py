"""The processes of a run: which one drives the others, when they began, and what they are."""

from __future__ import annotations

from datetime import datetime
from typing import Dict, List, Optional

from nutrace import semconv
from nutrace.trace import Resource, Trace
from nutrace.trace.bounds import LATEST_NS, text, whole

_RAY_WORKER = "default_worker.py"
#: A process imports modules before its first span, but not longer.
_LONGEST_NS = 3600 * 10**9


def driver_of(trace: Trace) -> int:
    """The process that began the others; without one that says so, that of the first span."""
    for index, resource in enumerate(trace.resources):
        says = resource.attributes
        if semconv.RUN_ID in says and semconv.RUN_PARENT_PID not in says:
            return index
    return trace.threads[trace.thread[trace.start_ns.index(trace.begin_ns)]].resource if len(trace) else 0


def first_seen(trace: Trace) -> List[int]:
    """When each process began, Unix ns: as it says, or else when its first span did."""
    first = [LATEST_NS] * len(trace.resources)
    for start, thread in zip(trace.start_ns, trace.thread):
        of = trace.threads[thread].resource
        if start < first[of]:
            first[of] = start
    for index, resource in enumerate(trace.resources):
        created = _created_ns(resource)
        if created is not None and 0 <= first[index] - created <= _LONGEST_NS:
            first[index] = created
    return first


def last_seen(trace: Trace) -> List[int]:
    """When each process was last known to run, Unix ns; 0 without spans."""
    last = [0] * len(trace.resources)
    for end, thread in zip(trace.end_ns, trace.thread):
        of = trace.threads[thread].resource
        if end > last[of]:
            last[of] = end
    return last


def processors_of(trace: Trace, used: List[int]) -> Optional[int]:
    """The processors that some processes may use, on all of their hosts; None if one does not say."""
    by_host: Dict[str, int] = {}
    for index in used:
        resource = trace.resources[index]
        count = whole(resource.attributes.get(semconv.PROCESSORS))
        if count < 1:
            return None
        by_host[resource.host] = max(by_host.get(resource.host, 0), count)
    return sum(by_host.values()) or None


def is_ray_worker(resource: Resource) -> bool:
    """Whether Ray started the process to run tasks."""
    return any(word.endswith(_RAY_WORKER) for word in _words(resource))


def program_of(resource: Resource) -> str:
    """The program's file without folders: ``dashboard.py``; "" if it is unknown."""
    words = _words(resource)
    script = next((word for word in words[1:] if not word.startswith("-")), words[0] if words else "")
    return script.rpartition("/")[2]


def _words(resource: Resource) -> List[str]:
    words = resource.attributes.get(semconv.COMMAND)
    return [word for word in words if isinstance(word, str)] if isinstance(words, (list, tuple)) else []


def _created_ns(resource: Resource) -> Optional[int]:
    said = text(resource.attributes.get(semconv.CREATED))
    try:
        return int(datetime.fromisoformat(said.replace("Z", "+00:00")).timestamp() * 1e6) * 1000
    except (ValueError, OverflowError, OSError):
        return None
