"""Say what a file is that is not a trace."""

from __future__ import annotations

import re
from typing import Optional

_MAGIC = (
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2 data (unpack it first)"),
    (b"\xfd7zXZ\0", "xz data (unpack it first)"),
    (b"\x28\xb5\x2f\xfd", "zstd data (unpack it first)"),
    (b"PAR1", "a Parquet file"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\x1f\x9d", "data of compress (unpack it first)"),
    (b"\x04\x22\x4d\x18", "lz4 data (unpack it first)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Obj\x01", "an Avro file"),
    (b"\xff\xfe", "UTF-16 text (save it as UTF-8)"),
    (b"\xfe\xff", "UTF-16 text (save it as UTF-8)"),
)

#: Marks of other JSON, each with the texts that all occur in its beginning.
_JSON = (
    ((b"speedscope.app",), "a speedscope profile: open it at speedscope.app"),
    ((b'"traceEvents"',), "a Chrome trace: open it in ui.perfetto.dev"),
    ((b'"ph"', b'"ts"'), "a Chrome trace: open it in ui.perfetto.dev"),
    ((b'"resourceMetrics"',), "OpenTelemetry metrics, not traces"),
    ((b'"resourceLogs"',), "OpenTelemetry logs, not traces"),
    ((b'"traceID"', b'"operationName"'), "a Jaeger trace: export it as OTLP/JSON"),
    ((b'"traceID"', b'"spans"'), "a Jaeger trace: export it as OTLP/JSON"),
    ((b'"traceId"', b'"localEndpoint"'), "a Zipkin trace: export it as OTLP/JSON"),
    ((b'"traceId"', b'"timestamp"', b'"duration"'), "a Zipkin trace: export it as OTLP/JSON"),
    (
        (b'"trace_id"', b'"start_time"'),
        "output of OpenTelemetry's console exporter: export OTLP/JSON",
    ),
    ((b'"nbformat"',), "a Jupyter notebook"),
)

_NEED = 'nutrace reads OTLP/JSON traces ({"resourceSpans": ...}), such as the run.json that NUTRACE=1 writes'
_UTF_16 = re.compile(rb"\s?\0?[\[{]\0[\s\"\[{]|\0[\[{]\0")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def binary_kind(data: bytes) -> Optional[str]:
    """The kind of binary data, None for text; `data` is the beginning of a file."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    head = data[:4096]
    if _UTF_16.match(head):
        return "UTF-16 text (save it as UTF-8)"
    if _CONTROL.search(head) and not head.lstrip().startswith((b"{", b"[")):
        return "binary data"
    return None


def describe(name: str, head: bytes, *, broken: bool = False) -> str:
    """One line on a file that is not a trace.

    Parameters
    ----------
    name, head:
        The file, and its beginning.
    broken:
        Whether it is not JSON.
    """
    if broken and b'"resourceSpans"' in head:
        return f"{name} is truncated or damaged JSON: copy it again, or read the .partial file of its run"
    if broken or not head.startswith((b"{", b"[", b'"')):
        return f"{name} is not JSON: {_NEED}"
    for marks, kind in _JSON:
        if all(mark in head for mark in marks):
            return f"{name} is {kind}; {_NEED}"
    return f"{name} is JSON, but not a trace: {_NEED}"
