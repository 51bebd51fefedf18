"""Threads, finalizers and signal handlers: nothing lost, nothing waits for itself, memory is bounded."""

from __future__ import annotations

import gc
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, List

import pytest
from fakes.programs import counts, losses, run
from fakes.tracing import Tracing

import nutrace
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.recording import buffers, encoding, recorder
from nutrace.recording.buffers import LIMIT, local
from nutrace.recording.clock import now_ns
from nutrace.recording.span import CallSite, Span, process_state

SITE = CallSite("made", "other")


def _record(name: str, count: int) -> None:
    for _ in range(count):
        with nutrace.span(name):
            pass


def _waiting() -> int:
    return sum(len(buffer.spans) for buffer in buffers.buffers)


def test_eight_busy_threads_lose_nothing(recorded: Tracing) -> None:
    most = 0
    with recorded(flush_seconds=3600):
        threads = [threading.Thread(target=_record, args=(f"t{index}", 20_000)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                most = max(most, _waiting())
                thread.join(0.02)
    assert counts(recorded.trace) == {f"t{index}": 20_000 for index in range(8)}
    assert not losses(recorded.trace)
    assert most <= 8 * (recorder._HARD_LIMIT + 1)


def test_what_a_signals_handler_raises_reaches_the_program(tmp_path: Path) -> None:
    """Also while a full queue is emptied, which is half of the time here."""
    ended = run(
        tmp_path,
        """
        import signal, nutrace

        raised = caught = 0

        def too_late(*_):
            global raised
            raised += 1
            raise TimeoutError

        def work(number):
            while raised == number:
                with nutrace.span("many", number=number):
                    pass

        signal.signal(signal.SIGALRM, too_late)
        for number in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.005 + number % 7 * 0.003)
                work(number)
            except TimeoutError:
                caught += 1
        print(raised, caught)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "3600"},
    )
    assert ended.out == "60 60\n"
    # If a signal came while a span was being begun or ended, that span is unfinished; none is lost.
    assert ended.trace.diagnostics.dropped == 0
    assert "fault" not in ended.err


def test_a_thread_waits_for_a_background_that_is_slow(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own thread writes nothing, so that signal handlers of the program's may raise."""
    writers = set()
    with recorded(flush_seconds=3600) as session:
        write = session.recorder.file.write

        def slow(*args: Any) -> None:
            writers.add(threading.get_ident())
            time.sleep(0.002)
            write(*args)

        monkeypatch.setattr(session.recorder.file, "write", slow)
        _record("many", 3 * recorder._HARD_LIMIT)
        assert _waiting() <= recorder._HARD_LIMIT
        assert threading.get_ident() not in writers
    assert counts(recorded.trace) == {"many": 3 * recorder._HARD_LIMIT}
    assert not losses(recorded.trace)


def test_what_comes_after_the_end_makes_no_file(recorded: Tracing) -> None:
    with recorded(flush_seconds=3600) as session:
        _record("before", 3)
    files = sorted(recorded.folder.iterdir())
    late = Span(SITE, None)
    late.started = late.ended = now_ns()
    local.spans.append(late)
    session.recorder.flush()
    local.spans.clear()
    assert sorted(recorded.folder.iterdir()) == files


def test_without_a_background_the_thread_writes_itself(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_HARD_LIMIT", LIMIT)
    with recorded(flush_seconds=3600) as session:
        session.recorder.background.stop()
        _record("many", LIMIT + 10)
        assert len(local.spans) == 10
    assert counts(recorded.trace) == {"many": LIMIT + 10}
    assert not losses(recorded.trace)


def test_what_had_to_be_dropped_is_counted(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A background that writes nothing, such as one that waits for the thread itself, is not waited for."""
    monkeypatch.setattr(recorder, "_HARD_LIMIT", LIMIT)
    monkeypatch.setattr(recorder, "_PATIENCE_S", 0.01)
    with recorded(flush_seconds=3600) as session:
        with session.recorder._lock:
            _record("many", LIMIT)
        _record("kept", 3)
    assert counts(recorded.trace) == {"kept": 3}
    assert losses(recorded.trace) == {"dropped": LIMIT}


def test_buffers_of_ended_threads_go(recorded: Tracing) -> None:
    with recorded(flush_seconds=3600) as session:
        for _ in range(50):
            thread = threading.Thread(target=_record, args=("short", 1))
            thread.start()
            thread.join()
        gc.collect()
        session.recorder.flush()
        session.recorder.flush()
        assert len(buffers.buffers) < 10
    assert counts(recorded.trace) == {"short": 50}


def test_a_finalizer_that_is_traced_runs_during_a_drain(recorded: Tracing) -> None:
    class Finalized:
        def __del__(self) -> None:
            _record("finalized", LIMIT + 5)  # enough to ask for a drain within the drain

        def __str__(self) -> str:
            return "x"

    with recorded(flush_seconds=3600) as session:
        for _ in range(3):
            with nutrace.span("holder", value=Finalized()):
                pass
        session.recorder.flush()
        gc.collect()
    assert counts(recorded.trace) == {"holder": 3, "finalized": 3 * (LIMIT + 5)}
    assert not losses(recorded.trace)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
def test_signal_handlers_that_are_traced(recorded: Tracing, module: Callable[[str, str], str]) -> None:
    from opentelemetry import trace as otel

    calls: List[int] = []  # appending is atomic: a handler may interrupt a handler

    def handler(number: int, frame: Any) -> None:
        calls.append(number)
        with nutrace.span("handler"):
            otel.get_current_span().get_span_context()

    @nutrace.probe
    def leaf() -> None:
        otel.get_current_span().get_span_context()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with recorded(compress_us=1000) as session:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            for index in range(20_000):
                leaf()
                if index % 1000 == 0:
                    session.recorder.flush()
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    calls_of = counts(recorded.trace)
    handled = len(calls)
    assert handled > 5
    assert sum(calls_of.values()) == 20_000 + handled
    assert calls_of["handler"] == handled
    # A handler may run just after a span's last clock reading, while the span is still current, or, rarely,
    # just after the first one, before it is: the handler's span then sticks out or overlaps.
    assert set(losses(recorded.trace)) <= {"outside_parent", "overlapping"}


def test_ctrl_c_during_a_drain_loses_nothing(recorded: Tracing) -> None:
    class Interrupts:
        done = False

        def __str__(self) -> str:
            if not Interrupts.done:
                Interrupts.done = True
                raise KeyboardInterrupt
            return "later"

    with recorded(flush_seconds=3600) as session:
        _record("before", 10)
        with nutrace.span("bomb", value=Interrupts()):
            pass
        _record("after", 10)
        with pytest.raises(KeyboardInterrupt):
            session.recorder.flush()
        assert not session.recorder.draining_here
    assert counts(recorded.trace) == {"before": 10, "bomb": 1, "after": 10}
    assert not losses(recorded.trace)


def test_hot_leaves_leave_no_objects_behind(recorded: Tracing) -> None:
    @nutrace.probe
    def leaf() -> None:
        pass

    with recorded(flush_seconds=3600, compress_us=1e6):
        for _ in range(3 * LIMIT):
            leaf()
        assert _waiting() < 10
    assert sum(counts(recorded.trace).values()) == 3 * LIMIT
    assert len(recorded.trace) < 10


def test_threads_under_a_closed_recorder_keep_nothing(recorded: Tracing) -> None:
    with recorded():
        _record("one", 1)
    for _ in range(2 * LIMIT):
        span = Span(SITE, None)
        span.started = span.ended = 1
        process_state.emit(span)
    assert len(local.spans) < LIMIT
    local.spans.clear()


def test_a_fault_of_ours_is_said_once_counted_and_takes_no_span_along(
    recorded: Tracing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recorded(flush_seconds=3600) as session:
        encode = session.recorder._writer.encoder.encode

        def faulty(record: Any, thread_id: int) -> str:
            if record.site.name == "bad":
                raise ZeroDivisionError
            return encode(record, thread_id)

        monkeypatch.setattr(session.recorder._writer.encoder, "encode", faulty)
        for _ in range(3):
            _record("good", 1)
            _record("bad", 1)
    assert counts(recorded.trace) == {"good": 3}
    assert losses(recorded.trace) == {"dropped": 3, "faults": 3}
    assert capsys.readouterr().err.count("fault in nutrace") == 1


def test_a_listener_that_fails_loses_nothing(recorded: Tracing) -> None:
    def listener(record: Any, thread_id: int) -> None:
        raise ZeroDivisionError

    with recorded() as session:
        session.recorder.listeners.append(listener)
        _record("kept", 5)
    assert counts(recorded.trace) == {"kept": 5}
    assert losses(recorded.trace) == {"faults": 5}


def test_a_process_that_cannot_be_described(recorded: Tracing, monkeypatch: pytest.MonkeyPatch) -> None:
    from nutrace import session as sessions

    with recorded() as session:
        _record("kept", 5)
        monkeypatch.setattr(sessions, "describe", lambda *_: 1 / 0)
        session.recorder.flush()
        monkeypatch.undo()
    assert counts(recorded.trace) == {"kept": 5}
    assert losses(recorded.trace) == {"faults": 1}


def test_nothing_of_ours_is_among_the_programs_threads(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import threading, nutrace
        with nutrace.span("work"):
            print(threading.active_count(), threading.enumerate() == [threading.main_thread()])
        """,
    )
    assert ended.out == "1 True\n"


def test_a_spans_start_that_was_told_may_lie_before_the_recording(recorded: Tracing) -> None:
    from opentelemetry import trace as otel

    with recorded():
        otel.get_tracer("queue").start_span("waited", start_time=1_700_000_000_000_000_000).end()
    assert counts(recorded.trace) == {"waited": 1}


def test_recursion_to_the_limit_is_the_programs_own_error(recorded: Tracing) -> None:
    @nutrace.probe
    def deeper() -> None:
        deeper()

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        with recorded(), pytest.raises(RecursionError):
            deeper()
    finally:
        sys.setrecursionlimit(limit)
    assert counts(recorded.trace)


def test_errors_in_two_threads_have_one_stack_each(recorded: Tracing) -> None:
    both = threading.Barrier(2, timeout=30)

    @nutrace.probe(name="inner")
    def inner() -> None:
        raise KeyError

    @nutrace.probe(name="outer")
    def outer() -> None:
        try:
            inner()
        finally:
            both.wait()  # both inner spans have failed, and neither outer one

    def work() -> None:
        with pytest.raises(KeyError):
            outer()

    with recorded():
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    stacks = [(span.name, "exception.stacktrace" in span.events[0].attributes) for span in recorded.trace]
    assert sorted(stacks) == [("inner", True)] * 2 + [("outer", False)] * 2


def test_tracers_of_many_names_take_no_memory(recorded: Tracing) -> None:
    from opentelemetry import trace as otel

    with recorded():
        for number in range(1000):
            otel.get_tracer(f"tracer {number}").start_span("made").end()
    assert counts(recorded.trace) == {"made": 1000}
    assert encoding.scope.cache_info().currsize <= 256


def test_what_a_signals_handler_raises_in_the_middle_of_our_work_reaches_the_program(
    recorded: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OutOfTime(Exception):
        pass

    def handler(*_: object) -> None:
        raise OutOfTime

    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with recorded(*PROBES) as session:
            connection = sqlite3.connect(":memory:")
            with monkeypatch.context() as patched:
                patched.setattr("nutrace.probes.sqlite.cursors.parameters_hash", interrupted)
                with pytest.raises(OutOfTime):
                    connection.execute("SELECT 1")
            assert connection.execute("SELECT 2").fetchone() == (2,)
            connection.close()
            assert session.recorder.faults == []
    finally:
        signal.signal(signal.SIGALRM, before)
