"""Every way in which a program can end: what is in the run file, and what the program shows."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Callable, Optional

import pytest
from fakes.programs import (
    OUTPUTS,
    Ended,
    counts,
    finish,
    losses,
    run,
    start,
    text_in,
    without_collections,
    write,
)

from nutrace.trace import load

WORK = """
    import nutrace, os, signal, sys, time
    with nutrace.span("work", component="planner"):
        pass
    print("said")
"""


both = pytest.mark.parametrize("output", OUTPUTS)
ODD = "sys.stderr = type('Odd', (), dict(closed=False, write=lambda *_: 1 / 0, flush=lambda *_: None))()"


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def _ready(process: object) -> None:
    assert process.stdout.readline() == "ready\n"  # type: ignore[attr-defined]


def _sane(ended: Ended) -> None:
    trace = ended.trace
    assert trace.diagnostics.complete
    assert not losses(trace)
    assert ended.files == [ended.output]


@both
def test_a_program_that_returns(tmp_path: Path, output: str) -> None:
    ended = run(tmp_path, WORK, output=output)
    assert (ended.code, ended.out) == (0, "said\n")
    assert counts(ended.trace) == {"work": 1}
    assert f"nutrace: wrote {tmp_path / output}: 1 spans, none lost" in ended.err
    assert f"nutrace report {output}; nutrace flamegraph {output}" in ended.err
    _sane(ended)


def test_the_run_file_is_one_line_of_json(tmp_path: Path) -> None:
    run(tmp_path, WORK)
    json.loads((tmp_path / "run.json").read_text())


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("sys.exit('why')", 1),
    ],
)
@both
def test_leaving_early(tmp_path: Path, output: str, ending: str, code: int) -> None:
    ended = run(tmp_path, f"{WORK}\n    sys.stdout.flush()\n    {ending}\n    time.sleep(9)", output=output)
    assert (ended.code, ended.out) == (code, "said\n")
    assert counts(ended.trace) == {"work": 1}
    _sane(ended)


def test_open_spans_are_closed_and_counted_by_an_exit_that_unwinds_nothing(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os
        with nutrace.span("outer"):
            with nutrace.span("inner"):
                pass
            with nutrace.span("open"):
                os._exit(5)
        """,
    )
    trace = ended.trace
    assert ended.code == 5
    unfinished = {span.name: span.unfinished for span in without_collections(trace)}
    assert unfinished == {"outer": True, "inner": False, "open": True}
    assert losses(trace) == {"unfinished": 2}
    assert trace.diagnostics.complete


def test_an_open_span_of_another_thread_is_not_lost(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os, threading
        inside = threading.Event()
        def worker():
            with nutrace.span("outer"):
                with nutrace.span("inner"):
                    pass
                inside.set()
                threading.Event().wait()
        threading.Thread(target=worker, daemon=True).start()
        inside.wait()
        """,
    )
    trace = ended.trace
    unfinished = {span.name: span.unfinished for span in without_collections(trace)}
    assert unfinished == {"outer": True, "inner": False}
    assert losses(trace) == {"unfinished": 1}


def test_an_unhandled_exception_shows_its_own_traceback(tmp_path: Path) -> None:
    source = """
        import nutrace
        @nutrace.probe
        def fails():
            raise KeyError("this")
        with nutrace.span("outer"):
            fails()
    """
    plain = run(tmp_path, source, traced=False)
    traced = run(tmp_path, source)
    assert traced.code == plain.code == 1
    error = [line for line in traced.err.splitlines(True) if not line.startswith("nutrace: ")]
    ours = re.compile(r'  File "[^"]*/nutrace/[^"]*", line.*\n(    .*\n)*')  # the wrapper's own frame
    assert ours.sub("", "".join(error)) == plain.err
    trace = traced.trace
    outer, fails = without_collections(trace)
    assert outer.status.code == fails.status.code == 2
    assert fails.events[0].attributes["exception.type"] == "KeyError"
    assert not losses(trace)


def test_ctrl_c(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        [
            write(
                tmp_path,
                """
                import nutrace, time
                with nutrace.span("work"):
                    print("ready", flush=True)
                    time.sleep(20)
                """,
            ).name
        ],
    )
    _ready(process)
    process.send_signal(signal.SIGINT)
    ended = finish(tmp_path, process)
    assert ended.code == -signal.SIGINT
    assert ended.err.count("KeyboardInterrupt") == 1
    assert counts(ended.trace) == {"work": 1}
    _sane(ended)


def test_the_programs_own_handler_of_sigterm_stays(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os, signal, sys
        def handler(number, frame):
            with nutrace.span("handled"):
                sys.exit(7)
        signal.signal(signal.SIGTERM, handler)
        with nutrace.span("work"):
            os.kill(os.getpid(), signal.SIGTERM)
        """,
    )
    assert ended.code == 7
    assert counts(ended.trace) == {"work": 1, "handled": 1}
    _sane(ended)


def test_a_program_that_ignores_sigterm_goes_on(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.kill(os.getpid(), signal.SIGTERM)
        with nutrace.span("work"):
            print("said")
        """,
    )
    assert (ended.code, ended.out) == (0, "said\n")
    _sane(ended)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_that_kills_costs_at_most_a_flush_interval(tmp_path: Path, number: signal.Signals) -> None:
    ended = run(
        tmp_path,
        f"""
        import nutrace, os, time
        with nutrace.span("outer"):
            with nutrace.span("early"):
                pass
            time.sleep(0.5)
            with nutrace.span("late"):
                pass
            os.kill(os.getpid(), {int(number)})
            time.sleep(9)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    assert ended.code == -number
    assert ended.err == ""
    trace = load(tmp_path / "run.json.partial")
    assert {"outer", "early"} <= set(counts(trace)) <= {"outer", "early", "late"}
    assert [span.name for span in trace if span.unfinished] == ["outer"]
    assert not trace.diagnostics.complete


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGCHLD"])
def test_the_programs_signals_are_its_own(tmp_path: Path, number: str) -> None:
    source = f"""
        import os, signal
        print(signal.getsignal(signal.{number}))
        print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        print(signal.set_wakeup_fd(-1))
        if os.fork() == 0:
            print(signal.getsignal(signal.{number}), signal.set_wakeup_fd(-1), flush=True)
            os._exit(0)
        os.wait()
    """
    assert run(tmp_path, source).out == run(tmp_path, source, traced=False).out


def test_functions_that_leave_look_and_pickle_as_they_are(tmp_path: Path) -> None:
    source = """
        import copy, inspect, os, pickle
        for name in ("_exit", "execv", "execve"):
            function = getattr(os, name)
            text = pickle.dumps(function)
            print(function, function.__name__, function.__module__, inspect.isbuiltin(function))
            print(inspect.signature(function), pickle.loads(text) is function)
            print(copy.deepcopy(function) is function)
        class Leaves:
            leave = os._exit
        Leaves().leave(3)
    """
    plain, traced = run(tmp_path, source, traced=False), run(tmp_path, source)
    assert (traced.code, traced.out) == (plain.code, plain.out)
    assert traced.code == 3


@both
def test_killed_in_the_middle(tmp_path: Path, output: str) -> None:
    process = start(
        tmp_path,
        [
            write(
                tmp_path,
                """
                import nutrace, time
                with nutrace.span("simulation.run", component="simulation"):
                    with nutrace.span("outer"):
                        for number in range(50):
                            with nutrace.span("inner", number=number):
                                pass
                        print("ready", flush=True)
                        time.sleep(30)
                """,
            ).name
        ],
        output=output,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    _ready(process)
    partial = tmp_path / f"{output}.partial"

    def is_written() -> bool:
        try:
            text = text_in(partial)
        except (EOFError, gzip.BadGzipFile):  # in the middle of a line
            return False
        return text.count(b'"inner"') == 50 and b'"simulation.run"' in text

    _wait_for(is_written)
    process.kill()
    ended = finish(tmp_path, process)
    assert ended.code == -signal.SIGKILL
    trace = load(partial)
    assert counts(trace) == {"simulation.run": 1, "outer": 1, "inner": 50}
    assert {span.name for span in trace if span.unfinished} == {"simulation.run", "outer"}
    assert not trace.diagnostics.complete
    assert losses(trace) == {"unfinished": 2}

    # The next run leaves what the killed one left alone.
    before = partial.read_bytes()
    ended = run(tmp_path, WORK, output=output)
    assert partial.read_bytes() == before
    again = output.replace("run", "run-1")
    assert f"wrote {tmp_path / again}" in ended.err
    assert ended.files == [again, partial.name]


@both
def test_exec_becomes_another_program_of_the_same_run(tmp_path: Path, output: str) -> None:
    write(tmp_path, "import nutrace\nwith nutrace.span('after'): pass\nprint('said')\n", "next.py")
    ended = run(
        tmp_path,
        """
        import nutrace, os, sys
        with nutrace.span("before"):
            pass
        with nutrace.span("open"):
            os.execv(sys.executable, [sys.executable, "next.py"])
        """,
        output=output,
    )
    assert (ended.code, ended.out) == (0, "said\n")
    trace = ended.trace
    unfinished = {span.name: span.unfinished for span in without_collections(trace)}
    assert unfinished == {"before": False, "open": True, "after": False}
    assert trace.diagnostics.complete
    assert len(trace.resources) == 1
    assert ended.files == [output]


def test_an_exec_that_fails_changes_nothing(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import nutrace, os
        with nutrace.span("work"):
            try:
                os.execv("/no/such/program", ["x"])
            except FileNotFoundError as error:
                print(error)
        """,
    )
    assert ended.code == 0
    assert "No such file" in ended.out
    assert counts(ended.trace) == {"work": 1}
    _sane(ended)


@both
def test_a_disk_that_was_always_full(tmp_path: Path, output: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    ended = run(tmp_path, WORK, output=output, preexec_fn=limit)
    # stdout is a pipe: the limit is on files only
    assert (ended.code, ended.out) == (0, "said\n")
    assert "1 spans were recorded and lost" in ended.err
    assert ended.files == []


@pytest.mark.parametrize("place", ["/proc/run.json", "/no/such/folder/run.json", "program.py/run.json", "."])
def test_no_place_to_write_is_one_line(tmp_path: Path, place: str) -> None:
    ended = run(tmp_path, WORK, variables={"NUTRACE_OUTPUT": place})
    assert (ended.code, ended.out) == (0, "said\n")
    assert ended.err.startswith("nutrace: cannot write ")
    assert ended.err.endswith("the program runs untraced\n")
    assert ended.err.count("\n") == 1


@pytest.mark.skipif(os.getuid() != 0, reason="takes root to become somebody else")
def test_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import os
        from importlib.util import find_spec
        import nutrace.session, nutrace.probes.catalogue
        nutrace.probes.catalogue.built_in()
        # Loaded first, as the other user may not be allowed to read this checkout.
        start = find_spec("nutrace._autostart").loader.get_code("nutrace._autostart")
        os.environ["NUTRACE"] = "1"
        os.setuid(65534)
        exec(start, {"__name__": "nutrace._autostart"})
        print("said")
        """,
        traced=False,
    )
    assert (ended.code, ended.out) == (0, "said\n")
    assert "Permission denied; set NUTRACE_OUTPUT" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("output", ["run.json", None])
def test_a_deleted_working_folder(tmp_path: Path, output: Optional[str]) -> None:
    program = write(tmp_path, WORK)
    gone = tmp_path / "gone"
    gone.mkdir()
    variables = {"NUTRACE_OUTPUT": str(tmp_path / "run.json") if output is None else output}
    process = start(
        gone, [str(program)], variables=variables, preexec_fn=lambda: (os.chdir(gone), os.rmdir(gone))
    )
    ended = finish(tmp_path, process)
    assert (ended.code, ended.out) == (0, "said\n")
    if output is None:
        assert counts(ended.trace) == {"work": 1}
    else:
        assert ended.err.startswith("nutrace: cannot write")
        assert ended.err.count("\n") == 1


@both
def test_an_existing_file_is_never_overwritten(tmp_path: Path, output: str) -> None:
    (tmp_path / output).write_text("mine")
    (tmp_path / output.replace("run", "run-1")).symlink_to("nowhere")
    ended = run(tmp_path, WORK, output=output)
    assert (tmp_path / output).read_text() == "mine"
    second = output.replace("run", "run-2")
    assert f"wrote {tmp_path / second}" in ended.err
    assert f"nutrace report {second}" in ended.err


@both
def test_a_file_that_appears_during_the_run_is_not_overwritten(tmp_path: Path, output: str) -> None:
    ended = run(tmp_path, f'{WORK}\n    open("{output}", "w").write("mine")', output=output)
    assert (tmp_path / output).read_text() == "mine"
    second = output.replace("run", "run-1")
    assert f"wrote {tmp_path / second}" in ended.err
    assert counts(load(tmp_path / second)) == {"work": 1}


@both
def test_shards_of_an_earlier_run_of_the_same_name_are_left_alone(tmp_path: Path, output: str) -> None:
    stale = tmp_path / f"{output}.shard-1-abc.partial"
    stale.write_bytes(b"not ours\n")
    ended = run(tmp_path, WORK, output=output)
    assert stale.read_bytes() == b"not ours\n"
    assert ended.files == [output.replace("run", "run-1"), stale.name]


def test_a_change_of_folder_does_not_move_the_file(tmp_path: Path) -> None:
    ended = run(tmp_path, f'{WORK}\n    os.chdir("/")')
    assert counts(ended.trace) == {"work": 1}
    assert f"nutrace report {tmp_path / 'run.json'}" in ended.err


@pytest.mark.parametrize("closing", ["sys.stderr.close()", "os.close(2)", "sys.stderr = None", ODD])
def test_a_closed_stderr(tmp_path: Path, closing: str) -> None:
    ended = run(tmp_path, f"{WORK}\n    {closing}")
    assert (ended.code, ended.out) == (0, "said\n")
    assert counts(ended.trace) == {"work": 1}


@both
def test_a_program_that_calls_nothing_leaves_no_file(tmp_path: Path, output: str) -> None:
    ended = run(tmp_path, "print('said')", output=output)
    assert (ended.code, ended.out) == (0, "said\n")
    assert ended.files == []


def test_module_and_command(tmp_path: Path) -> None:
    write(tmp_path, WORK, "module.py")
    for arguments in (["-m", "module"], ["-c", "import module"]):
        ended = finish(tmp_path, start(tmp_path, arguments))
        assert (ended.code, ended.out) == (0, "said\n")
        assert counts(ended.trace) == {"work": 1}
        command = ended.trace.resources[0].attributes["process.command_args"]
        if sys.version_info >= (3, 10):
            assert command[1:] == arguments
        (tmp_path / "run.json").unlink()


@both
def test_a_deleted_partial_file_is_begun_anew(tmp_path: Path, output: str) -> None:
    ended = run(tmp_path, f'{WORK}\n    os.unlink("{output}.partial")', output=output)
    assert (ended.code, ended.out) == (0, "said\n")
    assert counts(ended.trace) == {"work": 1}
    _sane(ended)
