"""The thread that writes: when it works, and who waits for it."""

from __future__ import annotations

import threading
import time
from typing import Callable, Iterator, List

import pytest

from nutrace.recording.background import Background

Start = Callable[[Callable[[], None], Callable[[], float]], Background]


@pytest.fixture
def start() -> Iterator[Start]:
    made: List[Background] = []

    def begin(work: Callable[[], None], due: Callable[[], float]) -> Background:
        made.append(Background(work, due))
        made[-1].start()
        return made[-1]

    yield begin
    for background in made:
        background.stop()


def never() -> float:
    return 3600.0


def test_who_hurries_it_waits_until_it_has_worked(start: Start) -> None:
    worked: List[int] = []

    def work() -> None:
        time.sleep(0.05)
        worked.append(threading.get_ident())

    background = start(work, never)
    for number in range(1, 4):
        assert background.hurry(30)
        assert len(worked) == number
    assert threading.get_ident() not in worked


def test_who_waits_too_long_goes_on(start: Start) -> None:
    goes_on = threading.Event()
    background = start(lambda: goes_on.wait(30) and None, never)  # type: ignore[func-returns-value]
    assert not background.hurry(0.01)
    goes_on.set()
    assert background.hurry(30)


def test_threads_that_hurry_it_at_once(start: Start) -> None:
    background = start(lambda: time.sleep(0.001), never)
    found: List[bool] = []
    threads = [threading.Thread(target=lambda: found.append(background.hurry(30))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True] * 20


def test_stopped_it_keeps_nobody_waiting(start: Start) -> None:
    background = start(lambda: pytest.fail("it works"), never)
    background.stop()
    began = time.monotonic()
    assert not background.hurry(30)
    assert time.monotonic() - began < 10


def test_its_own_thread_does_not_wait_for_itself(start: Start) -> None:
    found: List[bool] = []
    background = start(lambda: found.append(background.hurry(30)), never)
    began = time.monotonic()
    assert background.hurry(20)
    assert found == [False]
    assert time.monotonic() - began < 10


def test_it_works_when_it_is_due_and_not_before(start: Start) -> None:
    due = [3600.0]
    worked = threading.Event()

    def work() -> None:
        due[0] = 3600.0
        worked.set()

    start(work, lambda: due[0])
    assert not worked.wait(0.2)
    due[0] = 0.0
    assert worked.wait(10)
