"""Read run files: nutrace's own or any OTLP/JSON, as lines or as one document, gzipped or not."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Callable, List, Optional, Union

import msgspec

from nutrace.errors import EmptyTraceError, InputError
from nutrace.trace.bounds import LONGEST_DOCUMENT
from nutrace.trace.diagnostics import Diagnostics
from nutrace.trace.foreign import describe
from nutrace.trace.hosts import align, missing
from nutrace.trace.otlp import TracesData, decode_document, decode_documents, decode_lines
from nutrace.trace.parquet_format import one_exported_run
from nutrace.trace.parquet_source import load_exported
from nutrace.trace.pieces import cuts
from nutrace.trace.rows import Rows
from nutrace.trace.runfiles import PARTIAL, find_run
from nutrace.trace.source import Source
from nutrace.trace.trace import Trace
from nutrace.trace.tree import build
from nutrace.trace.values import TooLargeError

Progress = Callable[[int, int], None]

#: A line longer than this is decoded in parts, before its end is read.
_LONG_LINE = 1 << 20
#: A line that has no place to cut for so many bytes is not a trace, unless the name of its list occurs.
_STUBBORN_LINE = 1 << 28
_AS_LINES = "write it as JSON lines: jq -c '.resourceSpans[] | {resourceSpans: [.]}'"


def load(
    path: Union[str, os.PathLike[str]], *, raw: bool = False, progress: Optional[Progress] = None
) -> Trace:
    """Read a trace from a ``.json``, ``.jsonl``, ``.json.gz`` or ``.partial`` file, or from an export.

    ``-`` is standard input, and a pipe is read until its writer closes it.
    Files that other processes of the run left beside it are read with it. A run that was cut short, or
    that goes on, is found by the name that it would have: ``run.json`` reads ``run.json.partial``.

    Parameters
    ----------
    path:
        The run file; or what ``nutrace export`` has written: ``OUT`` with one run, or one of several runs,
        ``OUT/spans/run=NAME``.
    raw:
        Leave times as they were recorded. By default nutrace's own time is taken out of them as far as the
        file says what it was, and the clocks of a run's hosts are aligned where they cannot agree;
        :attr:`Trace.correction` and :attr:`Trace.skews` say by how much.
    progress:
        Called now and then with (bytes read, bytes in all), of the file as it is on disk.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, binary, truncated or not OTLP/JSON.
    EmptyTraceError
        If it holds no span.
    MissingDependencyError
        If it is an export, and pyarrow is not installed.
    """
    name = os.fspath(path)
    exported = one_exported_run(name)
    if exported is not None:
        return load_exported(exported, name, raw=raw, progress=progress)
    files = find_run(name)
    rows, diagnostics = Rows(), Diagnostics(running=files.is_running())
    try:
        if files.started_empty:
            diagnostics.complete = False
        elif files.main:
            _FileReader(files.main, rows, diagnostics, progress).read()
        for shard in files.shards_of(rows.run_ids()):
            try:
                _FileReader(shard, rows, diagnostics, None).read()
            except InputError as error:
                diagnostics.note(f"a process's shard was left out: {error}")
        if not len(rows):
            raise EmptyTraceError(_no_spans(name, diagnostics))
        skews = () if raw else align(rows)
        for each in skews:
            diagnostics.note(each.sentence)
        trace = build(rows, name, diagnostics, raw=raw)
        for sentence in missing(trace.resources, name):
            diagnostics.note(sentence)
        return replace(trace, skews=skews) if skews else trace
    except MemoryError:
        del rows
        raise InputError(
            f"{name} does not fit into this machine's memory: trace fewer steps, or coarser"
        ) from None


def _no_spans(name: str, diagnostics: Diagnostics) -> str:
    if diagnostics.running:
        return f"{name}: the run is still going on, and has not written any span yet"
    if not diagnostics.complete:
        return f"{name} was cut short before its first span was written: there is nothing to read in it"
    return f"{name} is a trace without spans: was the program traced (NUTRACE=1), and did it run anything?"


class _FileReader:
    """Reads one file into the rows: whole lines as they come, long lines in parts."""

    def __init__(self, name: str, rows: Rows, diagnostics: Diagnostics, progress: Optional[Progress]) -> None:
        self.name = name
        self.rows = rows
        self.diagnostics = diagnostics
        self.progress = progress
        self.good = 0  # documents, or parts of one, that were OTLP traces
        self.stray = 0  # documents that were other JSON
        self.first = b""  # the beginning of the file, for messages

    def read(self) -> None:
        with Source(self.name) as source:
            heads = rest = b""
            cut_at = _LONG_LINE
            held: List[bytes] = []  # joined now and then only, as each time copies all of a long line
            holding = 0
            for block in source.blocks():
                if self.progress is not None:
                    self.progress(source.position, source.size)
                if not self.first:
                    self.first = block.lstrip()[:4096]
                held.append(block)
                holding += len(block)
                if len(rest) + holding > LONGEST_DOCUMENT:
                    raise self._too_large()
                if len(rest) + holding < cut_at and b"\n" not in block:
                    continue
                rest, held, holding = b"".join((rest, *held)), [], 0
                end = rest.rfind(b"\n") + 1
                if end and self._is_lines(heads, rest):
                    if heads:
                        line = rest.find(b"\n") + 1
                        self._take_line(heads + rest[:line])
                        rest, end, heads = rest[line:], end - line, b""
                    self._take_lines(rest[:end])
                    rest, cut_at = rest[end:], _LONG_LINE
                elif len(rest) >= cut_at:
                    heads, rest = self._take_parts(heads, rest)
                    # If there was no place to cut, look again when there is twice as much.
                    cut_at = max(_LONG_LINE, 2 * len(rest))
                    if not self.good and len(rest) > _STUBBORN_LINE and b'"resourceSpans"' not in rest:
                        raise InputError(describe(self.name, self.first))
            rest = b"".join((rest, *held))
            del held
            if source.garbage:
                self.diagnostics.note(f"{self.name} ends with something that is not gzip data, left out")
            if rest.strip():
                self._take_last(heads, rest, source.truncated)
            elif heads or source.truncated:
                self._cut_short()
        if not self.good:
            if not self.diagnostics.complete:
                return
            raise InputError(describe(self.name, self.first))
        self.diagnostics.bad_lines += self.stray

    def _is_lines(self, heads: bytes, rest: bytes) -> bool:
        """Whether line ends separate documents, and are not white space inside an indented one."""
        if heads or self.good:
            return True
        line = rest[: rest.find(b"\n")].strip()
        return len(line) > 1 and line[-1:] in b"}]" and (line[-1:] != b"]" or line[:1] == b"[")

    def _take_lines(self, data: bytes) -> None:
        try:
            documents = decode_lines(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TooLargeError):
            documents = []
        if documents and all(document.resourceSpans is not None for document in documents):
            for document in documents:
                self._take(document)
            return
        for line in data.split(b"\n"):
            if line.strip():
                self._take_line(line)

    def _take_line(self, line: bytes) -> None:
        try:
            documents = decode_documents(line)
        except TooLargeError:
            raise self._too_large() from None
        except (ValueError, RecursionError):
            self.diagnostics.bad_lines += 1
            return
        for document in documents:
            self._take(document)

    def _take(self, document: TracesData) -> None:
        if document.resourceSpans is None:
            self.stray += 1
        else:
            self.good += 1
            self.rows.add(document)

    def _take_parts(self, heads: bytes, data: bytes) -> tuple[bytes, bytes]:
        for cut in cuts(heads, data):
            try:
                document = decode_document(cut.document)
            except (ValueError, RecursionError):
                continue
            if document.resourceSpans is None:
                continue
            self._take(document)
            return cut.heads, data[cut.rest :]
        return heads, data

    def _take_last(self, heads: bytes, rest: bytes, truncated: bool) -> None:
        """Take the last line, or all of a file that is indented."""
        try:
            documents = decode_documents(heads + rest)
        except TooLargeError:
            raise self._too_large() from None
        except RecursionError:
            raise InputError(f"{self.name} nests deeper than any trace: it cannot be read") from None
        except ValueError:
            if self.good or self.name.endswith(PARTIAL) or truncated:
                self._cut_short()
                return
            raise InputError(describe(self.name, self.first, broken=True)) from None
        for document in documents:
            self._take(document)

    def _too_large(self) -> InputError:
        return InputError(f"{self.name} has a document that is too large to be read at once: {_AS_LINES}")

    def _cut_short(self) -> None:
        one_line = self.good and not self.name.endswith((PARTIAL, ".jsonl", ".gz"))
        self.diagnostics.complete = False
        if one_line:
            self.diagnostics.note(f"{self.name} ends in the middle of a line")
