"""Each format as a span exporter for the OpenTelemetry SDK.

``OTEL_TRACES_EXPORTER=speedscope opentelemetry-instrument python app.py`` draws the spans of any
program when it ends. ``OTEL_EXPORTER_<FORMAT>_FILE`` names the file, for instance
``OTEL_EXPORTER_SPEEDSCOPE_FILE``; by default it is ``trace.speedscope.json`` in the directory where the
program started. No file is overwritten: the next free name is used, and printed.

Memory stays bounded while the program runs: batches are written to ``<file>.partial`` as OTLP/JSON lines,
which every nutrace command can read if the program is killed. At shutdown the file is read and drawn, which
takes about 1 kB of memory for each span.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import BinaryIO, ClassVar, Optional, Sequence, Tuple

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from nutrace.errors import EmptyTraceError, NutraceError
from nutrace.printable import printable
from nutrace.trace import load
from nutrace_exporters.otlp import encode
from nutrace_exporters.output import whole_file
from nutrace_exporters.registry import find

_LONGEST = 5000  # characters of a message, which has names of files


class FileSpanExporter(SpanExporter):
    """Collects spans and writes one file at shutdown; subclasses name its format."""

    format: ClassVar[str]
    #: The name in the environment variable and in the entry point.
    entry_point: ClassVar[str]

    def __init__(self, path: Optional[str] = None) -> None:
        row = find(self.format)
        chosen = path or os.environ.get(f"OTEL_EXPORTER_{self.entry_point.upper()}_FILE")
        # Made absolute now: the program may change its directory.
        self._path = os.path.abspath(chosen or f"trace{row.suffix}")
        self._lock = threading.Lock()
        self._partial: Optional[BinaryIO] = None
        self._pid = os.getpid()
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append a batch to the partial file."""
        with self._lock:
            if self._closed:
                return SpanExportResult.FAILURE
            try:
                partial = self._open()
                partial.write(encode(spans) + b"\n")
                partial.flush()
            except OSError as error:
                _print(
                    f"cannot write {self._path}.partial: {error.strerror or error}; {len(spans)} spans lost"
                )
                return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is pending: each batch is in the file when `export` returns."""
        return True

    def shutdown(self) -> None:
        """Draw the spans, remove the partial file, and print where the drawing is."""
        with self._lock:
            if self._closed or self._partial is None or self._pid != os.getpid():
                self._closed = True
                return
            self._closed = True
            self._partial.close()
            row = find(self.format)
            # The partial file reserves the name for exporters; another program may have taken it.
            target = _free(_next(self._path)) if os.path.lexists(self._path) else self._path
            try:
                trace = load(self._partial.name)
                with whole_file(target) as out:
                    row.load().export(trace, out)
            except EmptyTraceError:
                os.unlink(self._partial.name)
            except (NutraceError, MemoryError, OSError) as error:
                _print(f"{error}; the spans are in {self._partial.name}")
            else:
                os.unlink(self._partial.name)
                _print(f"{len(trace):,} spans in {target}")

    def _open(self) -> BinaryIO:
        """The partial file; a new one in a forked child, as the parent draws the parent's spans."""
        if self._partial is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._path, self._partial = _create(self._path)
        return self._partial


class SpeedscopeExporter(FileSpanExporter):
    """``OTEL_TRACES_EXPORTER=speedscope``."""

    format = entry_point = "speedscope"


class FlamegraphExporter(FileSpanExporter):
    """``OTEL_TRACES_EXPORTER=flamegraph``: the interactive HTML page."""

    format = "html"
    entry_point = "flamegraph"


class CollapsedExporter(FileSpanExporter):
    """``OTEL_TRACES_EXPORTER=collapsed``."""

    format = entry_point = "collapsed"


class SvgExporter(FileSpanExporter):
    """``OTEL_TRACES_EXPORTER=svg``."""

    format = entry_point = "svg"


class ChromeExporter(FileSpanExporter):
    """``OTEL_TRACES_EXPORTER=chrome``."""

    format = entry_point = "chrome"


def _free(path: str) -> str:
    """The first of `path`, ``name-1.ext``, ``name-2.ext``, ... that does not exist."""
    while os.path.lexists(path) or os.path.lexists(f"{path}.partial"):
        path = _next(path)
    return path


def _create(path: str) -> Tuple[str, BinaryIO]:
    """A free path and its new partial file, which no other process gets."""
    while True:
        path = _free(path)
        try:
            return path, open(f"{path}.partial", "xb")
        except FileExistsError:
            continue


def _next(path: str) -> str:
    head, name = os.path.split(path)
    stem, dot, suffix = name.partition(".")
    base, dash, number = stem.rpartition("-")
    stem = f"{base}-{int(number) + 1}" if dash and number.isdigit() else f"{stem}-1"
    return os.path.join(head, stem + dot + suffix)


def _print(text: str) -> None:
    print(f"nutrace: {printable(text, _LONGEST)}", file=sys.stderr)
