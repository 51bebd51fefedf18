"""What is done around a fork: in which order, and that no lock stays locked in the child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, List

import pytest
from fakes.programs import run

from nutrace import forks
from nutrace.trace import Trace


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


def _names(trace: Trace) -> List[str]:
    """The names of the program's spans, sorted: a collection may strike any of them."""
    return sorted(span.name for span in trace if span.component != "gc")


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
    assert _names(trace) == ["child", "handler's child", "parent"]
    assert len({span.thread.resource for span in trace}) == 3


class Interrupted:
    """A lock: just after it was taken and after it was released, a signal handler raises."""

    def __init__(self) -> None:
        self.inner = threading.RLock()
        self._is_owned = self.inner._is_owned  # type: ignore[attr-defined]

    def acquire(self) -> None:
        self.inner.acquire()
        signal.raise_signal(signal.SIGUSR1)

    def release(self) -> None:
        self.inner.release()
        signal.raise_signal(signal.SIGUSR1)


def test_a_lock_is_released_whenever_a_signal_handler_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    class FromHandlerError(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise FromHandlerError

    monkeypatch.setattr(forks, "_forks", {})
    faults: List[str] = []
    monkeypatch.setattr(forks, "_report", [faults.append])
    lock = Interrupted()
    entry: Any = (forks.LockOrder.BOOKKEEPING, lock)
    forks._locks.append(entry)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(FromHandlerError):
            forks.fork_with(_fork_and_wait)
    finally:
        signal.signal(signal.SIGUSR1, before)
        forks._locks.remove(entry)
    taken: List[bool] = []
    thread = threading.Thread(target=lambda: taken.append(lock.inner.acquire(blocking=False)))
    thread.start()
    thread.join()
    assert (taken, faults) == ([True], [])


def _fork_and_wait() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


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


def test_what_a_signal_handler_raises_while_a_fork_is_prepared_reaches_the_program(tmp_path: Path) -> None:
    """Python only prints what is raised in a hook: Ctrl-C would be swallowed."""
    ended = run(
        tmp_path,
        """
        import os, signal, threading
        import nutrace
        from nutrace import forks
        class Slow:
            def __init__(self, number):
                self.number = number
            def before_fork(self):
                if self.number:
                    number, self.number = self.number, 0
                    os.kill(os.getpid(), number)
            def after_fork(self, in_child):
                pass
        class Mine(Exception):
            pass
        def handler(number, frame):
            raise Mine(number)
        signal.signal(signal.SIGUSR1, handler)
        for number, kind in (signal.SIGINT, KeyboardInterrupt), (signal.SIGUSR1, Mine):
            subject = Slow(number)
            forks.watch(subject)
            try:
                if os.fork() == 0:
                    os._exit(0)
                print("swallowed")
            except kind:
                print(kind.__name__)
            os.wait()
            forks.unwatch(subject)
        with nutrace.span("work"):
            if os.fork() == 0:
                with nutrace.span("child"):
                    pass
                os._exit(0)
        os.wait()
        """,
    )
    assert (ended.code, ended.out, "Traceback" in ended.err) == (0, "KeyboardInterrupt\nMine\n", False)
    assert _names(ended.trace) == ["child", "work"]


@pytest.mark.parametrize("limit", ["descriptors", "processes"])
def test_a_fork_without_means(tmp_path: Path, limit: str) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o777)  # the other user's as well
    if limit == "processes" and os.getuid():
        pytest.skip("takes root to become somebody else")
    source = f"""
        import os, resource, sqlite3, sys, time
        import nutrace
        with nutrace.span("before"):
            pass
        held = []
        if {limit == "descriptors"}:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            try:
                while True:
                    held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                pass
        else:
            os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            child = os.fork()
        except OSError as error:
            print(type(error).__name__)
        else:
            if child == 0:
                os._exit(0)
            print(os.waitpid(child, 0)[1])
        print(len(os.listdir("/proc/self/task")) if not held else "?")
        for fd in held:
            os.close(fd)
        with nutrace.span("after"):
            pass
        """
    ended = run(tmp_path, source)
    expected = "0\n?\n" if limit == "descriptors" else "BlockingIOError\n1\n"
    assert (ended.code, ended.out) == (0, expected), ended.err
    assert all(line.startswith("nutrace: ") and "fault" not in line for line in ended.err.splitlines())
    trace = ended.trace
    assert _names(trace) == ["after", "before"]


@pytest.mark.parametrize("way", ["os.fork", "os.forkpty", "preexec", "multiprocessing"])
def test_a_fork_is_not_one_beside_a_thread(tmp_path: Path, way: str) -> None:
    """Python 3.12 and later warn of a fork in a process with threads: ours is not there, before and after."""
    ended = run(
        tmp_path,
        f"""
        import multiprocessing, os, subprocess, time, warnings
        import nutrace
        warnings.simplefilter("always")  # an error in that place is dropped
        def work():
            with nutrace.span("child"):
                pass
        for number in range(40):
            with nutrace.span("parent", number=number):
                pass
            time.sleep(0.002 * (number % 2))
            if "{way}" == "preexec":
                subprocess.run(["true"], preexec_fn=work, check=True)
            elif "{way}" == "multiprocessing":
                process = multiprocessing.get_context("fork").Process(target=work)
                process.start()
                process.join()
            else:
                child = os.fork() if "{way}" == "os.fork" else os.forkpty()[0]
                if child == 0:
                    work()
                    os._exit(0)
                os.waitpid(child, 0)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "0.05"},
    )
    assert ended.code == 0, ended.err
    assert "Warning" not in ended.err
    names = _names(ended.trace)
    assert names.count("parent") == 40
    assert names.count("child") == (0 if way == "preexec" else 40)  # exec leaves nothing of that process


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python does not fork at its end any more")
def test_forks_in_handlers_at_exit(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import atexit, os
        import nutrace
        def fork(when):
            child = os.fork()
            if child == 0:
                with nutrace.span(when):
                    pass
                os._exit(0)
            print(when, os.waitpid(child, 0)[1], flush=True)
        atexit.register(fork, "before ours")
        with nutrace.span("work"):
            pass
        """,
    )
    assert (ended.code, ended.out) == (0, "before ours 0\n"), ended.err
    assert _names(ended.trace) == ["before ours", "work"]
    assert "fault" not in ended.err


def test_a_hook_that_was_interrupted_before_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    log: List[str] = []
    subject = Subject("subject", log)
    hook = forks._after

    def interrupted(in_child: bool) -> None:
        monkeypatch.setattr(forks, "_after", hook)
        raise KeyboardInterrupt  # Python says so, and goes on

    forks.watch(subject)
    monkeypatch.setattr(forks, "_after", interrupted)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    pid = forks.fork_with(os.fork)
    if pid == 0:
        os._exit(0 if "child subject" in log else 1)
    forks.unwatch(subject)
    assert os.waitpid(pid, 0)[1] == 0
    assert log == ["before subject", "parent subject"]
    with ThreadPoolExecutor(1) as other:
        assert other.submit(forks._forking.acquire, False).result()
        other.submit(forks._forking.release).result()
