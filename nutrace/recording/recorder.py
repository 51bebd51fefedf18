"""The recorder: takes the finished spans of all threads and has them written, off the hot path.

A probe appends a finished span to its thread's queue. A background thread empties the queues, encodes what
was in them and writes it. As only one thread of Python's runs at a time, whoever records meanwhile is slowed
down by that. So the background works where that is nobody's time: at the end of a step whose thread waits for
it, if there is much to write or nothing was written for a while. Otherwise it works every second. A thread
whose queue is full waits as well, so that nothing is dropped and memory stays bounded; how long it waits is
taken out of the spans that it is inside of.
"""

from __future__ import annotations

import _thread
import sys
import threading
import time
from typing import Any, Callable, Deque, Dict, List, Mapping, NamedTuple, Sequence

from nutrace import semconv
from nutrace.prices import Calibration, Prices, cost_ns
from nutrace.recording import failures
from nutrace.recording.background import Background
from nutrace.recording.buffers import LIMIT, buffers, forget, forget_other_threads, local
from nutrace.recording.changing import ChangingAttributes
from nutrace.recording.clock import now_ns
from nutrace.recording.composites import Record
from nutrace.recording.diagnostics import Diagnostics
from nutrace.recording.errands import errands
from nutrace.recording.faults import Faults, is_of_a_signal_handler
from nutrace.recording.garbage import collections
from nutrace.recording.open_spans import OpenSpans, chain
from nutrace.recording.own_time import (
    EXIT,
    FLUSHED,
    FORKED,
    QUEUE_FULL,
    START,
    STEP_ENDED,
    WRITING,
    OwnTime,
    take_out,
)
from nutrace.recording.runfile import RunFile
from nutrace.recording.span import Span, ids, process_state
from nutrace.recording.totals import Totals
from nutrace.recording.writer import Entry, Writer

_HALF_FULL = LIMIT // 2  # spans in a thread's queue that are written when a step ends
# A thread whose queue is full waits so long for everything to be written. If that is not enough, it goes on
# until the queue has the second length, and waits the second time for the background to write anything.
_SHORT_PATIENCE_S = 0.25  # the background may need what the thread holds: a lock of the program's, say
_HARD_LIMIT = 4 * LIMIT
_PATIENCE_S = 5.0
_SPARE = 0.1  # the part of the time that the background thread may work on errands
_PATIENCE_AT_END_S = 1.0  # how long the program's end waits for them
_BATCH = 1000  # spans that are encoded before they are written
# A pool terminates its workers as soon as it needs them no more: what they did must be written by then.
_CHILD_FLUSH_S = 0.1


class Costs(NamedTuple):
    """What being traced has cost a process, ns.

    What threads of the program have waited for the writer is left out: it is the time of the writer.
    """

    starting_ns: int
    recording_ns: int
    writing_ns: int
    ending_ns: int


def _nothing() -> None:
    """What is done while nobody looks."""


class Recorder:
    """Takes spans from every thread of this process and writes them.

    Parameters
    ----------
    file:
        Where they go.
    describe:
        Gives the resource's attributes: all of them, or the few that identify the process.
    version:
        Of nutrace.
    changing:
        Gives the attributes that change while the program runs, apart from the recorder's own counts.
    is_child:
        Whether another process of the run started this one.
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
        is_child: bool = False,
        flush_seconds: float = 1.0,
        compress_us: float = 200.0,
        text_limit: int = 4096,
    ) -> None:
        self.file = file
        #: Called with each record that is written and its thread's id.
        self.listeners: List[Callable[[Record, int], None]] = []
        #: Called once a second, or as often as is written, by the thread that writes; must not raise.
        self.look: Callable[[], None] = _nothing
        self._describe = describe
        self._version = version
        self._changing = changing
        self._flush_s = flush_seconds
        self._text_limit = text_limit
        interval_s = min(flush_seconds, _CHILD_FLUSH_S) if is_child else flush_seconds
        self.background = Background(self._write_in_background, interval_s)
        self._calibration = Calibration(Prices())
        self._forked = False
        self._closed = False
        self._begin()
        forget()
        process_state.longest_ns = int(compress_us * 1000) if compress_us else -1
        process_state.emit = self.emit
        process_state.drain_full_queue = self.drain_full_queue
        process_state.step_ended = self.step_ended
        process_state.fault = self.fault

    def _begin(self) -> None:
        """Set everything to nothing recorded, here or in a forked child."""
        flush_ns = int(self._flush_s * 1e9)
        self.born_ns = now_ns()
        self.own_time = OwnTime()
        process_state.own_time = self.own_time.spent
        self._wrote_ns = self._ran_errands_ns = self.born_ns  # when that was done last
        self.diagnostics = Diagnostics()
        self.totals = Totals(self._calibration)
        self._faults = Faults()
        self._open = OpenSpans(self.born_ns, flush_ns)
        self._changes = ChangingAttributes(self._changing, flush_ns // 2)
        self._writer = Writer(
            self.file, self._describe, self._version, self._text_limit, self.diagnostics, self._faults.lose
        )
        self._waiting: List[Entry] = []  # taken off their threads' queues, and not written yet
        self._ended_by_us: Dict[int, bool] = {}  # spans that we ended, by id(): whether they were written
        self._lock = threading.Lock()  # held while writing
        self._holder = 0  # the thread that does
        self._batches = 0  # written so far

    @property
    def faults(self) -> List[str]:
        """A line for each kind of fault, and for each reason why spans are being lost."""
        return self._faults.notes

    @property
    def draining_here(self) -> bool:
        """Whether this very thread is writing, and a signal handler or finalizer has interrupted it."""
        return self._holder == _thread.get_ident()

    def fault(self, where: str) -> None:
        """Count a fault of our own and say it once; called from an ``except`` block.

        What a signal handler of the program's has raised is no fault of ours, and goes on.
        """
        if is_of_a_signal_handler(sys.exc_info()[1]):
            raise  # as Ctrl-C does, which is no Exception
        self.diagnostics.faults += 1
        self._faults.note(where)

    # -- called by the program's threads -----------------------------------------------------

    def emit(self, span: Span) -> None:
        """Take a finished span."""
        spans = local.spans
        spans.append(span)
        if span.site.step:
            self.step_ended()
        elif len(spans) >= LIMIT:
            self.drain_full_queue(spans)

    def step_ended(self) -> None:
        """Have written what waits, if it is much or has waited for half of the interval."""
        spans = local.spans
        if len(spans) >= _HALF_FULL or now_ns() - self._wrote_ns > self.background.interval_s * 5e8:
            self._relieve(spans, STEP_ENDED)

    def drain_full_queue(self, spans: Deque[Any]) -> None:
        """Have the calling thread's queue written, and wait for that."""
        self._relieve(spans, QUEUE_FULL)

    def _relieve(self, spans: Deque[Any], reason: str) -> None:
        """Let the background write, wait for it, and count that as nutrace's own time.

        The calling thread writes nothing itself: a signal handler of the program's may raise at any moment,
        and the guards around the writing would keep that from the program.
        """
        if self._closed:
            local.buffer.drop()
            return
        if self.draining_here or self.background.is_here:  # a finalizer that has interrupted the writing
            if len(spans) >= _HARD_LIMIT:
                self.diagnostics.dropped += local.buffer.drop()
            return
        buffer = local.buffer
        # With listeners, the writing takes as long as the program's own exporters do: that goes on beside it.
        # A finalizer or signal handler in the middle of a merge has the lock: it would be in the way.
        in_the_way = buffer.lock.locked() or self.listeners
        may_wait = buffer.may_wait and self.background.running and not in_the_way
        if not may_wait and len(spans) < _HARD_LIMIT:
            self.background.wake()
            return
        began = now_ns()
        try:
            if may_wait and not self.background.work_now(_SHORT_PATIENCE_S):
                buffer.may_wait = False  # until something is taken from the queue
            has_room = len(spans) < _HARD_LIMIT or self._waits_for_room(spans)
        finally:  # a signal handler of the program's may raise
            self.own_time.spent(reason, began)
        if not has_room:
            self.diagnostics.dropped += buffer.drop()

    def _waits_for_room(self, spans: Deque[Any]) -> bool:
        """Wait while the background makes progress; false if it does not."""
        written, waited_s = self._batches, 0.0
        while len(spans) >= _HARD_LIMIT:
            if not self.background.running:  # the interpreter is ending, or no thread could be had
                self._drain()
            if written != self._batches:
                written, waited_s = self._batches, 0.0
            elif waited_s >= _PATIENCE_S:
                return False
            time.sleep(0.001)
            waited_s += 0.001
        return True

    # -- writing -----------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything that has ended."""
        began = now_ns()
        try:
            self._drain()
        finally:
            self.own_time.spent(FLUSHED, began)

    def _write_in_background(self) -> None:
        background = self.background
        waiting = background.waited_for  # who comes later may have recorded more, and waits for the next time
        try:
            self._drain(gives_way=True)
        finally:
            background.has_worked(waiting)
        self.look()
        now = now_ns()
        if now - self._ran_errands_ns < background.interval_s * 1e9:
            return
        began = time.thread_time_ns()
        errands.run(_SPARE * background.interval_s, lambda: background.stopping or background.waited_for > 0)
        self.own_time.count(WRITING, time.thread_time_ns() - began)
        self._ran_errands_ns = now

    def before_exec(self) -> None:
        """Write everything, and which of this thread's spans are open."""
        for span in chain():
            ids.assign(span)
            self._open.begun(span)
        self._changes.hurry()
        self.flush()

    def _drain(self, closing: bool = False, gives_way: bool = False) -> None:
        """Write what waits; with `gives_way` not all of it if the background is to stop, as for a fork."""
        lock = self._lock  # a fork in the middle of this gives the child another one
        if self.draining_here or not lock.acquire(timeout=10):
            return
        self._holder = _thread.get_ident()
        began = time.thread_time_ns()
        try:
            if not self._closed:
                self._write_queues(gives_way)
                if not closing:
                    self._announce()
        except Exception:  # a fault of ours never reaches the program
            self.fault("writing spans")
        finally:
            self.own_time.count(WRITING, time.thread_time_ns() - began)
            self._wrote_ns = now_ns()
            self._holder = 0
            lock.release()

    def _write_queues(self, gives_way: bool) -> None:
        for buffer in list(buffers):
            if buffer.ended and not buffer.spans:
                buffers.remove(buffer)
            # Bounded: what is appended meanwhile waits for the next time.
            for _ in range(0, len(buffer.spans), _BATCH):
                buffer.take(self._waiting, _BATCH)
                if len(self._waiting) >= _BATCH:
                    self._write_waiting()
                    if gives_way and self.background.stopping:
                        return
        self._write_waiting()
        self.totals.forget_ended()

    def _write_waiting(self) -> None:
        # Ctrl-C may come at any point of this: what is not known to be written stays in _waiting.
        born_ns, ended_by_us = self.born_ns, self._ended_by_us
        # Now, and first: those that struck a span in _waiting are known by now, and are written before it.
        struck = collections.take(self._waiting, outside=self.file.begun or bool(self._waiting))
        self.diagnostics.dropped += collections.count_missed()
        self._waiting[:0] = struck
        entries = [
            entry
            for entry in self._waiting
            if (entry[0].started >= born_ns and not ended_by_us) or self._is_new(entry[0])
        ]
        take_out(entries)
        encoded, kept = self._writer.write(entries)
        self._waiting = []
        self._batches += 1
        self.totals.take([record for record, _ in kept])
        self.diagnostics.recorded = self.totals.recorded + self.diagnostics.dropped
        self._open.written([record for record, _ in encoded])
        if self.listeners:
            self._tell_listeners(encoded)

    def _is_new(self, record: Record) -> bool:
        """Whether a record belongs to this recording, and was not written as an unfinished one before."""
        details = record.details
        if record.started < self.born_ns:
            # It began before a fork, or before an earlier recording ended, and was written there.
            own_start = details is None or not (details.theirs or details.backdated)
            return not (own_start or self._forked)
        if id(record) in self._ended_by_us:  # its own thread has ended it after we did
            if self._ended_by_us[id(record)]:
                return False
            self._ended_by_us[id(record)] = True
        return True

    def _tell_listeners(self, written: Sequence[Entry]) -> None:
        for listener in self.listeners:
            for record, thread_id in written:
                try:
                    listener(record, thread_id)
                except Exception:  # somebody's exporter fails, and ours goes on
                    self.fault("handing a span to the program's tracer provider")

    def _announce(self) -> None:
        now = now_ns()
        self._writer.announce(self._open.due(now), now)
        changed = self._changes.due(now) if self.file.begun else {}
        if changed:
            self._writer.tell(changed)

    # -- forks, and the end ------------------------------------------------------------------

    def before_fork(self) -> None:
        """Let no thread of ours be in the middle of something, and name what the child is inside of."""
        for span in chain():
            ids.assign(span)  # parent and child write the same id
        began = now_ns()
        self.background.stop()
        self.own_time.spent(FORKED, began)

    def forked(self, file: RunFile) -> None:
        """In a forked child: forget the parent process's spans, write to `file`."""
        self.file.leave()
        self.file = file
        forget_other_threads()
        collections.forget()
        errands.forget()
        self._forked = True
        self._begin()
        self.background.forget()
        self.background.interval_s = min(self._flush_s, _CHILD_FLUSH_S)

    def close_open_spans(self) -> None:
        """End what is still open, as unfinished: this thread's spans and all known ancestors."""
        at = now_ns()
        for span in sorted(self._open.known(), key=lambda span: -span.started):
            span.ensure_details().unfinished = True
            span.ended = at
            self.diagnostics.unfinished += 1
            self._ended_by_us[id(span)] = False
            local.spans.append(span)

    def tell_whole(self, key: str, text: str) -> None:
        """Write an attribute of this process whose text may be long; :meth:`close` was called before.

        Raises
        ------
        OSError
            If the disk will not take it.
        """
        self._writer.tell_whole(key, text)

    def conclude(self, describe: Callable[[], Mapping[str, Any]]) -> None:
        """Write the last line, with the resource's final attributes; :meth:`close` was called before.

        Raises
        ------
        OSError
            If the disk will not take it.
        """
        self._writer.insist(describe, (semconv.SCOPE, ""))

    def price_events(self, calibration: Calibration) -> None:
        """Say what events cost; nothing was recorded yet."""
        self._calibration = self.totals.calibration = calibration

    def prices(self) -> Prices:
        """What the events of this process have cost so far, on average."""
        return self._calibration.mean(self.totals.of_methods)

    def costs(self) -> Costs:
        """What this process has spent on being traced."""
        spent_ns = self.own_time.sum_ns
        events_ns = int(cost_ns(self.totals.events(), self.prices())) + self.totals.clocked_ns()
        return Costs(spent_ns(START), events_ns + spent_ns(failures.OWN), spent_ns(WRITING), spent_ns(EXIT))

    @property
    def spans(self) -> int:
        """How many spans are in the file."""
        return self.totals.spans - self._writer.taken_back

    def close(self) -> bool:
        """Stop, end what is open, write the rest; true if there is anything in the file."""
        self.background.stop()
        errands.run(_PATIENCE_AT_END_S)
        errands.forget()
        self.flush()  # after this every open ancestor of a written span is known
        self.close_open_spans()
        self._drain(closing=True)
        self._closed = True
        return self.file.begun
