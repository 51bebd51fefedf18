"""The thread that writes: when it works, and how it starts and stops."""

from __future__ import annotations

import os
import threading
import time
from typing import Callable, Iterator, List

import pytest

from nutrace.recording.background import Background

Start = Callable[[Callable[[], None], float], Background]
NEVER = 3600.0


@pytest.fixture
def start() -> Iterator[Start]:
    made: List[Background] = []

    def begin(work: Callable[[], None], interval_s: float) -> Background:
        made.append(Background(work, interval_s))
        made[-1].start()
        return made[-1]

    yield begin
    for background in made:
        background.stop()


def test_it_works_when_it_is_woken_and_not_before(start: Start) -> None:
    worked = threading.Event()
    background = start(worked.set, NEVER)
    assert not worked.wait(0.1)
    background.wake()
    background.wake()
    assert worked.wait(30)


def test_it_works_at_its_interval(start: Start) -> None:
    worked: List[float] = []
    start(lambda: worked.append(time.monotonic()), 0.05)
    until = time.monotonic() + 30
    while len(worked) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert len(worked) >= 3
    assert worked[2] - worked[0] >= 0.09


def test_stopped_it_works_no_more_until_it_is_started_again(start: Start) -> None:
    worked = threading.Event()
    background = start(worked.set, NEVER)
    background.stop()
    assert not background.running
    background.wake()
    assert not worked.wait(0.1)
    background.start()
    background.wake()
    assert worked.wait(30)


def test_a_stop_waits_for_the_work_that_is_being_done(start: Start) -> None:
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.1)
        done.set()

    background = start(work, NEVER)
    background.wake()
    assert begun.wait(30)
    background.stop()
    assert done.is_set()


def test_a_stop_gives_up_on_work_that_does_not_end(start: Start) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        goes_on.wait(30)

    background = start(work, NEVER)
    background.wake()
    assert begun.wait(30)
    began = time.monotonic()
    background.stop()
    assert time.monotonic() - began < 10
    goes_on.set()


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="nobody knows whether a thread is there")
def test_a_start_that_was_interrupted_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    worked = threading.Event()
    background = Background(worked.set, 0.01)
    with monkeypatch.context() as patched:
        patched.setattr("_thread.start_new_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            background.start()
    background.stop()
    assert not background.running
    background.start()
    assert worked.wait(30)
    background.stop()
    assert not background.running


def test_a_thread_can_wait_for_its_work(start: Start) -> None:
    done: List[float] = []

    def work() -> None:
        waiting = background.waited_for
        time.sleep(0.05)
        done.append(time.monotonic())
        background.has_worked(waiting)

    background = start(work, NEVER)
    for times in range(1, 4):
        assert background.work_now(30)
        assert len(done) == times
        assert time.monotonic() >= done[-1]


def test_who_comes_while_it_works_waits_for_the_next_time(start: Start) -> None:
    begun, go_on = threading.Event(), threading.Event()
    times: List[int] = []

    def work() -> None:
        waiting = background.waited_for
        times.append(waiting)
        begun.set()
        go_on.wait(30)
        background.has_worked(waiting)

    background = start(work, NEVER)
    background.wake()
    assert begun.wait(30)
    late = threading.Thread(target=background.work_now, args=(30,))
    late.start()
    while not background.waited_for:
        time.sleep(0.001)
    go_on.set()
    late.join(30)
    assert times[:2] == [0, 1]


def test_nobody_waits_for_longer_than_his_patience_or_for_one_that_was_stopped(start: Start) -> None:
    go_on = threading.Event()

    def work() -> None:
        go_on.wait(30)

    background = start(work, NEVER)
    began = time.monotonic()
    assert not background.work_now(0.1)
    assert 0.09 < time.monotonic() - began < 10
    waited: List[bool] = []
    waiter = threading.Thread(target=lambda: waited.append(background.work_now(3)))
    waiter.start()
    go_on.set()
    background.stop()
    waiter.join(15)
    assert waited == [True]
