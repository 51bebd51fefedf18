"""Trace events for chrome://tracing and Perfetto: complete events, nested per thread, and counters.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
Times are microseconds since the first span, exact to the nanosecond. Samples have no place in time: if there
are any, one more process has the merged stacks, with the functions that were seen inside spans.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from typing import Any, BinaryIO, Dict, Iterator, Mapping, Set, Tuple

from nutrace import semconv
from nutrace.percentiles import weighted_percentiles
from nutrace.trace import Trace
from nutrace.trace.correction import UNCORRECTED
from nutrace_exporters.calltree import SampledNode, heaviest_first, merge
from nutrace_exporters.counters import counters
from nutrace_exporters.insidetree import place_of
from nutrace_exporters.labels import duration, label, value
from nutrace_exporters.lanes import SMALL, Box, Lanes, thread_names
from nutrace_exporters.stepnames import step_names

_MOST_KNOWN = 10_000
#: The name of the process with sampled functions.
MERGED = "inside spans (sampled, merged; not a timeline)"


@dataclass(frozen=True)
class Options:
    """How to write trace events.

    Parameters
    ----------
    min_ns:
        Spans shorter than this are joined with their small neighbours, see :class:`Lanes`.
    samples:
        Whether to write the process with sampled functions.
    """

    min_ns: int = 0
    samples: bool = True


def export(trace: Trace, out: BinaryIO, options: Options = Options()) -> None:
    """Write `trace` as a JSON object of trace events."""
    out.write(b'{"displayTimeUnit":"ms","traceEvents":[\n')
    between = ""
    for line in _events(trace, options):
        out.write((between + line).encode())
        between = ",\n"
    out.write(b"\n]}\n")


def _events(trace: Trace, options: Options) -> Iterator[str]:
    lanes = Lanes(trace, options.min_ns)
    used = lanes.used()
    pids = _process_ids(trace)
    for resource in sorted({trace.threads[thread].resource for thread in used}):
        yield _metadata("process_name", pids[resource], 0, _process_name(trace, resource))
        if trace.correction.state != UNCORRECTED:
            args = {"labels": f"times {trace.correction.state}"}
            yield _json({"ph": "M", "name": "process_labels", "pid": pids[resource], "tid": 0, "args": args})
    for thread, name in zip(used, thread_names(trace, used)):
        # Thread identifiers of Python exceed the 32 bits that viewers provide.
        yield _metadata("thread_name", pids[trace.threads[thread].resource], thread + 1, name)
    events = _Completes(trace, options)
    for thread in used:
        pid = pids[trace.threads[thread].resource]
        for box in lanes.boxes(thread):
            yield events.line(box, pid, thread + 1)
    for counter in counters(trace):
        yield (
            f'{{"ph":"C","name":{_json(label(counter.name))},"pid":{pids[counter.resource]},'
            f'"ts":{_us(counter.at)},"args":{{{_json(counter.unit)}:{_json(round(counter.value, 3))}}}}}'
        )
    if options.samples and trace.sampled is not None:
        yield from _merged(trace, max(pids.values()) + 1)


def _merged(trace: Trace, pid: int) -> Iterator[str]:
    """The merged stacks as nested events that lie side by side, in a process of their own."""
    events = []
    sampled = False
    free = [0]  # by depth: where the next event begins
    for depth, node in heaviest_first(merge(trace)):
        left = free[depth]
        del free[depth:]
        free += (left + node.total_ns, left)
        name, args = node.name, {"self_us": node.self_ns / 1000, "calls": node.calls}
        if isinstance(node, SampledNode):
            sampled = True
            name, args = node.marked_name, _of_samples(node)
        event = {"ph": "X", "name": name, "cat": label(node.component), "pid": pid, "tid": 1}
        place = f'"ts":{_us(left)},"dur":{_us(node.total_ns)},"args":{_json(args)}'
        events.append(f"{_json(event)[:-1]},{place}}}")
    if sampled:
        yield _metadata("process_name", pid, 0, MERGED)
        yield _metadata("thread_name", pid, 1, "merged")
        yield from events


def _of_samples(node: SampledNode) -> Dict[str, Any]:
    return {
        "inside": node.inside.node.name,
        "place": place_of(node.function),
        "share": node.share,
        "samples": node.samples,
        "of_samples": node.inside.samples,
    }


class _Completes:
    """Writes complete events; texts that repeat are encoded once."""

    def __init__(self, trace: Trace, options: Options) -> None:
        self._trace = trace
        self._small = _json(f"(spans under {duration(options.min_ns)})")
        self._names = step_names(trace)
        self._heads: Dict[Tuple[str, str], str] = {}
        self._attributes: Dict[int, Tuple[Mapping[str, Any], str]] = {}

    def line(self, box: Box, pid: int, tid: int) -> str:
        place = f'"pid":{pid},"tid":{tid},"ts":{_us(box.left)},"dur":{_us(box.right - box.left)}'
        if box.span == SMALL:
            return f'{{"ph":"X","name":{self._small},"cat":"other",{place},"args":{{"spans":{box.spans}}}}}'
        trace, span = self._trace, box.span
        extra = f',"yielded":{trace.yielded[span]}' if trace.yielded[span] else ""
        if span in self._names:
            extra += f',"scenario":{trace.addresses.scenario_of[span]}'
            if trace.addresses.iteration_of[span] >= 0:
                extra += f',"step":{trace.addresses.iteration_of[span]}'
        if trace.unfinished(span):
            extra += ',"unfinished":true'
        if trace.calls[span] > 1:
            extra += self._percentiles(span)
        if trace.own_ns[span]:
            extra += f',"own_us":{_us(trace.own_ns[span])}'
        args = f'"self_us":{_us(trace.self_ns[span])},"calls":{trace.calls[span]}{extra}{self._texts(span)}'
        return f'{{"ph":"X",{self._head(span)},{place},"args":{{{args}}}}}'

    def _head(self, span: int) -> str:
        key = (self._names.get(span, self._trace.name[span]), self._trace.component[span])
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = f'"name":{_json(label(key[0]))},"cat":{_json(label(key[1]))}'
        return head

    def _percentiles(self, span: int) -> str:
        """p50 and p95 of the calls that a span stands for, nothing if only their mean is known."""
        times = self._trace.call_times(span)
        if times is None:
            return ""
        p50, p95 = weighted_percentiles(times, (50, 95))
        return f',"p50_us":{_us(p50)},"p95_us":{_us(p95)}'

    def _texts(self, span: int) -> str:
        attributes = self._trace.attributes(span)
        known = self._attributes.get(id(attributes))
        if known is None:
            if len(self._attributes) > _MOST_KNOWN:
                self._attributes.clear()
            text = "".join(
                f",{_json(label(key))}:{_argument(item)}"
                for key, item in attributes.items()
                if key != semconv.COMPOSITE_TIMES
            )
            # Keep the mapping, so that no other object gets its id.
            known = self._attributes[id(attributes)] = (attributes, text)
        return known[1]


def _argument(item: Any) -> str:
    if isinstance(item, float) and not math.isfinite(item):
        return _json(str(item))  # JSON has no infinity, and a viewer would refuse the file
    return _json(item if isinstance(item, (bool, int, float)) else value(item))


def _us(ns: int) -> str:
    """Nanoseconds as microseconds, exactly."""
    whole, rest = divmod(ns, 1000)
    return f"{whole}.{rest:03d}" if rest else str(whole)


def _process_ids(trace: Trace) -> Dict[int, int]:
    """A process id for each resource: its own, or the next free one if that is taken."""
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
    arguments = attributes.get(semconv.COMMAND)
    if isinstance(arguments, (list, tuple)) and arguments:
        # Viewers cut long names: without folders, the program can be read.
        words = map(str, arguments)
        return " ".join(os.path.basename(word) if os.path.isabs(word) else word for word in words)
    return value(attributes.get("service.name", "")) or "process"


def _metadata(name: str, pid: int, tid: int, text: str) -> str:
    return _json({"ph": "M", "name": name, "pid": pid, "tid": tid, "args": {"name": label(text)}})


def _json(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
