"""The recorder: spans of all threads into the run file, off the hot path.

A probe appends a finished span to its thread's queue. A background thread takes the queues every second,
encodes and writes. Where the program takes steps it does so twice a second, and the thread that has ended
one waits for it: the two would hand the interpreter to and fro, with all that it has in the processor's
caches, and take twice the time. A thread that outruns it waits as well, or drains its own queue where it is
not there, so nothing is dropped and memory stays bounded.
"""

from __future__ import annotations

import _thread
import threading
import time
from typing import Any, Callable, Deque, Dict, List, Mapping, Optional, Tuple

from nutrace import semconv
from nutrace.recording import encoding
from nutrace.recording.background import Background
from nutrace.recording.buffers import LIMIT, buffers, forget, forget_other_threads, local
from nutrace.recording.changing import ChangingAttributes
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import Record
from nutrace.recording.faults import Faults
from nutrace.recording.figures import Figures
from nutrace.recording.open_spans import OpenSpans, chain
from nutrace.recording.runfile import RunFile
from nutrace.recording.span import Span, ids, process_state

_HARD_LIMIT = 8 * LIMIT  # here a thread waits for the one that is writing
_PATIENCE_S = 5.0  # and no longer than this: then its spans are dropped, and counted
_BATCH = 4096  # spans that are encoded before they are written
_BETWEEN_STEPS_S = 0.05  # a thread waits for the background, which may wait for a disk
_FULL_S = 1.0  # a thread whose queue is full does
_NO_MORE_NS = 60_000_000_000  # if that was not enough no thread waits for so long
_NEVER_S = 3600.0


class Recorder:
    """Takes spans from every thread of this process and writes them.

    Parameters
    ----------
    file:
        Where they go.
    describe:
        Gives the resource's attributes: all of them, or the few that identify the process.
    changing:
        Gives those that change while it runs, apart from the recorder's own counts.
    flush_seconds, compress_us, text_limit:
        See :class:`nutrace.settings.Settings`.
    """

    def __init__(
        self,
        file: RunFile,
        describe: Callable[[bool], Mapping[str, Any]],
        *,
        version: str,
        changing: Callable[[], Mapping[str, Any]] = dict,
        flush_seconds: float = 1.0,
        compress_us: float = 200.0,
        text_limit: int = 4096,
    ) -> None:
        self.file = file
        self.listeners: List[Callable[[Record, int], None]] = []
        self._describe = describe
        self._changing = changing
        self._version = version
        self._encoder = encoding.Encoder(text_limit)
        self._is_child = False
        self.resume: Callable[[], None] = lambda: None  # called when this thread has written
        self._scopes: Dict[Tuple[str, str], str] = {}
        self._flush_ns = int(flush_seconds * 1e9)
        self.background = Background(self.flush, self._due_s)
        self._begin()
        self._closed = False
        forget()
        process_state.longest_ns = int(compress_us * 1000) if compress_us else -1
        process_state.emit = self.emit
        process_state.drain_full_queue = self.drain_full_queue
        process_state.fault = self.fault
        process_state.step_ended = self.step_ended

    def _begin(self) -> None:
        """Nothing is recorded so far; also in a forked child."""
        self.born_ns = now_ns()
        self.figures = Figures()
        self._faults = Faults()
        self._open = OpenSpans(self.born_ns, self._flush_ns)
        self._news = ChangingAttributes(self._changing, self._flush_ns // 2)
        self.dropped = self.unfinished = self.own_ns = 0  # own_ns: CPU time spent draining
        self._waiting: List[Tuple[Any, int]] = []  # off their threads' queues, not written yet
        self._cut: Dict[int, bool] = {}  # spans that we ended, by id(): whether they were written
        self._brief = ""
        self._lock = threading.Lock()
        self._holder = 0
        self._drained_ns = self.born_ns  # clock reading when the queues were last empty
        self._alone_until_ns = 0  # clock reading until which no thread waits for the background

    @property
    def fault_count(self) -> int:
        """Errors of our own that were caught."""
        return self._faults.count

    @property
    def faults(self) -> List[str]:
        """The kinds of them, and what else was said to go wrong."""
        return self._faults.notes

    @property
    def truncated(self) -> int:
        """Attribute texts that were cut."""
        return self._encoder.truncated

    @property
    def draining_here(self) -> bool:
        """Whether this very thread is writing: a signal handler or finalizer interrupted it."""
        return self._holder == _thread.get_ident()

    # -- the hot path's other end ------------------------------------------------------------

    def emit(self, span: Span) -> None:
        """Take a finished span; probes inline these three lines."""
        spans = local.spans
        spans.append(span)
        if len(spans) >= LIMIT:
            self.drain_full_queue(spans)

    def drain_full_queue(self, spans: Deque[Any]) -> None:
        """Called by a thread whose queue is full: let the background write, or do it here.

        Here a signal's handler might raise in the middle of the writing.
        """
        if self._closed:
            local.buffer.drop()
            return
        if not self.draining_here:  # a finalizer or a signal handler may have interrupted us
            # What the program's own exporters do, they do in its own threads.
            if not self.listeners and self._wait_for_background(_FULL_S) and len(spans) < LIMIT:
                return
            if self._lock.acquire(blocking=False):
                self._drain_locked(closing=False)
                return
            # Another thread is writing; waiting for it for ever could be a deadlock.
            if len(spans) >= _HARD_LIMIT and self._lock.acquire(timeout=_PATIENCE_S):
                self._drain_locked(closing=False)
                return
        if len(spans) >= _HARD_LIMIT:
            self.dropped += local.buffer.drop()

    def step_ended(self) -> None:
        """Called by a thread between two steps: let the background write, if it is time, and wait for it.

        The program's own exporters, if it has any, are not waited for.
        """
        if now_ns() - self._drained_ns < self._flush_ns // 2:
            return
        if not (self._closed or self.listeners or self._lock.locked()):
            self._wait_for_background(_BETWEEN_STEPS_S)

    def _wait_for_background(self, patience_s: float) -> bool:
        if now_ns() < self._alone_until_ns or not self.background.running:
            return False
        if self.background.hurry(patience_s):
            return True
        self._alone_until_ns = now_ns() + _NO_MORE_NS
        return False

    def _due_s(self) -> float:
        """Seconds until the background thread has to write."""
        return _NEVER_S if self._closed else (self._drained_ns + self._flush_ns - now_ns()) / 1e9

    def fault(self, where: str) -> None:
        """Count a fault of our own and say it once; called from an ``except`` block."""
        self._faults.note(where)

    # -- writing -----------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything that has ended."""
        if not self.draining_here and self._lock.acquire(timeout=10):
            self._drain_locked(closing=False)

    def before_fork(self) -> None:
        """Let no thread of ours be in the middle of something, and name what the child is inside of."""
        for span in chain():
            ids.assign(span)  # parent and child write the same id
        self.background.stop()

    def before_exec(self) -> None:
        """Write everything, and that this thread's open spans were begun."""
        for span in chain():
            ids.assign(span)
            self._open.begun(span)
        self._news.hurry()
        self.flush()

    def _drain_locked(self, closing: bool) -> None:
        self._holder = _thread.get_ident()
        began = time.thread_time_ns()
        try:
            if not self._closed:  # else the file is joined already, or another process's
                self._drain(closing)
        except Exception:  # law 1: a fault of ours never reaches the program
            self.fault("writing spans")
        finally:
            self.own_ns += time.thread_time_ns() - began
            self._drained_ns = now_ns()
            self._holder = 0
            self._lock.release()
            self.resume()

    def _drain(self, closing: bool) -> None:
        for buffer in list(buffers):
            if buffer.ended and not buffer.spans:
                buffers.remove(buffer)
            # Bounded: what is appended meanwhile waits for the next time.
            for _ in range(0, len(buffer.spans), _BATCH):
                buffer.take(self._waiting, _BATCH)
                if len(self._waiting) >= _BATCH:
                    self._write_waiting()
        self._write_waiting()
        self.figures.forget_ended()
        if not closing:
            self._announce()

    def _write_waiting(self) -> None:
        # Ctrl-C may come at any point of this: what is not known to be written stays in _waiting.
        groups: List[Tuple[str, List[str]]] = []  # runs of one scope
        written: List[Tuple[Any, int]] = []
        born_ns, cut, scopes, encoder = self.born_ns, self._cut, self._scopes, self._encoder
        key: Optional[Tuple[str, str]] = None
        texts: List[str] = []
        for each in self._waiting:
            record, thread_id = each
            if (record.started < born_ns or cut) and not self._is_ours(record):
                continue
            if record.site.scope != key:
                key, texts = record.site.scope, []
                groups.append((scopes.get(key) or self._scope(key), texts))
            try:
                texts.append(encoder.encode(record, thread_id))
            except Exception:  # law 1; one bad span must not take the others with it
                self.fault("encoding a span")
                self.dropped += 1
                continue
            written.append(each)
        self._write([group for group in groups if group[1]])
        self._waiting = []
        self._account(written)

    def _is_ours(self, record: Record) -> bool:
        details = record.details
        if record.started < self.born_ns:
            # Begun before a fork, or before an earlier recording ended: it was written there.
            told = details is not None and (details.theirs or details.backdated)
            return told and not self._is_child
        if self._cut and id(record) in self._cut:  # its own thread has ended it after we did
            if self._cut[id(record)]:
                return False
            self._cut[id(record)] = True
        return True

    def _account(self, written: List[Tuple[Any, int]]) -> None:
        records = [record for record, _ in written]
        self.figures.take(records)
        self._open.written(records)
        for listener in self.listeners:
            for record, thread_id in written:
                try:
                    listener(record, thread_id)
                except Exception:  # law 1: somebody's exporter fails, and ours goes on
                    self.fault("handing a span to the program's tracer provider")

    def _announce(self) -> None:
        now = now_ns()
        texts = [self._encoder.announce(span, now) for span in self._open.due(now)]
        scope = self._scope((semconv.OPEN_SCOPE, ""))
        if texts:
            self._write([(scope, texts)], lost=0)
        news = self._news.due(now) if self.file.begun else {}
        if news:
            said = encoding.resource({**self._describe(False), **news})
            self._write([(scope, [])], lost=0, resource=said)

    def _write(self, groups: List[Tuple[str, List[str]]], lost: int = 1, resource: str = "") -> None:
        """Append `groups`; if that fails, each of their spans counts as `lost`."""
        for scope, spans in groups:
            try:
                self.file.write(resource or self._resource(), [(scope, spans)])
            except OSError as error:
                self.dropped += lost * len(spans)
                self._faults.lose(f"cannot write {self.file.partial}: {error.strerror}")

    def _resource(self) -> str:
        if not self.file.begun:
            try:
                return encoding.resource(self._describe(True))
            except Exception:  # law 1: spans without a description are better than none
                self.fault("describing the process")
        if not self._brief:
            self._brief = encoding.resource(self._describe(False))
        return self._brief

    def _scope(self, key: Tuple[str, str]) -> str:
        text = self._scopes[key] = encoding.scope(key[0], key[1] or self._version)
        return text

    # -- the end -----------------------------------------------------------------------------

    def close_open_spans(self) -> None:
        """End what is still open, as unfinished: this thread's spans and all known ancestors."""
        at = now_ns()
        for span in sorted(self._open.known(), key=lambda span: -span.started):
            span.ensure_details().unfinished = True
            span.ended = at
            self.unfinished += 1
            self._cut[id(span)] = False
            local.spans.append(span)

    def close(self) -> bool:
        """Stop, end what is open, write the rest; true if there is anything in the file."""
        self.background.stop()
        self.flush()  # after this every open ancestor of a written span is known
        self.close_open_spans()
        # A signal handler may have interrupted this very thread while it was draining.
        if not self.draining_here and self._lock.acquire(timeout=10):
            self._drain_locked(closing=True)
        self._closed = True
        return self.file.begun

    def forked(self, file: RunFile) -> None:
        """In a forked child: forget the parent process's spans, write to `file`."""
        self.file.leave()
        self.file = file
        forget_other_threads()
        self._is_child = True
        self._begin()
        self.background.forget()
