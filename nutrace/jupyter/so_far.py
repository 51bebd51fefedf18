"""What a run has simulated so far, read from the files that its processes write."""

from __future__ import annotations

import json
import os
import re
import zlib
from pathlib import Path
from typing import Dict, List, Set, Tuple

from nutrace import semconv
from nutrace.recording import names
from nutrace.trace.bounds import INTERVALS_S

_MOST = 1 << 19  # bytes of a file at a time: searching them holds the GIL for about a millisecond
_GZIP_STREAM = 16 + zlib.MAX_WBITS
#: As :mod:`nutrace.recording.encoding` writes spans. To search costs a tenth of decoding.
_HANDING_OUT = semconv.RUNNERS_SPAN, semconv.MAP_SPAN
_SPAN = re.compile(
    rb'"name":"(%s)","kind":\d,"startTimeUnixNano":"(\d+)","endTimeUnixNano":"(\d+)"'
    % "|".join(map(re.escape, (semconv.STEP_SPAN, semconv.RUN_SPAN, *_HANDING_OUT))).encode()
)
_NUMBER = r'"%s","value":{"(?:int|double)Value":"?([\d.e+-]+)'
_INTERVAL = re.compile((_NUMBER % re.escape(semconv.STEP_INTERVAL_S)).encode())
_PLANNED = re.compile((_NUMBER % re.escape(semconv.SCENARIOS_PLANNED)).encode())
_OPEN = b'"scope":{"name":%s' % json.dumps(semconv.OPEN_SCOPE).encode()
_NEXT_SPAN = b'{"traceId"'


class SoFar:
    """The scenarios and steps of a run that goes on.

    Times are as recorded: nutrace's own is in them, as its prices are known to those who read the whole.

    Parameters
    ----------
    run:
        The run file that there will be.
    run_id:
        Tells the run's shards from those of others.
    """

    def __init__(self, run: Path, run_id: str) -> None:
        self._run, self._tag = run, run_id[:8]
        self._files: Dict[Path, _Tail] = {}
        self._begun: Set[Tuple[Path, int]] = set()
        self._planned: Dict[Tuple[Path, int], int] = {}
        self._steps_before = 0  # of the scenarios that are over
        #: Scenarios that are over.
        self.finished = 0
        #: Steps that are over.
        self.steps = 0
        self._steps_ns = 0
        self._timed_ns = 0
        self._simulated_s = 0.0

    @property
    def running(self) -> int:
        """Scenarios that are being simulated."""
        return max(len(self._begun) - self.finished, 0)

    def look(self) -> None:
        """Read what was written since the last time."""
        for file in (names.partial_of(self._run), *names.shards(self._run, self._tag)):
            if file not in self._files:
                self._files[file] = _Tail(file)
            for line in self._files[file].lines():
                self._take(file, line)

    def _take(self, file: Path, line: bytes) -> None:
        is_open = _OPEN in line
        for span in _SPAN.finditer(line):
            name, begin_ns, end_ns = span[1].decode(), int(span[2]), int(span[3])
            if name == semconv.STEP_SPAN and not is_open:
                self._step(line, span.end(), end_ns - begin_ns)
            elif name == semconv.RUN_SPAN:
                self._begun.add((file, begin_ns))
                if not is_open:
                    self.finished += 1
                    self._steps_before = self.steps
            elif name in _HANDING_OUT:
                planned = _PLANNED.search(line, span.end(), _end(line, span.end()))
                self._planned[file, begin_ns] = int(float(planned[1])) if planned else 0

    def _step(self, line: bytes, at: int, took_ns: int) -> None:
        self.steps += 1
        self._steps_ns += took_ns
        interval = _INTERVAL.search(line, at, _end(line, at))
        if interval and INTERVALS_S[0] <= float(interval[1]) <= INTERVALS_S[1]:
            self._timed_ns += took_ns
            self._simulated_s += float(interval[1])

    def words(self) -> str:
        """Such as "scenario 2 of 3 · step 48 · 31.0 ms a step (0.31x)"; "" before the first step."""
        if not self.steps and not self._begun:
            return ""
        planned = sum(self._planned.values())
        of = f" of {planned:,}" if planned >= len(self._begun) else ""
        noun = "scenarios" if of or self.finished != 1 else "scenario"
        over = f"{self.finished:,}{of} {noun} over"
        parts: List[str] = []
        if self.running > 1:
            parts.append(f"{over}, {self.running:,} running")
            parts.append(f"{self.steps:,} steps")
        elif self.running:
            parts.append(f"scenario {self.finished + 1:,}{of}")
            parts.append(f"step {self.steps - self._steps_before:,}")
        else:
            parts += [over] if self._begun else []
            parts.append(f"{self.steps:,} steps")
        if self.steps:
            factor = self._timed_ns / 1e9 / self._simulated_s if self._simulated_s else None
            beside = "" if factor is None else f" ({factor:.2f}x)"
            mean_ms = self._steps_ns / self.steps / 1e6
            parts.append(
                f"{mean_ms:.3g} ms a step{beside}" if mean_ms < 100 else f"{mean_ms:,.0f} ms a step{beside}"
            )
        return " · ".join(parts)


def _end(line: bytes, at: int) -> int:
    """Where the span ends whose attributes begin at a place."""
    end = line.find(_NEXT_SPAN, at)
    return len(line) if end < 0 else end


class _Tail:
    """The lines of a file that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""
        self._stream = zlib.decompressobj(_GZIP_STREAM) if ".gz" in path.suffixes else None

    def lines(self) -> List[bytes]:
        """What is new, as far as lines are whole; nothing if the file cannot be read."""
        try:
            with open(self._path, "rb") as file:
                if os.fstat(file.fileno()).st_size < self._at:
                    return []  # a line was taken back, which happens on a full disk
                file.seek(self._at)
                new = file.read(_MOST)
            self._at += len(new)
            text = new if self._stream is None else self._unzipped(new)
        except (OSError, zlib.error):
            return []
        *whole, self._rest = (self._rest + text).split(b"\n")
        return whole

    def _unzipped(self, new: bytes) -> bytes:
        """The text of some gzip streams, one for each line; the last may not be whole."""
        texts: List[bytes] = []
        assert self._stream is not None
        while new:
            texts.append(self._stream.decompress(new))
            new = self._stream.unused_data
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_STREAM)
        return b"".join(texts)
