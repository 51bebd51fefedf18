"""The hosts of a run: align their clocks, and name the processes that are not in the file."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from nutrace import semconv
from nutrace.trace.bounds import LATEST_NS, text, whole
from nutrace.trace.rows import Rows
from nutrace.trace.skew import Containment, Skew, skew
from nutrace.trace.span import Resource

_PRODUCER, _CONSUMER = 4, 5  # kinds of spans that do not wait for each other


def align(rows: Rows) -> Tuple[Skew, ...]:
    """Move the times of each host whose clock cannot agree with that of the run's first process.

    Returns what is known of each host but the first process's; nothing for a run on one host.
    """
    hosts = [_host_of(resource) for resource in rows.resources]
    if len(set(filter(None, hosts))) < 2:
        return ()
    reference = _reference(rows.resources, hosts)
    of_thread = [hosts[resource] for resource, _, _ in rows.threads]
    pairs: Dict[str, List[Containment]] = {host: [] for host in hosts if host and host != reference}
    for find in (_scenarios, _children):
        for host, pair in find(rows, of_thread, reference):
            pairs[host].append(pair)
    skews = tuple(skew(host, reference, found) for host, found in pairs.items())
    offsets = {each.host: each.offset_ns for each in skews if each.offset_ns}
    if offsets:
        _move(rows, [offsets.get(host, 0) for host in of_thread])
    return skews


def _host_of(resource: Mapping[str, Any]) -> str:
    """The host of a process of ours; "" for any other resource."""
    return text(resource.get(semconv.HOST_NAME)) if semconv.RUN_ID in resource else ""


def _reference(resources: Sequence[Mapping[str, Any]], hosts: Sequence[str]) -> str:
    """The host of the run's first process, or of the first that is in the file."""
    known = [(semconv.RUN_PARENT_PID in resource, host) for resource, host in zip(resources, hosts) if host]
    return min(known, key=lambda each: each[0])[1]


def _scenarios(rows: Rows, of_thread: List[str], reference: str) -> Iterator[Tuple[str, Containment]]:
    """Simulations of workers, which lie within the spans in which the driver has them run."""
    names = (semconv.RUNNERS_SPAN, semconv.MAP_SPAN)
    outer: Dict[str, List[int]] = {name: [] for name in names}
    inner: List[int] = []
    for row, name in enumerate(rows.name):
        if name == semconv.RUN_SPAN:
            if of_thread[rows.thread[row]] not in ("", reference):
                inner.append(row)
        elif name in outer and of_thread[rows.thread[row]] == reference:
            outer[name].append(row)
    around = outer[names[0]] or outer[names[1]]
    if not around:
        return
    # Of several it does not show which one: it is between the first one's start and the last one's end.
    start = min(rows.start_ns[row] for row in around)
    finished = {rows.span_id[row] for row in around if not rows.announced[row] and not rows.unfinished[row]}
    ended = all(rows.span_id[row] in finished for row in around)
    end = max(rows.end_ns[row] for row in around) if ended else None
    for row in inner:
        yield (
            of_thread[rows.thread[row]],
            Containment(start, end, rows.start_ns[row], max(rows.end_ns[row], rows.start_ns[row])),
        )


def _children(rows: Rows, of_thread: List[str], reference: str) -> Iterator[Tuple[str, Containment]]:
    """Spans whose parents are spans of the reference host: somebody has sent the context along."""
    others = [row for row, thread in enumerate(rows.thread) if of_thread[thread] not in ("", reference)]
    own = {rows.span_id[row] for row in others}
    below: Dict[int, List[int]] = defaultdict(list)
    for row in others:
        above = rows.parent_id[row]
        if above and above not in own:
            below[above].append(row)
    if not below:
        return
    for row, number in enumerate(rows.span_id):
        if number not in below or of_thread[rows.thread[row]] != reference:
            continue
        open_ended = rows.announced[row] or rows.unfinished[row] or rows.kind[row] == _PRODUCER
        for child in below[number]:
            if rows.trace_id[child] == rows.trace_id[row]:
                end = None if open_ended or rows.kind[child] == _CONSUMER else rows.end_ns[row]
                times = rows.start_ns[child], max(rows.end_ns[child], rows.start_ns[child])
                yield of_thread[rows.thread[child]], Containment(rows.start_ns[row], end, *times)


def _move(rows: Rows, offsets: List[int]) -> None:
    """Add to the times of each thread its offset; a time that is missing stays missing."""
    for times in (rows.start_ns, rows.end_ns):
        for row, thread in enumerate(rows.thread):
            if offsets[thread] and times[row] > 0:
                times[row] = min(max(times[row] + offsets[thread], 1), LATEST_NS)


def missing(resources: Sequence[Resource], run: str) -> List[str]:
    """For each host that has spans of the run that are not in its file, a sentence that says so.

    Parameters
    ----------
    resources:
        The processes in the file; the driver says of which workers it has heard.
    run:
        The name of the file.
    """
    there = {(each.host, each.pid) for each in resources}
    folders: Dict[str, Dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for resource in resources:
        for host, pid, file in _workers(resource.attributes.get(semconv.RUN_WORKERS)):
            if (host, pid) not in there:
                folders[host][file.rpartition("/")[0]] += 1
    return [_sentence(host, by_folder, run) for host, by_folder in sorted(folders.items())]


def _sentence(host: str, by_folder: Mapping[str, int], run: str) -> str:
    number = sum(by_folder.values())
    are = "process on host {host} is" if number == 1 else "processes on host {host} are"
    places = " and ".join(f"{host}:{folder}" for folder in sorted(by_folder))
    return (
        f"{number:,} {are.format(host=host)} not in this file: copy what is in {places}, and "
        f"nutrace join {run} COPIES -o NEW.json"
    )


def _workers(said: Any) -> List[Tuple[str, int, str]]:
    try:
        workers = json.loads(text(said) or "[]")
    except (ValueError, RecursionError):
        return []
    return [
        (text(worker.get("host")), whole(worker.get("pid")), text(worker.get("file")))
        for worker in (workers if isinstance(workers, list) else ())
        if isinstance(worker, dict)
    ]
