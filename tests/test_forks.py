"""What is done around a fork: in which order, and that no lock stays locked in the child."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import List

from fakes.programs import run

from nutrace import forks


class Subject:
    def __init__(self, name: str, log: List[str]) -> None:
        self.name = name
        self.log = log

    def before_fork(self) -> None:
        self.log.append(f"before {self.name}")

    def after_fork(self, in_child: bool) -> None:
        self.log.append(f"{'child' if in_child else 'parent'} {self.name}")


def _fork(log: List[str]) -> List[str]:
    """Fork, and return what the child has in `log`."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(log).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as text:
        lines = text.read().split("\n")
    os.waitpid(child, 0)
    return lines


def test_threads_are_stopped_before_locks_are_taken() -> None:
    log: List[str] = []
    lock, thread = Subject("lock", log), Subject("thread", log)
    forks.watch(lock)
    forks.watch(thread, has_thread=True)
    before = ["before thread", "before lock"]
    assert _fork(log) == [*before, "child lock", "child thread"]
    assert log == [*before, "parent lock", "parent thread"]
    forks.unwatch(thread)
    del lock
    log.clear()
    assert _fork(log) == [""]
    assert log == []


def test_a_fork_waits_for_the_holder_of_a_lock_and_the_child_can_take_it() -> None:
    lock = forks.fork_safe_lock(forks.LockOrder.BOOKKEEPING)
    try:
        held = threading.Event()
        log: List[str] = []

        def hold() -> None:
            with lock:
                held.set()
                time.sleep(0.1)
                log.append("done")

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(30)
        child = os.fork()
        if child == 0:
            os._exit(0 if lock.acquire(blocking=False) and log == ["done"] else 1)
        assert os.waitpid(child, 0)[1] == 0
        thread.join()
        assert lock.acquire(blocking=False)
        lock.release()
    finally:
        forks._locks.remove((forks.LockOrder.BOOKKEEPING, lock))


def test_a_fork_in_a_signal_handler_during_a_fork(tmp_path: Path) -> None:
    """The handler's fork is prepared and undone for itself."""
    ended = run(
        tmp_path,
        """
        import os, signal
        import nutrace
        from nutrace import forks
        forked = []
        class Interrupted:
            def before_fork(self):
                if not forked:
                    forked.append(True)
                    os.kill(os.getpid(), signal.SIGUSR1)
            def after_fork(self, in_child):
                pass
        def handler(number, frame):
            child = os.fork()
            if child == 0:
                with nutrace.span("handler's child"):
                    pass
                os._exit(0)
            os.waitpid(child, 0)
        signal.signal(signal.SIGUSR1, handler)
        subject = Interrupted()
        forks.watch(subject)
        with nutrace.span("parent"):
            child = os.fork()
            if child == 0:
                with nutrace.span("child"):
                    pass
                os._exit(0)
            os.waitpid(child, 0)
        """,
    )
    assert (ended.code, "fault" in ended.err) == (0, False), ended.err
    trace = ended.trace
    assert sorted(span.name for span in trace) == ["child", "handler's child", "parent"]
    assert len({span.thread.resource for span in trace}) == 3


LOGGING = """
import nutrace.forks as forks
import logging, os, threading

lock = forks.fork_safe_lock(forks.LockOrder.BOOKKEEPING)
held = threading.Event()

def work():
    with lock:
        held.set()
        while not forks._undo:
            pass
        logging.getLogger("made.under.the.lock")

threading.Thread(target=work, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""


def test_a_thread_that_holds_a_lock_may_log_while_another_forks() -> None:
    """Logging has a lock and hooks of its own, which must not be taken before ours."""
    command = [sys.executable, "-c", LOGGING]
    assert subprocess.run(command, capture_output=True, text=True, timeout=30).stdout == "0\n"
