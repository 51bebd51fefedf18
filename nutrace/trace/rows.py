"""Spans in the order of the file, in columns, of which :mod:`nutrace.trace.tree` makes the tree."""

from __future__ import annotations

import base64
import hashlib
import sys
from array import array
from typing import Any, Dict, List, Optional, Set, Tuple

from nutrace import semconv
from nutrace.trace.facts import FactsReader
from nutrace.trace.otlp import NO_BYTES, ResourceSpans, ScopeSpans, TracesData
from nutrace.trace.values import key_values, loose_json

#: Times are kept as signed 64-bit integers: some 292 years of nanoseconds.
TIME_LIMIT = 2**63 - 1

_NO_ID = "0" * 16
_BASE64_LENGTH = 12  # of 8 bytes
#: "[]" and "{}" mean the same as no bytes.
_EMPTY = 2

#: Counters that a process raises as it runs: of the lines of a file, the highest value counts.
_COUNTERS = frozenset(
    (
        semconv.SPANS_DROPPED,
        semconv.SPANS_TRUNCATED,
        semconv.SPANS_UNFINISHED,
        semconv.SPANS_RECORDED,
        semconv.OVERHEAD_NS,
        semconv.FAULTS,
        semconv.RUN_COMPLETE,
    )
)


class Rows:
    """Columns that grow, one entry per span read; ids are numbers, 0 for none."""

    def __init__(self) -> None:
        self.span_id = array("Q")
        self.parent_id = array("Q")
        self.trace_id = array("i")
        self.name: List[str] = []
        self.kind = array("i")
        self.start_ns = array("q")
        self.end_ns = array("q")
        self.announced = bytearray()
        self.unfinished = bytearray()
        self.component: List[str] = []
        self.thread = array("i")
        self.busy_ns = array("q")
        self.calls = array("q")
        self.yielded = array("q")
        self.own_ns = array("q")
        self.single_rows = array("q")
        self.clocked_ns = array("q")
        self.by_api = bytearray()
        self.attributes: List[bytes] = []
        self.events: Dict[int, bytes] = {}
        self.status: Dict[int, bytes] = {}
        self.trace_ids: Dict[str, int] = {}
        self.odd_ids: Dict[int, str] = {}
        self.resources: List[Dict[str, Any]] = []
        #: Resources that are the same process: by its run and process id, or by their own text.
        self._resource_of: Dict[object, int] = {}
        self._names: Dict[str, str] = {}
        self._facts = FactsReader()

    @property
    def threads(self) -> List[Tuple[int, Optional[int], str]]:
        """(resource, thread id or None if the span does not say, thread name)"""
        return self._facts.threads

    def __len__(self) -> int:
        return len(self.span_id)

    def run_ids(self) -> Set[str]:
        """The ids of the runs whose processes have been read."""
        ids = (resource.get(semconv.RUN_ID) for resource in self.resources)
        return {run_id for run_id in ids if isinstance(run_id, str) and run_id}

    def add(self, document: TracesData) -> None:
        """Append every span of a document."""
        for entry in document.resourceSpans or ():
            resource = self._resource(entry)
            for scope in entry.scopeSpans:
                self._add_scope(scope, resource)
            for scope in entry.instrumentationLibrarySpans:
                self._add_scope(scope, resource)

    def _add_scope(self, scope: ScopeSpans, resource: int) -> None:
        spans = scope.spans
        if not spans:
            return
        first = len(self)
        trace_ids, names = self.trace_ids, self._names
        self.span_id.extend(self._numbers([span.spanId for span in spans]))
        self.parent_id.extend(self._numbers([span.parentSpanId or _NO_ID for span in spans]))
        self.trace_id.extend([trace_ids.setdefault(span.traceId, len(trace_ids)) for span in spans])
        self.name.extend([names.setdefault(span.name, span.name) for span in spans])
        try:
            self.start_ns.extend([span.startTimeUnixNano for span in spans])
            self.end_ns.extend([span.endTimeUnixNano for span in spans])
            self.kind.extend([span.kind for span in spans])
        except OverflowError:
            del self.start_ns[first:], self.end_ns[first:], self.kind[first:]
            self.start_ns.extend([_limited(span.startTimeUnixNano) for span in spans])
            self.end_ns.extend([_limited(span.endTimeUnixNano) for span in spans])
            self.kind.extend([span.kind if 0 <= span.kind < 100 else 0 for span in spans])
        instrument = "" if scope.scope is None else scope.scope.name
        announced = instrument == semconv.OPEN_SCOPE
        self.announced.extend((b"\1" if announced else b"\0") * len(spans))
        by_api = not announced and instrument != semconv.SCOPE
        self.by_api.extend((b"\1" if by_api else b"\0") * len(spans))
        facts = self._facts.read(resource, [bytes(span.attributes) for span in spans])
        raws, components, threads, busy, calls, yielded, unfinished, own, single_rows, clocked = zip(*facts)
        self.attributes.extend(raws)
        self.component.extend(components)
        self.thread.extend(threads)
        self.busy_ns.extend(busy)
        self.calls.extend(calls)
        self.yielded.extend(yielded)
        self.unfinished.extend(unfinished)
        self.own_ns.extend(own)
        self.single_rows.extend(single_rows)
        self.clocked_ns.extend(clocked)
        for row, span in enumerate(spans, first):
            if span.events is not NO_BYTES and len(bytes(span.events)) > _EMPTY:
                self.events[row] = bytes(span.events)
            if span.status is not NO_BYTES and len(bytes(span.status)) > _EMPTY:
                self.status[row] = bytes(span.status)

    @property
    def out_of_bounds(self) -> int:
        """Different sets of attributes with a number that was left out."""
        return self._facts.out_of_bounds

    def _numbers(self, ids: List[str]) -> array[int]:
        """Ids as numbers: all at once if they have the specified form, as they nearly always do."""
        text = "".join(ids)
        # fromhex accepts blanks as well.
        if text.isalnum() and set(map(len, ids)) == {16}:
            try:
                numbers = array("Q", bytes.fromhex(text))
            except ValueError:
                pass
            else:
                if sys.byteorder == "little":
                    numbers.byteswap()
                return numbers
        return array("Q", [self._number(item) for item in ids])

    def _number(self, text: str) -> int:
        if not text:
            return 0
        if len(text) == _BASE64_LENGTH and text.endswith("="):  # as protobuf's own JSON has it
            try:
                return int.from_bytes(base64.b64decode(text, validate=True), "big")
            except ValueError:
                pass
        # int() accepts more than hex digits: signs, blanks, underscores, 0x, digits of other scripts.
        if len(text) == 16 and text.isascii() and text.isalnum() and text[1] not in "xX":
            try:
                return int(text, 16)
            except ValueError:
                pass
        return self._odd_number(text)

    def _odd_number(self, text: str) -> int:
        """A number for an id that is not 16 hex digits."""
        number = (
            int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
            or 1
        )
        self.odd_ids[number] = text
        return number

    def _resource(self, entry: ResourceSpans) -> int:
        raw = bytes(entry.resource)
        index = self._resource_of.get(raw)
        if index is None:
            try:
                content = loose_json(raw) if raw else {}
            except (ValueError, RecursionError):
                content = {}
            attributes = key_values(content.get("attributes") if isinstance(content, dict) else None)
            # The lines of a process describe it more and more completely: keep them as one resource.
            pid = attributes.get("process.pid")
            index = self._resource_of.get(raw) if pid is None else self._process(attributes)
            if index is None:
                index = len(self.resources)
                self.resources.append({})
            if pid is not None:
                self._know_process(attributes, index)
            _update(self.resources[index], attributes)
            self._resource_of[raw] = index
        return index

    def _process(self, attributes: Dict[str, Any]) -> Optional[int]:
        """The resource that is the process with these attributes, if one was read."""
        exact, on_any_host = _identities(attributes)
        index = self._resource_of.get(exact)
        if index is not None:
            return index
        index = self._resource_of.get(on_any_host)
        # In older files only the first line of a process names its host.
        hosts = (
            semconv.HOST_NAME in attributes,
            index is not None and semconv.HOST_NAME in self.resources[index],
        )
        return None if all(hosts) else index

    def _know_process(self, attributes: Dict[str, Any], index: int) -> None:
        exact, on_any_host = _identities(attributes)
        self._resource_of[on_any_host] = index
        if semconv.HOST_NAME in attributes:
            self._resource_of[exact] = index


def _identities(attributes: Dict[str, Any]) -> Tuple[object, object]:
    """What tells a process from all others, and what does so but for those of other hosts."""
    host, pid = attributes.get(semconv.HOST_NAME), str(attributes.get("process.pid"))
    run = str(attributes.get(semconv.RUN_ID) or host)
    return (run, pid, str(host)), (run, pid)


def _limited(time_ns: int) -> int:
    return time_ns if 0 <= time_ns <= TIME_LIMIT else 0


def _update(known: Dict[str, Any], more: Dict[str, Any]) -> None:
    for key, value in more.items():
        old = known.get(key)
        if key in _COUNTERS and isinstance(old, (int, bool)) and isinstance(value, (int, bool)):
            known[key] = max(old, value)
        else:
            known[key] = value
