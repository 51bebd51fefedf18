"""Processes of a run: nothing lost, nothing doubled, parents right."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fakes.programs import (
    OUTPUTS,
    Ended,
    counts,
    finish,
    losses,
    path_to,
    run,
    start,
    without_collections,
    write,
)

from nutrace.recording.clock import unix_offset_ns
from nutrace.recording.processes import Inherited, inherited
from nutrace.trace import load

both = pytest.mark.parametrize("output", OUTPUTS)


def _sane(ended: Ended, processes: int, unfinished: int = 0) -> None:
    assert ended.code == 0, ended.err
    assert "fault" not in ended.err
    trace = ended.trace
    assert trace.diagnostics.complete
    assert losses(trace) == ({"unfinished": unfinished} if unfinished else {})
    assert len(trace.resources) == processes
    assert len({trace.span_id(index) for index in range(len(trace))}) == len(trace)
    assert len({trace.trace_id(index) for index in range(len(trace))}) == 1
    assert ended.files == [ended.output]


@pytest.mark.parametrize("ending", ["sys.exit(0)", "os._exit(0)"])
def test_fork_inside_a_span(tmp_path: Path, ending: str) -> None:
    ended = run(
        tmp_path,
        f"""
        import nutrace, os, signal, sys
        with nutrace.span("before"):
            pass
        with nutrace.span("outer"):
            with nutrace.span("forking"):
                child = os.fork()
                for number in range(10):
                    with nutrace.span("child" if child == 0 else "parent", number=number):
                        pass
                if child == 0:
                    {ending}
                os.waitpid(child, 0)
        """,
    )
    _sane(ended, processes=2)
    assert counts(ended.trace) == {"before": 1, "outer": 1, "forking": 1, "child": 10, "parent": 10}
    for name in ("child", "parent"):
        assert path_to(ended.trace, name) == ["outer", "forking", name]


@both
def test_a_killed_child_leaves_what_it_had_written(tmp_path: Path, output: str) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os, signal
        from nutrace import session
        child = os.fork()
        if child == 0:
            with nutrace.span("open"):
                with nutrace.span("child"):
                    pass
                assert session._session.recorder.background.work_now(20)
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        with nutrace.span("parent"):
            pass
        """,
        output=output,
        variables={"NUTRACE_FLUSH_SECONDS": "0.05"},
    )
    _sane(ended, processes=2, unfinished=1)
    assert counts(ended.trace) == {"open": 1, "child": 1, "parent": 1}
    assert path_to(ended.trace, "child") == ["open", "child"]


def test_spans_of_children_only(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os
        child = os.fork()
        if child == 0:
            with nutrace.span("child"):
                os._exit(0)
        os.waitpid(child, 0)
        """,
    )
    assert "wrote" in ended.err
    _sane(ended, processes=2, unfinished=1)
    assert counts(ended.trace) == {"child": 1}


def test_grandchildren(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os
        def descend(depth):
            with nutrace.span(f"depth {depth}"):
                if depth < 3:
                    child = os.fork()
                    if child == 0:
                        descend(depth + 1)
                        os._exit(0)
                    os.waitpid(child, 0)
        descend(0)
        """,
    )
    _sane(ended, processes=4)
    assert path_to(ended.trace, "depth 3") == ["depth 0", "depth 1", "depth 2", "depth 3"]
    assert set(counts(ended.trace).values()) == {1}


@both
def test_fork_while_threads_record_and_fork(tmp_path: Path, output: str) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os, threading
        def record(name, count):
            for number in range(count):
                with nutrace.span(name, number=number):
                    pass
        def fork(count):
            for _ in range(count):
                child = os.fork()
                if child == 0:
                    record("child", 10)
                    os._exit(0)
                os.waitpid(child, 0)
        threads = [threading.Thread(target=record, args=("thread", 3000)) for _ in range(2)]
        threads += [threading.Thread(target=fork, args=(5,)) for _ in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        output=output,
    )
    _sane(ended, processes=16)
    assert counts(ended.trace) == {"thread": 6000, "child": 150}


def test_multiprocessing(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        import nutrace
        def work(number):
            with nutrace.span("work", number=number):
                return number
        if __name__ == "__main__":
            context = multiprocessing.get_context("fork")
            with nutrace.span("outer"):
                with context.Pool(2) as pool:
                    assert pool.map(work, range(20)) == list(range(20))
                with ProcessPoolExecutor(2, mp_context=context) as executor:
                    assert list(executor.map(work, range(20))) == list(range(20))
                process = context.Process(target=work, args=(1,))
                process.start()
                process.join()
                assert process.exitcode == 0
        """,
    )
    assert ended.code == 0, ended.err
    trace = ended.trace
    assert counts(trace) == {"outer": 1, "work": 41}
    assert not losses(trace)
    assert path_to(trace, "work") == ["outer", "work"]
    assert ended.files == ["run.json"]


@pytest.mark.parametrize("begin", ["fork", "spawn"])
def test_workers_of_a_pool_that_are_terminated(tmp_path: Path, begin: str) -> None:
    """A pool terminates its workers when it has the last result: what they did is written by then."""
    ended = run(
        tmp_path,
        f"""
        import multiprocessing
        import nutrace
        def work(number):
            with nutrace.span("work", number=number):
                return number
        if __name__ == "__main__":
            with nutrace.span("outer"):
                with multiprocessing.get_context("{begin}").Pool(2) as pool:
                    assert pool.map(work, range(20)) == list(range(20))
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "30"},
    )
    assert ended.code == 0, ended.err
    assert counts(ended.trace) == {"outer": 1, "work": 20}
    assert ended.trace.diagnostics.dropped == 0
    assert ended.files == ["run.json"]


@both
def test_spawned_and_started_programs_join_the_run(tmp_path: Path, output: str) -> None:
    write(tmp_path, "import nutrace\nwith nutrace.span('started'): pass\nprint('said')\n", "other.py")
    ended = run(
        tmp_path,
        """
        import multiprocessing, subprocess, sys
        import nutrace
        def work(number):
            with nutrace.span("spawned"):
                return number
        if __name__ == "__main__":
            with nutrace.span("outer"):
                assert subprocess.check_output([sys.executable, "other.py"]) == b"said\\n"
                process = multiprocessing.get_context("spawn").Process(target=work, args=(1,))
                process.start()
                process.join()
        """,
        output=output,
    )
    _sane(ended, processes=3)
    assert counts(ended.trace) == {"outer": 1, "started": 1, "spawned": 1}
    outer = next(span for span in ended.trace if span.name == "outer")
    for span in without_collections(ended.trace):
        assert outer.start_ns <= span.start_ns <= span.end_ns <= outer.end_ns
    assert "and those of 2 more processes" in ended.err
    assert ended.err.count("wrote") == 1


@both
def test_a_child_that_outlives_the_run(tmp_path: Path, output: str) -> None:
    process = start(
        tmp_path,
        [
            write(
                tmp_path,
                f"""
                import nutrace, os, sys, time
                from nutrace import session
                written, writes = os.pipe()
                child = os.fork()
                if child == 0:
                    with nutrace.span("child"):
                        pass
                    session._session.recorder.flush()
                    os.write(writes, b"1")
                    for number in range(200):
                        time.sleep(0.05)
                        if os.path.exists("{output}"):
                            break
                    with nutrace.span("later"):
                        pass
                    os._exit(0)
                os.close(writes)
                with nutrace.span("parent"):
                    os.read(written, 1)
                print(child, flush=True)
                """,
            ).name
        ],
        output=output,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
        stderr=subprocess.DEVNULL,
    )
    child = int(process.stdout.readline())  # type: ignore[union-attr]
    process.wait(timeout=20)
    trace = load(tmp_path / output)
    assert {"parent", "child"} <= set(counts(trace))
    until = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.stdout.close()  # type: ignore[union-attr]
    trace = load(tmp_path / output)
    assert counts(trace) == {"parent": 1, "child": 1, "later": 1}
    assert not losses(trace)
    shards = [file.name for file in tmp_path.iterdir() if ".shard-" in file.name]
    assert len(shards) == 1

    # The next run takes another name, as readers would take the shard for a part of it.
    (tmp_path / output).unlink()
    ended = run(tmp_path, "import nutrace\nwith nutrace.span('next'): pass", output=output)
    assert ended.files == [output.replace("run", "run-1"), *shards]


def test_uninstrumented_children_write_nothing(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os
        with nutrace.span("parent"):
            child = os.fork()
            if child == 0:
                nutrace.uninstrument()
                with nutrace.span("untraced"):
                    pass
                os._exit(0)
            os.waitpid(child, 0)
        """,
    )
    _sane(ended, processes=1)
    assert counts(ended.trace) == {"parent": 1}


def test_signals_between_processes(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        [
            write(
                tmp_path,
                """
                import multiprocessing, nutrace, time
                def work(ready):
                    with nutrace.span("worker"):
                        with nutrace.span("inside"):
                            pass
                        time.sleep(0.5)
                        ready.set()
                        time.sleep(30)
                if __name__ == "__main__":
                    context = multiprocessing.get_context("fork")
                    ready = context.Event()
                    worker = context.Process(target=work, args=(ready,), daemon=True)
                    with nutrace.span("parent"):
                        worker.start()
                        ready.wait()
                    print("ready", flush=True)
                    time.sleep(30)
                """,
            ).name
        ],
    )
    assert process.stdout.readline() == "ready\n"  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)  # the parent's exit terminates its daemons
    ended = finish(tmp_path, process)
    assert ended.code == -signal.SIGINT
    assert counts(ended.trace) == {"parent": 1, "worker": 1, "inside": 1}
    assert losses(ended.trace) == {"unfinished": 1}


def test_shards_share_the_parents_clock() -> None:
    own = unix_offset_ns()
    assert unix_offset_ns(own + 1_000_000_000) == own + 1_000_000_000
    other_boot = own + 3_600_000_000_000
    assert abs(unix_offset_ns(other_boot) - own) < 1_000_000_000


def test_the_variable_round_trips(tmp_path: Path) -> None:
    told = Inherited(tmp_path / "a\udcffb.json", "id", 255, -5, os.getpid(), True, tmp_path)
    assert inherited({"NUTRACE_PARENT": str(told)}) == told
    assert inherited({}) is None
    gone = Inherited(tmp_path / "gone" / "run.json", "id", 255, -5, 1, True, tmp_path)
    for text in ("", "x", "a:b:c:d:e", "1", "[]", "{}", "[" * 100_000, str(told)[:-1], str(gone)):
        assert inherited({"NUTRACE_PARENT": text}) is None


def test_a_child_is_terminated_before_it_has_begun(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import os, signal, time
        import nutrace
        for _ in range(30):
            child = os.fork()
            if child == 0:
                time.sleep(15)
                os._exit(1)
            os.kill(child, signal.SIGTERM)
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        with nutrace.span("outlived"):
            pass
        """,
    )
    _sane(ended, processes=1)


def test_a_fork_does_not_wait_for_a_thread_that_waits_for_the_forks_locks(tmp_path: Path) -> None:
    """The thread that writes asks for figures, which takes a lock that is taken for the fork as well."""
    ended = run(
        tmp_path,
        """
        import os, threading, time
        import nutrace
        from nutrace import forks
        from nutrace.recording.resource import contribute
        class Cache:
            def __init__(self):
                self.lock = threading.Lock()
            def before_fork(self):
                self.lock.acquire()
                time.sleep(0.02)  # meanwhile the thread that writes asks for the lock
            def after_fork(self, in_child):
                self.lock.release()
            def figures(self):
                with self.lock:
                    return str(time.monotonic())
        cache = Cache()
        forks.watch(cache)
        contribute("figures", cache.figures)
        longest = 0
        with nutrace.span("outer"):
            for number in range(20):
                with nutrace.span("work", number=number):
                    time.sleep(0.02)
                began = time.monotonic()
                child = os.fork()
                if child == 0:
                    os._exit(0)
                longest = max(longest, time.monotonic() - began)
                os.waitpid(child, 0)
        print(longest < 0.9)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "0.05"},
    )
    assert (ended.code, ended.out) == (0, "True\n"), ended.err
    assert counts(ended.trace) == {"outer": 1, "work": 20}


def test_no_key_and_no_parameter_is_in_the_environment_of_children(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import os, subprocess
        import nutrace
        from nutrace.recording.span import process_state
        told = subprocess.check_output(["env"])
        print(process_state.secret.hex().encode() in told, b"NUTRACE_PARENT=" in told)
        """,
    )
    assert ended.out == "False True\n"
