"""Trace events as chrome://tracing and Perfetto read them: complete events, nested per thread.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
Times are microseconds since the first span, with three decimals: nothing is rounded away.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, Iterator, List, Set

from nutrace.trace import Trace
from nutrace_exporters.labels import duration, label, value
from nutrace_exporters.lanes import SMALL, Box, Lanes

_LINES_PER_WRITE = 4096


@dataclass(frozen=True)
class Options:
    """How to write trace events.

    Parameters
    ----------
    min_ns:
        Spans shorter than this are joined with their small neighbours, see :class:`Lanes`.
    """

    min_ns: int = 0


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Write `trace` as a JSON object of trace events."""
    out.write(b'{"displayTimeUnit":"ms","traceEvents":[\n')
    pending: List[str] = []
    first = True
    for line in _events(trace, options):
        pending.append(line)
        if len(pending) == _LINES_PER_WRITE:
            out.write((("" if first else ",\n") + ",\n".join(pending)).encode())
            pending, first = [], False
    if pending:
        out.write((("" if first else ",\n") + ",\n".join(pending)).encode())
    out.write(b"\n]}\n")


def _events(trace: Trace, options: Options) -> Iterator[str]:
    lanes = Lanes(trace, options.min_ns)
    used = lanes.used()
    pids = _process_ids(trace)
    for resource in sorted({trace.threads[thread].resource for thread in used}):
        yield _metadata("process_name", pids[resource], 0, _process_name(trace, resource))
    for thread in used:
        key = trace.threads[thread]
        # Thread identifiers of Python exceed the 32 bits that viewers have for them.
        name = f"{key.name or 'thread'} ({key.thread_id})" if key.thread_id else key.name or "thread"
        yield _metadata("thread_name", pids[key.resource], thread + 1, name)
    for thread in used:
        pid = pids[trace.threads[thread].resource]
        for box in lanes.boxes(thread):
            yield _json(_complete(trace, box, pid, thread + 1, options))


def _complete(trace: Trace, box: Box, pid: int, tid: int, options: Options) -> Dict[str, Any]:
    event: Dict[str, Any] = {"ph": "X", "pid": pid, "tid": tid, "ts": box.left / 1000}
    event["dur"] = (box.right - box.left) / 1000
    if box.span == SMALL:
        event.update(name=f"(spans under {duration(options.min_ns)})", cat="other", args={"spans": box.spans})
        return event
    args: Dict[str, Any] = {"self_us": trace.self_ns[box.span] / 1000, "calls": trace.calls[box.span]}
    if trace.yielded[box.span]:
        args["yielded"] = trace.yielded[box.span]
    for key, item in trace.attributes(box.span).items():
        args[label(key)] = item if isinstance(item, (bool, int, float)) else value(item)
    if trace.unfinished(box.span):
        args["unfinished"] = True
    event.update(name=label(trace.name[box.span]), cat=label(trace.component[box.span]), args=args)
    return event


def _process_ids(trace: Trace) -> Dict[int, int]:
    """A process id for each resource, its own where no earlier resource has the same."""
    taken: Set[int] = set()
    pids: Dict[int, int] = {}
    for number in sorted({key.resource for key in trace.threads}):
        pid = trace.resources[number].pid or number + 1
        while pid in taken:
            pid += 1
        taken.add(pid)
        pids[number] = pid
    return pids


def _process_name(trace: Trace, resource: int) -> str:
    attributes = trace.resources[resource].attributes
    arguments = attributes.get("process.command_args")
    if isinstance(arguments, (list, tuple)) and arguments:
        return " ".join([os.path.basename(str(arguments[0])), *map(str, arguments[1:])])
    return value(attributes.get("service.name", "")) or "process"


def _metadata(name: str, pid: int, tid: int, text: str) -> str:
    return _json({"ph": "M", "name": name, "pid": pid, "tid": tid, "args": {"name": label(text)}})


def _json(item: Any) -> str:
    # NaN and infinity are not JSON: a viewer would refuse the whole file for one attribute.
    try:
        return json.dumps(item, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        item["args"] = {key: str(entry) for key, entry in item["args"].items()}
        return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
