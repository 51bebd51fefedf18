"""The recorder: spans of all threads into the run file, off the hot path.

A probe appends a finished span to its thread's queue. A background thread takes the queues every
second and at each step's end, encodes and writes. A thread that outruns it drains its own
queue, so nothing is dropped and memory stays bounded.
"""

from __future__ import annotations

import _thread
import contextlib
import sys
import threading
import time
from itertools import groupby
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.recording import encoding
from nutrace.recording.buffers import LIMIT, buffers, forget, forget_other_threads, local
from nutrace.recording.clock import now_ns
from nutrace.recording.compression import Record
from nutrace.recording.context import current
from nutrace.recording.figures import Figures
from nutrace.recording.runfile import RunFile
from nutrace.recording.span import Span, home

_HARD_LIMIT = 16 * LIMIT  # beyond it spans are dropped, and counted
_LEAST_GAP_NS = 50_000_000  # between flushes that ends of steps ask for


class Recorder:
    """Takes spans from every thread of this process and writes them.

    Parameters
    ----------
    file:
        Where they go.
    describe:
        Gives the resource's attributes: all of them, or the few that identify the process.
    flush_seconds, compress_us, text_limit:
        See :class:`nutrace.settings.Settings`.
    """

    def __init__(
        self,
        file: RunFile,
        describe: Callable[[bool], Mapping[str, Any]],
        *,
        version: str,
        flush_seconds: float = 1.0,
        compress_us: float = 200.0,
        text_limit: int = 4096,
    ) -> None:
        self.file = file
        self.figures = Figures()
        self.dropped = 0
        self.unfinished = 0
        self.faults: List[str] = []
        self.fault_count = 0
        self.own_ns = 0  # CPU time spent draining
        self.born_ns = now_ns()
        self.listeners: List[Callable[[Record, int], None]] = []
        self._describe = describe
        self._version = version
        self._flush_seconds = flush_seconds
        self._encoder = encoding.Encoder(text_limit)
        self._lock = threading.Lock()
        self._holder = 0
        self._open: Dict[int, Span] = {}  # announced, not ended yet
        self._scopes: Dict[Tuple[str, str], str] = {}
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._stop = False
        self._running = _thread.allocate_lock()
        self._last_flush = 0
        self._closed = False
        self._brief = ""
        forget()
        home.longest_ns = int(compress_us * 1000) if compress_us else -1
        home.hand_over = self.hand_over
        home.relieve = self.relieve
        home.fault = self.fault
        home.step_ended = self.flush_soon

    @property
    def truncated(self) -> int:
        """Attribute texts that were cut."""
        return self._encoder.truncated

    @property
    def draining_here(self) -> bool:
        """Whether this very thread is writing: a signal handler or finalizer interrupted it."""
        return self._holder == _thread.get_ident()

    # -- the hot path's other end ------------------------------------------------------------

    def hand_over(self, span: Span) -> None:
        """Take a finished span; probes inline these three lines."""
        spans = local.spans
        spans.append(span)
        if len(spans) >= LIMIT:
            self.relieve(spans)

    def relieve(self, spans: Deque[Record]) -> None:
        """Called by a thread whose queue is full: drain now, in that thread."""
        if self._closed:
            spans.clear()
        elif self._holder == _thread.get_ident() or not self._lock.acquire(blocking=False):
            # Another thread is draining, or this one is and was interrupted by a finalizer.
            if len(spans) >= _HARD_LIMIT:
                self.dropped += len(spans)
                spans.clear()
        else:
            self._drain_locked(closing=False)

    def flush_soon(self) -> None:
        """Ask the background thread to write; cheap, and heeded at most every 50 ms."""
        if now_ns() - self._last_flush > _LEAST_GAP_NS:
            self._last_flush = now_ns()
            with contextlib.suppress(RuntimeError):
                self._wake.release()

    def fault(self, where: str) -> None:
        """Count a fault of our own and say it once; called from an ``except`` block."""
        error = sys.exc_info()[1]
        self.fault_count += 1
        note = f"{where}: {type(error).__name__}: {error}"
        if where not in {known.split(":", 1)[0] for known in self.faults} and len(self.faults) < 20:
            self.faults.append(note)
            say(f"fault in nutrace (the program goes on): {note}")

    # -- writing -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start the background thread."""
        # _thread, not threading: the program's own list of threads stays as it is.
        self._stop = False
        self._running.acquire()
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:  # the interpreter is ending, or no thread can be had
            self._running.release()

    def stop(self) -> None:
        """Stop the background thread and wait for it (a second at most)."""
        if not self._running.locked():
            return
        self._stop = True
        with contextlib.suppress(RuntimeError):
            self._wake.release()
        if self._running.acquire(timeout=1.0):
            self._running.release()

    def _run(self) -> None:
        try:
            while not self._stop:
                self._wake.acquire(timeout=self._flush_seconds)
                if self._stop:
                    return
                self.flush()
        finally:
            self._running.release()

    def flush(self) -> None:
        """Write everything that has ended."""
        if self._holder != _thread.get_ident() and self._lock.acquire(timeout=10):
            self._drain_locked(closing=False)

    def _drain_locked(self, closing: bool) -> None:
        self._holder = _thread.get_ident()
        began = time.thread_time_ns()
        try:
            self._drain(closing)
        except Exception:  # law 1: a fault of ours never reaches the program
            self.fault("writing spans")
        finally:
            self.own_ns += time.thread_time_ns() - began
            self._holder = 0
            self._lock.release()

    def _drain(self, closing: bool) -> None:
        self._last_flush = now_ns()
        pieces: List[Tuple[str, str]] = []
        ancestors: Dict[int, Span] = {}
        for buffer in list(buffers):
            take = buffer.spans.popleft
            if buffer.ended and not buffer.spans:
                buffers.remove(buffer)
            for _ in range(len(buffer.spans)):  # what is appended meanwhile waits for the next time
                try:
                    record = take()
                except IndexError:  # its thread is merging the last one at this moment
                    break
                self._take(record, buffer.thread_id, pieces, ancestors)
        self.figures.forget_ended()
        if not closing:
            self._announce(ancestors)
        if pieces:
            groups = [(scope, [text for _, text in run]) for scope, run in groupby(pieces, lambda p: p[0])]
            self._write(groups, len(pieces))

    def _take(
        self, record: Record, thread_id: int, pieces: List[Tuple[str, str]], ancestors: Dict[int, Span]
    ) -> None:
        if record.started < self.born_ns:
            return  # begun before a fork: it is the parent process's
        self.figures.take(record)
        pieces.append((self._scope(record.site.scope), self._encoder.encode(record, thread_id)))
        self._open.pop(record.id, None)
        parent = record.parent
        while isinstance(parent, Span) and not parent.ended and parent.id not in self._open:
            ancestors[parent.id] = parent  # the encoder has given it an id
            parent = parent.parent
        for listener in self.listeners:
            listener(record, thread_id)

    def _announce(self, ancestors: Mapping[int, Span]) -> None:
        now = now_ns()
        spans = [
            span
            for span in ancestors.values()
            if not span.ended and span.started >= self.born_ns and span.id not in self._open
        ]
        if spans:
            texts = [self._encoder.announce(span, now) for span in spans]
            self._open.update((span.id, span) for span in spans)
            self._write([(encoding.scope(semconv.OPEN_SCOPE, self._version), texts)], 0)

    def _write(self, groups: List[Tuple[str, List[str]]], count: int) -> None:
        try:
            if not self.file.begun:
                self.file.write(encoding.resource(self._describe(True)), groups)
                return
            if not self._brief:
                self._brief = encoding.resource(self._describe(False))
            self.file.write(self._brief, groups)
        except OSError as error:
            self.dropped += count
            note = f"cannot write {self.file.partial}: {error.strerror}"
            if note not in self.faults:
                self.faults.append(note)
                say(f"{note}; spans are being lost, and counted")

    def _scope(self, key: Tuple[str, str]) -> str:
        text = self._scopes.get(key)
        if text is None:
            text = self._scopes[key] = encoding.scope(key[0], key[1] or self._version)
        return text

    # -- the end -----------------------------------------------------------------------------

    def close_open_spans(self) -> None:
        """End what is still open, as unfinished: this thread's spans and all announced ones."""
        at = now_ns()
        state = current.get()
        spans = dict(self._open)
        node: Any = state
        while isinstance(node, Span):
            if not node.ended:
                spans[id(node)] = node
            node = node.parent
        for span in sorted(set(spans.values()), key=lambda span: -span.started):
            if span.ended or span.started < self.born_ns:
                continue
            span.more().unfinished = True
            span.ended = at
            self.unfinished += 1
            local.spans.append(span)

    def close(self) -> bool:
        """Stop, end what is open, write the rest; true if there is anything in the file."""
        self.stop()
        self.close_open_spans()
        # A signal handler may have interrupted this very thread while it was draining.
        if self._holder != _thread.get_ident() and self._lock.acquire(timeout=10):
            self._drain_locked(closing=True)
        self._closed = True
        return self.file.begun

    def forked(self, file: RunFile) -> None:
        """In a forked child: forget the parent process's spans, write to `file`."""
        self.file.leave()
        self.file = file
        forget_other_threads()
        self.figures = Figures()
        self.dropped = self.unfinished = self.fault_count = self.own_ns = 0
        self.faults = []
        self.born_ns = now_ns()
        self._open = {}
        self._brief = ""
        self._lock = threading.Lock()
        self._holder = 0
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._running = _thread.allocate_lock()


def say(message: str) -> None:
    """One line on stderr; a closed stderr is no reason to fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"nutrace: {message}\n")
        sys.stderr.flush()

