"""Read a run back from its tables of spans and processes.

The tables hold the tree, with the costs that were computed when the run was read, and the trace is made of
them as they are. The rules of :mod:`nutrace.trace.tree` are not applied a second time: they trim spans that
stick out of their parents by a rounding error, and then could order them differently. So a report of the
tables says what one of the run file does.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import msgspec

from nutrace.errors import EmptyTraceError, InputError
from nutrace.trace.correction import Correction
from nutrace.trace.parquet_facts import TraceFacts, read_facts
from nutrace.trace.parquet_file import Batch, TableFile, flags, numbers, some_texts, texts
from nutrace.trace.parquet_format import FACTS_KEY, PROCESSES, SPANS, ExportedRun
from nutrace.trace.plain_json import otlp_attributes, otlp_events, otlp_status
from nutrace.trace.span import Resource
from nutrace.trace.trace import RawColumns, Trace
from nutrace.trace.values import parse_attributes

_NUMBERS = {
    "start_time_unix_nano": "q",
    "duration_time_unix_nano": "q",
    "kind": "i",
    "status_code": "i",
    "nutrace_parent": "i",
    "nutrace_thread": "i",
    "nutrace_self_ns": "q",
    "nutrace_total_ns": "q",
    "nutrace_own_ns": "q",
    "nutrace_calls": "q",
    "nutrace_yielded": "q",
}
_FLAGS = ("nutrace_unfinished", "nutrace_by_api")
_ALIKE = ("name", "nutrace_component", "trace_id", "span_attributes")
_SPARSE = ("status_status_message", "events_json", "nutrace_exact")
_COLUMNS = (*_NUMBERS, *_FLAGS, *_ALIKE, *_SPARSE, "span_id")
_MOST_KNOWN = 20_000


def load_exported(
    run: ExportedRun, name: str, *, raw: bool = False, progress: Optional[Callable[[int, int], None]] = None
) -> Trace:
    """The trace of an exported run, called as the user named it.

    The parameters are those of :func:`nutrace.trace.load`.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another version.
    EmptyTraceError
        If there is no span.
    MissingDependencyError
        If pyarrow is not installed.
    """
    try:
        with TableFile(run.file(SPANS), _ALIKE) as spans:
            trace = spans.made(lambda: _trace(spans, run, name, progress))
    except MemoryError:
        raise InputError(
            f"{name} does not fit into this machine's memory: query its tables instead"
        ) from None
    if not len(trace):
        raise EmptyTraceError(f"{name} is a run without spans")
    if raw and any(skew.offset_ns for skew in trace.skews):
        raise InputError(
            f"{name} has the times of all hosts by one clock: as they were recorded they are in the run file"
        )
    return _as_recorded(trace) if raw else trace


def _as_recorded(trace: Trace) -> Trace:
    """The trace with nutrace's own time where it was spent."""
    inside = trace.own_inside_ns
    aligned = {skew.sentence for skew in trace.skews}
    notes = tuple(note for note in trace.diagnostics.notes if note not in aligned)
    return replace(
        trace,
        diagnostics=replace(trace.diagnostics, notes=notes),
        skews=(),
        busy_ns=array("q", [total + own for total, own in zip(trace.busy_ns, inside)]),
        self_ns=array("q", [alone + own for alone, own in zip(trace.self_ns, trace.own_ns)]),
        own_ns=array("q", bytes(8 * len(trace))),
        correction=Correction(raw=True),
    )


def _trace(
    file: TableFile, run: ExportedRun, name: str, progress: Optional[Callable[[int, int], None]]
) -> Trace:
    facts = read_facts(file.text(FACTS_KEY))
    resources = _resources(run)
    columns = _Spans(file.pyarrow, _moved(facts, resources))
    for batch in file.batches(_COLUMNS):
        columns.add(batch)
        if progress is not None:
            progress(file.size * len(columns.name) // max(file.rows, 1), file.size)
    of, count = columns.numbers, len(columns.name)
    if count != facts.spans or len(resources) != facts.processes:
        raise ValueError("rows are missing")
    if count and not 0 <= min(of["nutrace_thread"]) <= max(of["nutrace_thread"]) < len(facts.threads):
        raise ValueError("unknown thread")
    if not all(0 <= thread.resource < len(resources) for thread in facts.threads):
        raise ValueError("unknown process")
    depth, subtree_end = _tree(of["nutrace_parent"])
    start = of["start_time_unix_nano"]
    return Trace(
        path=name,
        name=columns.name,
        component=columns.component,
        parent=of["nutrace_parent"],
        depth=depth,
        subtree_end=subtree_end,
        start_ns=start,
        end_ns=array("q", [begin + took for begin, took in zip(start, of["duration_time_unix_nano"])]),
        busy_ns=of["nutrace_total_ns"],
        self_ns=of["nutrace_self_ns"],
        own_ns=of["nutrace_own_ns"],
        calls=of["nutrace_calls"],
        yielded=of["nutrace_yielded"],
        thread=of["nutrace_thread"],
        threads=facts.threads,
        resources=resources,
        diagnostics=facts.diagnostics,
        correction=facts.correction,
        skews=facts.skews,
        raw=RawColumns(
            span_id=columns.span_id,
            trace_id=columns.trace_id,
            kind=of["kind"],
            by_api=columns.flags["nutrace_by_api"],
            unfinished=columns.flags["nutrace_unfinished"],
            attributes=columns.attributes,
            events=columns.events,
            status=columns.status,
            trace_ids=tuple(columns.trace_ids) or ("",),
            odd_ids=columns.odd_ids,
        ),
    )


def _moved(facts: TraceFacts, resources: Sequence[Resource]) -> List[int]:
    """For each thread what was added to its times, as its host has another clock."""
    offsets = {skew.host: skew.offset_ns for skew in facts.skews}
    return [offsets.get(resources[thread.resource].host, 0) for thread in facts.threads]


def _tree(parent: array[int]) -> Tuple[array[int], array[int]]:
    """Depth and end of the subtree of each span.

    Raises
    ------
    ValueError
        If spans are not in preorder.
    """
    count = len(parent)
    depth, subtree_end = array("i"), array("i", range(1, count + 1))
    around: List[int] = []
    for span, above in enumerate(parent):
        while around and around[-1] != above:
            subtree_end[around.pop()] = span
        if above >= 0 and not around:
            raise ValueError("spans are not in the order of the tree")
        depth.append(len(around))
        around.append(span)
    for span in around:
        subtree_end[span] = count
    return depth, subtree_end


def _resources(run: ExportedRun) -> Tuple[Resource, ...]:
    found: List[Resource] = []
    with TableFile(run.file(PROCESSES)) as file:
        for batch in file.batches(("resource_attributes", "nutrace_exact")):
            for plain, exact in zip(*(column.to_pylist() for column in batch.values())):
                if exact is None:
                    found.append(Resource(msgspec.json.decode(plain, type=Dict[str, Any])))
                else:
                    found.append(Resource(dict(parse_attributes(exact.encode()))))
    return tuple(found)


class _Spans:
    """The columns of spans, as they grow.

    Parameters
    ----------
    pa:
        pyarrow.
    moved:
        For each thread what was added to its times, ns. Events stay as recorded in a trace.
    """

    def __init__(self, pa: Any, moved: Sequence[int]) -> None:
        self._pa = pa
        self._moved = moved
        self.numbers = {name: array(typecode) for name, typecode in _NUMBERS.items()}
        self.flags = {name: bytearray() for name in _FLAGS}
        self.name: List[str] = []
        self.component: List[str] = []
        self.attributes: List[bytes] = []
        self.span_id = array("Q")
        self.odd_ids: Dict[int, str] = {}
        self.trace_id = array("i")
        self.trace_ids: Dict[str, int] = {}
        self.events: Dict[int, bytes] = {}
        self.status: Dict[int, bytes] = {}
        self._words: Dict[str, str] = {}
        self._texts: Dict[str, bytes] = {}

    def add(self, batch: Batch) -> None:
        """Append some rows."""
        first = len(self.name)
        for name, typecode in _NUMBERS.items():
            self.numbers[name].extend(numbers(batch[name], typecode))
        for name in _FLAGS:
            self.flags[name].extend(flags(self._pa, batch[name]))
        words = self._words
        self.name.extend([words.setdefault(word, word) for word in texts(batch["name"])])
        self.component.extend([words.setdefault(word, word) for word in texts(batch["nutrace_component"])])
        known = self.trace_ids
        self.trace_id.extend([known.setdefault(word, len(known)) for word in texts(batch["trace_id"])])
        self.span_id.extend([self._number(word) for word in batch["span_id"].to_pylist()])
        self._add_attributes(batch["span_attributes"])
        messages = dict(some_texts(batch["status_status_message"], first))
        for row in range(first, len(self.name)):
            code = self.numbers["status_code"][row]
            if code or row in messages:
                self.status[row] = otlp_status(code, messages.get(row, ""))
        for row, events in some_texts(batch["events_json"], first):
            self.events[row] = otlp_events(msgspec.json.decode(events), -self._moved_of(row))
        for row, content in some_texts(batch["nutrace_exact"], first):
            exact = msgspec.json.decode(content, type=Dict[str, msgspec.Raw])
            self.attributes[row] = bytes(exact["attributes"])
            self.events[row] = bytes(exact["events"])

    def _moved_of(self, row: int) -> int:
        return self._moved[self.numbers["nutrace_thread"][row]]

    def _add_attributes(self, column: Any) -> None:
        raws = [self._otlp(plain) for plain in column.dictionary.to_pylist()]
        self.attributes.extend([raws[index] for index in numbers(column.indices, "i")])

    def _otlp(self, plain: str) -> bytes:
        raw = self._texts.get(plain)
        if raw is None:
            if len(self._texts) >= _MOST_KNOWN:
                self._texts.clear()
            raw = self._texts[plain] = otlp_attributes(msgspec.json.decode(plain, type=Dict[str, Any]))
        return raw

    def _number(self, name: str) -> int:
        """The number of an id, or one for an id that is not 16 hex digits."""
        if len(name) == 16:
            try:
                return int(name, 16)
            except ValueError:
                pass
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
        self.odd_ids[number] = name
        return number
