"""Read the spans of a run as the text that they have in its files, a part at a time.

A span is never decoded and written anew: its bytes are sent as they are. A finished run is one line of any
length, which is cut as :mod:`nutrace.trace.pieces` describes. The files of a run that was
killed announce spans while they are open. Of these, only those that never ended are sent, after all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import msgspec

from nutrace import semconv
from nutrace.errors import InputError
from nutrace.trace.bounds import LONGEST_DOCUMENT, MOST_OBJECTS
from nutrace.trace.foreign import describe
from nutrace.trace.pieces import cuts
from nutrace.trace.runfiles import PARTIAL, find_run
from nutrace.trace.source import Source

#: Called with (bytes read, bytes in all) of the files on disk.
Progress = Callable[[int, int], None]

_LONG_LINE = 1 << 20
_AS_LINES = "write it as JSON lines: jq -c '.resourceSpans[] | {resourceSpans: [.]}'"
_NO_BYTES = msgspec.Raw(b"")


class Group(NamedTuple):
    """Spans of one resource and scope.

    Attributes
    ----------
    resource, scope:
        Members of the JSON objects around the spans, such as ``"scope":{...},``.
    spans:
        JSON objects.
    """

    resource: bytes
    scope: bytes
    spans: List[bytes]


@dataclass
class Reading:
    """What was seen of the run's files beside its spans.

    Attributes
    ----------
    bad_lines:
        Lines that are not traces.
    cut_short:
        Whether the run has not come to its end, or a file ends in the middle of a line.
    run_ids:
        Of the runs whose processes have been read.
    """

    bad_lines: int = 0
    cut_short: bool = False
    run_ids: Set[str] = field(default_factory=set)


class _ScopeSpans(msgspec.Struct):
    scope: msgspec.Raw = _NO_BYTES
    spans: List[msgspec.Raw] = []
    schemaUrl: str = ""


class _ResourceSpans(msgspec.Struct):
    resource: msgspec.Raw = _NO_BYTES
    scopeSpans: List[_ScopeSpans] = []
    schemaUrl: str = ""


class _TracesData(msgspec.Struct):
    resourceSpans: Optional[List[_ResourceSpans]] = None


class _Value(msgspec.Struct):
    stringValue: Optional[str] = None


class _Attribute(msgspec.Struct):
    key: str = ""
    value: msgspec.Raw = _NO_BYTES


class _Resource(msgspec.Struct):
    attributes: List[_Attribute] = []


class _Scope(msgspec.Struct):
    name: str = ""


class _Span(msgspec.Struct):
    spanId: str = ""


_document = msgspec.json.Decoder(_TracesData)
_resource = msgspec.json.Decoder(_Resource)
_scope = msgspec.json.Decoder(_Scope)
_span = msgspec.json.Decoder(_Span)
_value = msgspec.json.Decoder(_Value)


def groups(name: str, reading: Reading, progress: Optional[Progress] = None) -> Iterator[Group]:
    """Yield the spans of the run called `name` in the order of its files, and those that never ended last.

    Raises
    ------
    InputError
        If the run's file is missing, unreadable, empty, binary or not OTLP/JSON.
    """
    files = find_run(name)
    announced: Dict[str, Group] = {}
    reading.cut_short = not files.main or files.main.endswith(PARTIAL)
    if files.main and not files.started_empty:
        yield from _file_groups(files.main, reading, announced, progress)
    for shard in files.shards_of(reading.run_ids):
        yield from _file_groups(shard, reading, announced, None)
    yield from announced.values()


def _file_groups(
    name: str, reading: Reading, announced: Dict[str, Group], progress: Optional[Progress]
) -> Iterator[Group]:
    for document in _documents(name, reading, progress):
        for entry in document.resourceSpans or ():
            raw = bytes(entry.resource)
            reading.run_ids |= _run_ids(raw)
            resource = _members(b"resource", raw, entry.schemaUrl)
            for batch in entry.scopeSpans:
                raw = bytes(batch.scope)
                scope = _members(b"scope", raw, batch.schemaUrl)
                group = Group(resource, scope, list(map(bytes, batch.spans)))
                if _name_of(raw) == semconv.OPEN_SCOPE:
                    for span in group.spans:
                        announced[_span.decode(span).spanId] = group._replace(spans=[span])
                    continue
                if announced:  # a process writes a span after it has announced it, never before
                    for span in group.spans:
                        announced.pop(_span.decode(span).spanId, None)
                if group.spans:
                    yield group


def _documents(name: str, reading: Reading, progress: Optional[Progress]) -> Iterator[_TracesData]:
    """The documents of a file, long lines in parts."""
    good = False
    first = heads = rest = b""
    cut_at = _LONG_LINE
    with Source(name) as source:
        for block in source.blocks():
            if progress is not None:
                progress(source.position, source.size)
            first = first or block.lstrip()[:4096]
            rest += block
            if len(rest) > LONGEST_DOCUMENT or (len(rest) > MOST_OBJECTS and rest.count(b"{") > MOST_OBJECTS):
                raise InputError(f"{name} has a document that is too large to be read at once: {_AS_LINES}")
            if b"\n" in block and (good or _is_line(rest)):
                *lines, rest = rest.split(b"\n")
                for line in filter(bytes.strip, lines):
                    document = _decoded(heads + line)
                    heads, cut_at = b"", _LONG_LINE
                    if document is None:
                        reading.bad_lines += 1
                    else:
                        good = True
                        yield document
            elif len(rest) >= cut_at:
                document, heads, rest = _part(heads, rest)
                # If there was no place to cut, look again when there is twice as much.
                cut_at = max(_LONG_LINE, 2 * len(rest))
                if document is not None:
                    good = True
                    yield document
        if rest.strip():
            document = _decoded(heads + rest)
            if document is not None:
                good = True
                yield document
            elif good or source.truncated or name.endswith(PARTIAL):
                reading.cut_short = True
        elif heads or source.truncated:
            reading.cut_short = True
    if not good and not reading.cut_short:
        raise InputError(describe(name, first, broken=b'"resourceSpans"' in first))


def _is_line(data: bytes) -> bool:
    """Whether the first line end of a file follows a document, and is not white space inside one."""
    line = data[: data.find(b"\n")].strip()
    return len(line) > 1 and line.endswith(b"}")


def _decoded(data: bytes) -> Optional[_TracesData]:
    try:
        document = _document.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if document.resourceSpans is not None else None


def _part(heads: bytes, data: bytes) -> Tuple[Optional[_TracesData], bytes, bytes]:
    for cut in cuts(heads, data):
        document = _decoded(cut.document)
        if document is not None:
            return document, cut.heads, data[cut.rest :]
    return None, heads, data


def _members(name: bytes, raw: bytes, schema_url: str) -> bytes:
    """``"resource":{...},"schemaUrl":"...",`` as far as the file has them."""
    known = b'"%b":%b,' % (name, raw) if raw else b""
    return known + (b'"schemaUrl":%b,' % msgspec.json.encode(schema_url) if schema_url else b"")


def _run_ids(resource: bytes) -> Set[str]:
    try:
        attributes = _resource.decode(resource).attributes if resource else []
        raws = [each.value for each in attributes if each.key == semconv.RUN_ID]
        return {value for raw in raws for value in (_value.decode(raw).stringValue,) if value}
    except msgspec.DecodeError:
        return set()


def _name_of(scope: bytes) -> str:
    try:
        return _scope.decode(scope).name if scope else ""
    except msgspec.DecodeError:
        return ""
