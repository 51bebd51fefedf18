"""Joins the partial files of a run's processes, without decoding their spans.

They become one line, or lines as they were if they are compressed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, List, Optional, Tuple

import msgspec

from nutrace import semconv
from nutrace.recording import compressed

_OPEN = f'"scopeSpans":[{{"scope":{{"name":"{semconv.OPEN_SCOPE}"'.encode()
# Attributes of lines that describe their process anew while it runs.
_CHANGING = [f'{{"key":"{key}","value":'.encode() for key in (semconv.SPEEDUP_FIGURES, semconv.SPANS_DROPPED)]
# The line of a process's samples, which may be long. It stays beside the spans: a reader that reads spans in
# parts takes their resource along.
_SAMPLES = f'{{"key":"{semconv.SAMPLES}","value":'.encode()
_NEAR = 1024  # such a line begins with the few attributes that tell the process
_HEAD = b'{"resourceSpans":['
_BODY = b'"scopeSpans":['
_END = b"]}]}\n"
_EMPTY = b'"spans":[]}' + _END
_COMPLETE = f'{{"key":"{semconv.RUN_COMPLETE}","value":{{"boolValue":true}}}}'.encode()


def join(files: List[Path], out: BinaryIO) -> None:
    """Write the spans of partial `files` to `out` as a whole run file."""
    out.write(b'{"resourceSpans":[')
    between = b""
    for file in files:
        with open(file, "rb") as lines:
            resource, complete = _resource_of(lines)
            if resource is None:
                continue
            out.write(between + b'{"resource":' + resource + b',"scopeSpans":[')
            between = b","
            inner = samples = b""
            for line in lines:
                begin = line.find(_BODY) + len(_BODY)
                if not line.endswith(_END) or begin < len(_BODY):
                    continue  # the torn last line of a killed process
                if _has_samples(line):
                    samples = b"," + line[len(_HEAD) : -len(b"]}\n")]
                if line.find(_OPEN, 0, begin + 64) >= 0 and (complete or line.endswith(_EMPTY)):
                    continue  # its open spans have ended since and are in the file; or it has no spans
                out.write(inner + line[begin : -len(_END)])
                inner = b","
            out.write(b"]}" + samples)
    out.write(b"]}\n")


def join_compressed(files: List[Path], out: BinaryIO) -> None:
    """Write the spans of compressed partial `files` to `out` as a whole run file, which has lines as they do.

    Raises
    ------
    OSError
        If a file holds something else.
    """
    for file in files:
        with open(file, "rb") as packed:
            complete = _says_complete(compressed.last_line(packed))
            for member, line in compressed.members(packed):
                # If the process has ended, its open spans have too, and its last line has all that changed.
                if not (complete and line.startswith(_OPEN, line.find(_BODY))) or _has_samples(line):
                    out.write(member)


def _has_samples(line: bytes) -> bool:
    return line.endswith(_EMPTY) and line.find(_SAMPLES, 0, _NEAR) >= 0


def _says_complete(line: bytes) -> bool:
    return line.endswith(_END) and _COMPLETE in line[: line.find(_BODY)]


def _resource_of(lines: BinaryIO) -> Tuple[Optional[bytes], bool]:
    """The resource of a file's process, and whether the process ended in order.

    It is the last line's if that says that it is complete. Otherwise it is the first line's, with the
    attributes that have changed since.
    """
    first = lines.readline()
    if not first.endswith(_END):
        return None, False
    lines.seek(0, os.SEEK_END)
    lines.seek(max(0, lines.tell() - (1 << 20)))
    last = lines.read().rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    lines.seek(0)
    if _says_complete(last):
        return msgspec.json.encode(_resource_in(last)), True
    resource = _resource_in(first)
    latest = [b""] * len(_CHANGING)
    for line in lines:
        if line.endswith(_END):
            end = line.find(_BODY)
            latest = [line if line.find(key, 0, end) >= 0 else had for key, had in zip(_CHANGING, latest)]
    lines.seek(0)
    attributes = {each.key: each for each in resource.attributes if each.key != semconv.SAMPLES}
    for line in filter(None, latest):
        attributes.update((each.key, each) for each in _resource_in(line).attributes)
    return msgspec.json.encode(_Resource(list(attributes.values()))), False


def _resource_in(line: bytes) -> _Resource:
    return msgspec.json.decode(line, type=_TracesData).resourceSpans[0].resource


class _KeyValue(msgspec.Struct):
    key: str
    value: msgspec.Raw


class _Resource(msgspec.Struct):
    attributes: List[_KeyValue]


class _ResourceSpans(msgspec.Struct):
    resource: _Resource


class _TracesData(msgspec.Struct):
    resourceSpans: List[_ResourceSpans]
