"""The table of spans: the columns of DuckDB's extension ``otlp``, then nutrace's own.

Source of the first 24: https://github.com/smithclay/duckdb-otlp, ``read_otlp_traces``. Rows are in preorder:
a parent before its children, siblings by start.
"""

from __future__ import annotations

from array import array
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from nutrace.trace import Trace
from nutrace.trace.analysed import Analysed
from nutrace.trace.bounds import text
from nutrace.trace.plain_json import (
    is_plain,
    otlp_attributes,
    otlp_events,
    plain_attributes,
    plain_events,
)
from nutrace.trace.values import parse_events
from nutrace_exporters.parquetcolumns import Column
from nutrace_exporters.parquettables import RUN

SCOPE = "nutrace"
#: Longer resource attributes are in the table of processes only: a file repeats them in each row group.
_LONGEST = 256
_MOST_KNOWN = 10_000
_INT32 = 1 << 31
_UNKNOWN = "null: what nutrace reads does not keep it"

COLUMNS = (
    Column(
        "start_time_unix_nano",
        "timestamp",
        "start, as recorded; of a run on several hosts by the clock of the first",
    ),
    Column("duration_time_unix_nano", "int64", "ns from start to end, as recorded"),
    Column("trace_id", "string", "hex digits"),
    Column("span_id", "string", "hex digits"),
    Column("parent_span_id", "string", "null for roots and for spans whose parent is not in the run"),
    Column("trace_state", "string", _UNKNOWN),
    Column("service_name", "string", "service.name of the process"),
    Column("service_namespace", "string", "service.namespace of the process"),
    Column("service_instance_id", "string", "service.instance.id of the process"),
    Column("name", "string", "the span's name"),
    Column("kind", "int32", "0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer"),
    Column("status_code", "int32", "0 unset, or a number beyond 32 bits; 1 ok, 2 error"),
    Column("status_status_message", "string", "what the status says of an error"),
    Column("resource_attributes", "string", "of the process, as JSON; long ones are in processes only"),
    Column(
        "scope_name",
        "string",
        "nutrace for its own probes; null for what a program recorded by OpenTelemetry",
    ),
    Column("scope_version", "string", _UNKNOWN),
    Column("scope_attributes", "string", _UNKNOWN),
    Column("span_attributes", "string", "as JSON, as recorded"),
    Column("events_json", "string", "a JSON list of {name, time_unix_nano, attributes}"),
    Column("links_json", "string", _UNKNOWN),
    Column("dropped_attributes_count", "int32", _UNKNOWN),
    Column("dropped_events_count", "int32", _UNKNOWN),
    Column("dropped_links_count", "int32", _UNKNOWN),
    Column("flags", "int32", _UNKNOWN),
    RUN,
    Column("nutrace_component", "string", "the component, other for spans without one"),
    Column("nutrace_scenario", "int32", "number of the scenario that it lies in; null outside"),
    Column("nutrace_step", "int64", "iteration of the step that it lies in or was set off by; null outside"),
    Column(
        "nutrace_region", "string", "in_steps, concurrent (set off by a step, ran beside it) or outside_steps"
    ),
    Column("nutrace_self_ns", "int64", "ns inside it, without the spans below it on its thread; corrected"),
    Column("nutrace_total_ns", "int64", "ns inside it; corrected"),
    Column("nutrace_own_ns", "int64", "ns of nutrace's own time that were taken out of nutrace_self_ns"),
    Column("nutrace_calls", "int64", "calls that it stands for: 0 if another span has counted its call"),
    Column("nutrace_yielded", "int64", "values that a generator yielded"),
    Column(
        "nutrace_unfinished", "bool", "whether it never ended: its end is when it was last known to go on"
    ),
    Column("nutrace_outermost_component", "bool", "no span around it, in its region, has its component"),
    Column("nutrace_outermost_name", "bool", "no span around it, in its region, has its name"),
    Column("nutrace_span", "int32", "number of the span in its run, from 0, in preorder"),
    Column("nutrace_parent", "int32", "nutrace_span of its parent; null for roots"),
    Column(
        "nutrace_subtree_end", "int32", "spans below it are those from nutrace_span + 1 up to before this one"
    ),
    Column("nutrace_depth", "int32", "number of spans around it"),
    Column("nutrace_process", "int32", "process in the table of processes"),
    Column("nutrace_thread", "int32", "number of the thread, or of a lane beside it, in its run"),
    Column("nutrace_thread_name", "string", "the thread's name, or its number in the process"),
    Column("nutrace_lane", "int32", "0 for the thread itself; others have tasks that ran beside it"),
    Column("nutrace_by_api", "bool", "whether the program recorded it by OpenTelemetry, and not a probe"),
    Column(
        "nutrace_exact", "string", "attributes and events as OTLP/JSON, where JSON lacks one of their numbers"
    ),
)

_TYPECODES = {"int32": "i", "int64": "q", "timestamp": "q"}


class SpanColumns:
    """Makes the columns of a part of a trace's spans.

    Parameters
    ----------
    pa:
        pyarrow.
    run:
        The run's name.
    """

    def __init__(self, pa: Any, trace: Trace, analysed: Analysed, run: str) -> None:
        self._pa = pa
        self._trace = trace
        self._analysed = analysed
        self._run = run
        self._texts: Dict[int, Tuple[Mapping[str, Any], str, bool]] = {}
        resources = [resource.attributes for resource in trace.resources]
        self._resources = [_short(attributes) for attributes in resources]
        self._services = {
            f"service_{name}": [text(attributes.get(f"service.{key}")) or None for attributes in resources]
            for name, key in (("name", "name"), ("namespace", "namespace"), ("instance_id", "instance.id"))
        }

    def columns(self, first: int, last: int) -> Dict[str, Any]:
        """Arrow arrays of the spans from `first` up to before `last`, by column, but for those of nulls."""
        trace, raw, where = self._trace, self._trace.raw, self._trace.addresses
        spans = range(first, last)
        part = slice(first, last)
        start, end = trace.start_ns[part], trace.end_ns[part]
        threads = [trace.threads[thread] for thread in trace.thread[part]]
        processes = [key.resource for key in threads]
        attributes, exact = self._attributes(spans)
        events = self._events(spans, exact)
        statuses = {span: trace.status(span) for span in spans if span in raw.status}
        above = trace.parent[part]
        values: Dict[str, Any] = {
            "start_time_unix_nano": start,
            "duration_time_unix_nano": array("q", [after - before for before, after in zip(start, end)]),
            "trace_id": [raw.trace_ids[number] for number in raw.trace_id[part]],
            "span_id": [trace.span_id(span) for span in spans],
            "parent_span_id": [None if parent < 0 else trace.span_id(parent) for parent in above],
            **{name: [of[process] for process in processes] for name, of in self._services.items()},
            "name": trace.name[part],
            "kind": raw.kind[part],
            "status_code": [_small(statuses[span].code) if span in statuses else 0 for span in spans],
            "status_status_message": [
                (statuses[span].message or None) if span in statuses else None for span in spans
            ],
            "resource_attributes": [self._resources[process] for process in processes],
            "scope_name": [None if by_api else SCOPE for by_api in raw.by_api[part]],
            "span_attributes": attributes,
            "events_json": events,
            "nutrace_run": [self._run] * len(spans),
            "nutrace_component": trace.component[part],
            "nutrace_scenario": [number or None for number in where.scenario_of[part]],
            "nutrace_step": [None if number < 0 else number for number in where.iteration_of[part]],
            "nutrace_region": self._analysed.region[part],
            "nutrace_self_ns": trace.self_ns[part],
            "nutrace_total_ns": trace.busy_ns[part],
            "nutrace_own_ns": trace.own_ns[part],
            "nutrace_calls": trace.calls[part],
            "nutrace_yielded": trace.yielded[part],
            "nutrace_unfinished": list(map(bool, raw.unfinished[part])),
            "nutrace_outermost_component": list(map(bool, self._analysed.outermost_component[part])),
            "nutrace_outermost_name": list(map(bool, self._analysed.outermost_name[part])),
            "nutrace_span": array("i", spans),
            "nutrace_parent": [None if parent < 0 else parent for parent in above],
            "nutrace_subtree_end": trace.subtree_end[part],
            "nutrace_depth": trace.depth[part],
            "nutrace_process": array("i", processes),
            "nutrace_thread": trace.thread[part],
            "nutrace_thread_name": [key.name or str(key.thread_id) for key in threads],
            "nutrace_lane": array("i", [key.lane for key in threads]),
            "nutrace_by_api": list(map(bool, raw.by_api[part])),
            "nutrace_exact": [exact.get(span) for span in spans],
        }
        return {each.name: self._array(each, values[each.name]) for each in COLUMNS if each.name in values}

    def _array(self, column: Column, values: Sequence[Any]) -> Any:
        pa, kind = self._pa, column.type(self._pa)
        if isinstance(values, array) and values.typecode == _TYPECODES.get(column.kind):
            return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
        return pa.array(values, kind)

    def _attributes(self, spans: range) -> Tuple[List[str], Dict[int, str]]:
        """The texts of spans' attributes, and by span those that need an exact one."""
        texts, exact = [], {}
        for span in spans:
            attributes = self._trace.attributes(span)
            # Equal attributes are mostly the same object.
            known = self._texts.get(id(attributes))
            if known is None:
                if len(self._texts) > _MOST_KNOWN:
                    self._texts.clear()
                # Keep the mapping, so that no other object gets its id.
                known = (attributes, plain_attributes(attributes).decode(), is_plain(attributes))
                self._texts[id(attributes)] = known
            texts.append(known[1])
            if not known[2]:
                exact[span] = self._exact(span)
        return texts, exact

    def _events(self, spans: range, exact: Dict[int, str]) -> List[Optional[str]]:
        texts: List[Optional[str]] = []
        for span in spans:
            events = self._trace.events(span) if span in self._trace.raw.events else ()
            texts.append(plain_events(events).decode() if events else None)
            if not all(is_plain(event.attributes) for event in events):
                exact[span] = self._exact(span)
        return texts

    def _exact(self, span: int) -> str:
        attributes = otlp_attributes(self._trace.attributes(span)) or b"[]"
        events = otlp_events(
            [
                {"name": each.name, "time_unix_nano": each.time_ns, "attributes": each.attributes}
                for each in parse_events(self._trace.raw.events.get(span, b""))
            ]
        )
        return f'{{"attributes":{attributes.decode()},"events":{events.decode()}}}'


def _short(attributes: Mapping[str, Any]) -> str:
    """The attributes of a process without long ones."""
    return plain_attributes(
        {
            key: value
            for key, value in attributes.items()
            if len(value if isinstance(value, str) else repr(value)) <= _LONGEST
        }
    ).decode()


def _small(number: int) -> int:
    return number if -_INT32 <= number < _INT32 else 0
