"""The parts of a run, put together process by process, without decoding their spans.

What is written is what the run's first process would have written if it had reached all of them
(:mod:`nutrace.recording.joining`).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, Dict, Iterator, List, Optional, Sequence, Set, Tuple

import msgspec

from nutrace import semconv
from nutrace.errors import InputError
from nutrace.trace.runfiles import PARTIAL, find_run
from nutrace.trace.source import Source

#: The host and the id of a process.
Process = Tuple[str, str]


class _KeyValue(msgspec.Struct, gc=False):
    key: str
    value: msgspec.Raw


class _Value(msgspec.Struct, gc=False):
    stringValue: str = ""
    intValue: int = 0
    boolValue: bool = False


class _Resource(msgspec.Struct):
    attributes: List[_KeyValue] = []


class _Scope(msgspec.Struct, gc=False):
    name: str = ""


class _ScopeSpans(msgspec.Struct, gc=False):
    scope: msgspec.Raw = msgspec.Raw(b"{}")
    spans: msgspec.Raw = msgspec.Raw(b"[]")


class _ResourceSpans(msgspec.Struct):
    resource: _Resource
    scopeSpans: List[_ScopeSpans] = []


class _TracesData(msgspec.Struct):
    resourceSpans: List[_ResourceSpans]


class _Id(msgspec.Struct, gc=False):
    spanId: str = ""


_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_GZIP = b"\x1f\x8b"

_document = msgspec.json.Decoder(_TracesData)
_value = msgspec.json.Decoder(_Value, strict=False)
_spans = msgspec.json.Decoder(List[msgspec.Raw])
_id = msgspec.json.Decoder(_Id)
_scope = msgspec.json.Decoder(_Scope)


@dataclass
class _Part:
    """What one file has of one process."""

    resource: Dict[str, _KeyValue] = field(default_factory=dict)
    complete: bool = False
    scopes: List[_ScopeSpans] = field(default_factory=list)
    open: List[_ScopeSpans] = field(default_factory=list)  # announcements of spans
    samples: List[_ResourceSpans] = field(default_factory=list)

    def add(self, entry: _ResourceSpans, values: Dict[str, _Value]) -> None:
        if semconv.SAMPLES in values and not any(_spans.decode(each.spans) for each in entry.scopeSpans):
            self.samples = [entry]
            return
        attributes = {each.key: each for each in entry.resource.attributes}
        if semconv.RUN_COMPLETE in values and values[semconv.RUN_COMPLETE].boolValue:
            self.complete = True
            self.resource = attributes
        elif not self.complete:
            self.resource.update(attributes)
        for each in entry.scopeSpans:
            announces = _scope.decode(each.scope).name == semconv.OPEN_SCOPE
            if not (announces and each.spans == b"[]"):
                (self.open if announces else self.scopes).append(each)


class Parts:
    """The parts of one run.

    Attributes
    ----------
    run_id:
        The run's id.
    files:
        The files that were read.
    duplicates:
        Spans that were in two of them, and are counted once; known when they have been written.
    bad_lines:
        Lines that could not be read.
    running:
        Whether a process is still writing one of the files.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.files: List[str] = []
        self.duplicates = 0
        self.bad_lines = 0
        self.running = False
        self._processes: Dict[Process, List[_Part]] = {}
        self._first: List[Process] = []  # those that no other process of the run has started

    @property
    def processes(self) -> List[Process]:
        """The processes, the run's first one before the others."""
        others = [process for process in self._processes if process not in self._first]
        return [*self._first, *others]

    def read(self, name: str) -> None:
        """Read a run file with the shards beside it, or one partial file.

        Raises
        ------
        InputError
            If it cannot be read, or is not a part of the run that was read before.
        """
        files = find_run(name)
        self.running = self.running or files.is_running()
        if files.main and not files.started_empty:
            self._read(files.main)
        for shard in files.shards_of({self.run_id} if self.run_id else ()):
            if os.path.getsize(shard):  # else its process was killed before its first line
                self._read(shard)

    def _read(self, file: str) -> None:
        if os.path.realpath(file) in map(os.path.realpath, self.files):
            return
        parts: Dict[Process, _Part] = {}
        hosts: Dict[str, str] = {}
        for document in self._documents(file):
            for entry in document.resourceSpans:
                wanted = (semconv.RUN_ID, semconv.HOST_NAME, "process.pid", semconv.RUN_PARENT_PID)
                values = _values(entry.resource, (*wanted, semconv.RUN_COMPLETE, semconv.SAMPLES))
                self._check(file, values.get(semconv.RUN_ID, _Value()).stringValue)
                pid = str(values["process.pid"].intValue) if "process.pid" in values else ""
                # In older files only the first line of a process names its host.
                host = (
                    values[semconv.HOST_NAME].stringValue
                    if semconv.HOST_NAME in values
                    else hosts.get(pid, "")
                )
                hosts[pid] = host
                try:
                    parts.setdefault((host, pid), _Part()).add(entry, values)
                except _BROKEN:
                    self.bad_lines += 1
        if not parts:
            raise InputError(f"{file} holds no part of a run: name files that nutrace has written")
        self.files.append(file)
        for process, part in parts.items():
            self._processes.setdefault(process, []).append(part)
            if semconv.RUN_PARENT_PID not in part.resource and semconv.COMMAND in part.resource:
                self._first += [process] if process not in self._first else []

    def _check(self, file: str, run_id: str) -> None:
        if not run_id:
            raise InputError(
                f"{file} is not of nutrace, and names no run: only parts of one run can be joined"
            )
        if self.run_id and run_id != self.run_id:
            other = self.files[0] if self.files else file
            raise InputError(
                f"{file} is of another run than {other} ({run_id}, not {self.run_id}): only parts of one run "
                "can be joined; to look at several runs, see nutrace compare and nutrace history"
            )
        self.run_id = run_id

    def _documents(self, file: str) -> Iterator[_TracesData]:
        content = _content_of(file)
        begin = 0
        while begin < len(content):
            end = content.find(b"\n", begin) + 1 or len(content)
            line = memoryview(content)[begin:end]
            begin = end
            try:
                yield _document.decode(line)
            except _BROKEN:
                last = bytes(line[-1:])
                torn = end == len(content) and last != b"\n" and file.endswith(PARTIAL)
                self.bad_lines += not torn and bool(bytes(line[:4096]).strip())

    # -- writing -----------------------------------------------------------------------------

    def write(self, out: BinaryIO) -> None:
        """Write the run file."""
        out.write(b'{"resourceSpans":[')
        between = b""
        for process in self.processes:
            parts = sorted(self._processes[process], key=lambda part: not part.complete)
            complete = parts[0].complete
            resource = dict(parts[0].resource)
            for part in () if complete else parts[1:]:
                resource.update(part.resource)
            out.write(between + b'{"resource":' + _encoded(resource) + b',"scopeSpans":[')
            between = b","
            inner = b""
            for scope in self._scopes(parts):
                out.write(
                    inner + b'{"scope":' + bytes(scope.scope) + b',"spans":' + bytes(scope.spans) + b"}"
                )
                inner = b","
            out.write(b"]}")
            sampled: Optional[_Part] = next((part for part in parts if part.samples), None)
            for entry in sampled.samples if sampled else ():
                out.write(b"," + msgspec.json.encode(entry))
        out.write(b"]}\n")

    def _scopes(self, parts: Sequence[_Part]) -> Iterator[_ScopeSpans]:
        """The spans of a process, those that several files have once; announcements if it has no end."""
        seen: Set[str] = set()
        for part in parts:
            if len(parts) == 1:
                yield from part.scopes
                continue
            for scope in part.scopes:
                spans = _spans.decode(scope.spans)
                new = [span for span in spans if _take(span, seen)]
                self.duplicates += len(spans) - len(new)
                if new or not spans:
                    yield _ScopeSpans(scope.scope, msgspec.Raw(b"[" + b",".join(map(bytes, new)) + b"]"))
        if not parts[0].complete:
            for part in parts:
                yield from part.open


def _take(span: msgspec.Raw, seen: Set[str]) -> bool:
    try:
        span_id = _id.decode(span).spanId
    except _BROKEN:
        return True  # readers say what is wrong with it
    if span_id in seen:
        return False
    if span_id:
        seen.add(span_id)
    return True


def _values(resource: _Resource, keys: Sequence[str]) -> Dict[str, _Value]:
    values = {}
    for each in resource.attributes:
        if each.key == semconv.SAMPLES:
            values[each.key] = _Value()  # it may be long, and is not looked at
        elif each.key in keys:
            try:
                values[each.key] = _value.decode(each.value)
            except _BROKEN:
                continue
    return values


def _encoded(resource: Dict[str, _KeyValue]) -> bytes:
    return msgspec.json.encode(_Resource(list(resource.values())))


def _content_of(file: str) -> mmap.mmap:
    """What is in a file, unzipped; only what is looked at is in memory, as a run may be larger than that."""
    with Source(file) as source:
        blocks = source.blocks()
        first = next(blocks)  # says what is wrong with a file that is no text
        with open(file, "rb") as plain:
            if plain.read(2) != _GZIP:
                return mmap.mmap(plain.fileno(), 0, access=mmap.ACCESS_READ)
        with tempfile.TemporaryFile() as unzipped:
            unzipped.write(first)
            for block in blocks:
                unzipped.write(block)
            unzipped.flush()
            return mmap.mmap(unzipped.fileno(), 0, access=mmap.ACCESS_READ)
