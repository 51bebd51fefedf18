"""Ctrl-C while spans are written: everything is, once, and the program hears of it afterwards."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import Any, Iterator, List

import pytest
from fakes.programs import counts, losses
from fakes.tracing import Tracing

import nutrace
from nutrace.recording.interrupts import Held


@contextmanager
def ctrl_c_at(line: int) -> Iterator[List[str]]:
    """SIGINT comes at the `line`-th line that is run of the recording package; gives where that was."""
    seen = 0
    where: List[str] = []

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal seen
        if "/nutrace/recording/" not in frame.f_code.co_filename:
            return None
        seen += event == "line"
        if seen == line and not where:
            where.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
            signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield where
    finally:
        sys.settrace(before)


def test_at_any_line(recorded: Tracing) -> None:
    missed = []
    line = 0
    with recorded(flush_seconds=3600) as session:
        session.recorder.background.stop()
        came = [""]
        while came:
            line += 1
            for number in range(3):
                with nutrace.span(f"s{line}", number=number):
                    pass
            interrupted = False
            try:
                with ctrl_c_at(line) as came:
                    session.recorder.flush()
            except KeyboardInterrupt:
                interrupted = True
            if interrupted != bool(came):
                missed.append(came)
            assert not session.recorder._lock.locked(), came
    assert line > 100
    assert not missed
    assert set(counts(recorded.trace).values()) == {3}
    assert len(counts(recorded.trace)) == line
    assert not losses(recorded.trace)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_child_that_was_forked_meanwhile_can_be_interrupted() -> None:
    held = Held()
    with held:
        child = os.fork()
        if child == 0:
            held.give_back()
            os._exit(3 if signal.getsignal(signal.SIGINT) is signal.default_int_handler else 4)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3


def test_nested_and_with_handlers_of_the_programs_own() -> None:
    heard: List[int] = []
    held = Held()
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with held:
            with held:
                signal.raise_signal(signal.SIGINT)
            assert not heard
        assert heard == [signal.SIGINT]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with held:
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    with pytest.raises(KeyboardInterrupt), held:
        signal.raise_signal(signal.SIGINT)
