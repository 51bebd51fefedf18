"""What disks, folders and the program do to the files of a run while it goes on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Iterator

import pytest
from fakes.programs import OUTPUTS, counts, finish, losses, run, start, text_in, write

from nutrace.errors import EmptyTraceError
from nutrace.recording import compressed, locks, names
from nutrace.recording.appended import AppendedFile
from nutrace.recording.locks import ended, lock
from nutrace.trace import load

HEAD = {"run.json": names.HEAD, "run.json.gz": compressed.HEAD}
both = pytest.mark.parametrize("output", OUTPUTS)


def _limit(size: int) -> None:
    """Files may not grow beyond so many bytes, and writing more is an error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


# -- full disks ------------------------------------------------------------------------------

ALTERNATE = """
    import gc, os, resource, sys
    import nutrace
    from nutrace import session
    gc.disable()  # a collection that is lost would be counted as well
    @nutrace.probe
    def one(): pass
    @nutrace.probe
    def other(): pass
    def work(calls):
        for _ in range(calls):
            one(); other()
"""


@pytest.mark.parametrize(
    ("output", "size"),
    [*(("run.json", size) for size in (9_000, 20_000, 100_000)),
     *(("run.json.gz", size) for size in (2_000, 4_000, 5_000, 20_000))],
)  # fmt: skip
@pytest.mark.parametrize("merge", ["0", "200"])
def test_on_a_full_disk_all_that_is_not_held_is_said_to_be_lost(
    tmp_path: Path, output: str, size: int, merge: str
) -> None:
    """Whatever the limit cuts: the last line is written, in the place of spans if need be."""
    ended = run(
        tmp_path,
        ALTERNATE + "    work(1000)\n    print('said')",
        output=output,
        preexec_fn=lambda: _limit(size),
        variables={"NUTRACE_COMPRESS_US": merge},
    )
    assert (ended.code, ended.out) == (0, "said\n")
    assert "Traceback" not in ended.err
    try:
        trace = ended.trace
    except EmptyTraceError:  # there is room for a description only
        assert ": 0 spans, 2,000 lost" in ended.err
        return
    lost = trace.diagnostics.dropped
    assert (sum(counts(trace).values()) + lost, trace.diagnostics.complete) == (2000, True)
    assert f"{len(trace):,} spans, {f'{lost:,} lost' if lost else 'none lost'}" in ended.err
    if merge == "0":
        assert lost
        assert "spans are being lost, and counted" in ended.err


@pytest.mark.parametrize(("merge", "lost"), [("0", 101), ("1e9", 1001)])
@both
def test_the_last_line_takes_the_place_of_spans(tmp_path: Path, output: str, merge: str, lost: int) -> None:
    """There is no room for it: without it nobody would know what is lost, in calls."""
    ended = run(
        tmp_path,
        ALTERNATE
        + f"""
    with nutrace.span("outer"):
        for _ in range(1000):
            one()
    session._session.recorder.flush()
    size = os.stat("{output}.partial").st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
    """,
        output=output,
        variables={"NUTRACE_COMPRESS_US": merge, "NUTRACE_FLUSH_SECONDS": "30"},
    )
    assert f": {900 if lost < 1000 else 0} spans, {lost:,} lost" in ended.err
    if lost < 1000:
        assert ended.trace.diagnostics.complete
        assert (sum(counts(ended.trace).values()), ended.trace.diagnostics.dropped) == (900, lost)


@both
def test_a_killed_program_has_said_what_it_lost(tmp_path: Path, output: str) -> None:
    ended = run(
        tmp_path,
        ALTERNATE
        + """
    for _ in range(2):
        work(500)
        assert session._session.recorder.background.work_now(20)
    os.kill(os.getpid(), 9)
    """,
        output=output,
        preexec_fn=lambda: _limit(60_000 if output == "run.json" else 9_000),
        variables={"NUTRACE_COMPRESS_US": "0", "NUTRACE_FLUSH_SECONDS": "30"},
    )
    assert ended.code == -signal.SIGKILL
    trace = ended.trace
    assert trace.diagnostics.dropped
    assert not trace.diagnostics.complete
    assert sum(counts(trace).values()) + trace.diagnostics.dropped == 2000
    assert text_in(tmp_path / f"{output}.partial").endswith(b"]}]}\n")  # whole lines only


@pytest.mark.parametrize("ending", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
@both
def test_a_child_on_a_full_disk(tmp_path: Path, output: str, ending: str) -> None:
    size = 60_000 if output == "run.json" else 9_000
    ended = run(
        tmp_path,
        ALTERNATE
        + f"""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
        work(500)
        session._session.recorder.flush()
        {ending}
    os.waitpid(child, 0)
    work(100)
    """,
        output=output,
        variables={"NUTRACE_COMPRESS_US": "0"},
    )
    assert ended.code == 0
    trace = ended.trace
    assert trace.diagnostics.complete
    assert trace.diagnostics.dropped > 0
    assert sum(counts(trace).values()) + trace.diagnostics.dropped == 1200
    assert ended.files == [output]


@both
def test_a_disk_that_is_full_for_a_while(tmp_path: Path, output: str) -> None:
    ended = run(
        tmp_path,
        ALTERNATE
        + f"""
    none = resource.RLIM_INFINITY
    work(300)
    session._session.recorder.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat("{output}.partial").st_size + 50, none))
    work(300)
    session._session.recorder.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (none, none))
    work(300)
    """,
        output=output,
        variables={"NUTRACE_COMPRESS_US": "0", "NUTRACE_FLUSH_SECONDS": "30"},
    )
    trace = ended.trace
    assert trace.diagnostics.complete
    lost = trace.diagnostics.dropped
    assert 600 <= lost <= 700  # what came meanwhile, and a line that made room for saying so
    assert sum(counts(trace).values()) + lost == 1800
    assert f"{1800 - lost:,} spans, {lost:,} lost" in ended.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@both
def test_a_real_disk_that_is_full(tmp_path: Path, output: str, small_disk: Path) -> None:
    ended = run(
        tmp_path,
        ALTERNATE
        + """
    child = os.fork()
    work(2000)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    """,
        output=str(small_disk / output),
        variables={"NUTRACE_COMPRESS_US": "0"},
    )
    assert ended.code == 0
    assert "No space left on device" in ended.err
    trace = load(small_disk / output)
    held, lost = sum(counts(trace).values()), trace.diagnostics.dropped
    said = sum(int(line.split(": ")[1].split(" ")[0].replace(",", ""))
               for line in ended.err.splitlines() if "recorded and lost" in line)  # fmt: skip
    assert held + lost + said == 8000


@pytest.mark.parametrize("place", ["/dev/full", "/dev/null", "fifo"])
def test_the_output_is_no_file(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    ended = run(tmp_path, "print('said')", variables={"NUTRACE_OUTPUT": place})
    assert (ended.code, ended.out) == (0, "said\n")
    assert "not a regular file; set NUTRACE_OUTPUT" in ended.err
    assert ended.err.count("\n") == 1


# -- descriptors -----------------------------------------------------------------------------

DAEMON = """
    import os, time
    import nutrace
    with nutrace.span("before"):
        pass
    time.sleep(0.3)
    if os.fork():
        os._exit(0)
    os.setsid()
    if FIRST_LINE:
        with nutrace.span("in the daemon"):
            pass
        time.sleep(0.3)
    os.closerange(3, 1024)
    opened = [open(f"own-{number}", "w+") for number in range(1020)]
    with nutrace.span("after"):
        pass
    time.sleep(0.3)
    with nutrace.span("at the end"):
        pass
    del opened[-10:]  # at exit there has to be a descriptor for joining
    print("said", flush=True)
"""


@pytest.mark.parametrize("first_line", [False, True])
def test_a_daemon_closes_all_descriptors_and_opens_its_own_files(tmp_path: Path, first_line: bool) -> None:
    """Our number is another file's then. Not a byte of ours gets into it."""
    ended = run(tmp_path, DAEMON.replace("FIRST_LINE", str(first_line)))
    assert (ended.code, ended.out) == (0, "said\n")
    for file in tmp_path.glob("own-*"):
        assert file.stat().st_size == 0
    trace = load(tmp_path / "run.json")
    expected = {"before": 1, "after": 1, "at the end": 1}
    if first_line:
        expected["in the daemon"] = 1
    assert counts(trace) == expected
    assert not losses(trace)


def test_a_program_that_closes_and_takes_every_number(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import os, time
        import nutrace
        def written(name):
            # A number that is taken in the middle of a write cannot be told from ours.
            while name not in open("run.json.partial", "rb").read():
                time.sleep(0.05)
            time.sleep(0.05)
        with nutrace.span("before"):
            pass
        written(b"before")
        mine = os.open("mine", os.O_RDWR | os.O_CREAT)
        for number in range(3, 1000):
            if number != mine:
                os.dup2(mine, number)
        with nutrace.span("after"):
            pass
        written(b"after")
        child = os.fork()
        if child == 0:
            with nutrace.span("child"):
                os._exit(0)
        os.waitpid(child, 0)
        for number in range(3, 1000):
            assert os.fstat(number).st_ino == os.stat("mine").st_ino  # nothing of its own was closed
        os.closerange(900, 1000)
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    assert ended.code == 0, ended.err
    assert (tmp_path / "mine").read_bytes() == b""
    assert counts(ended.trace) == {"before": 1, "after": 1, "child": 1}


def test_the_programs_descriptors_have_the_numbers_that_they_have_untraced(tmp_path: Path) -> None:
    source = "import os\nprint(os.open('/dev/null', os.O_RDONLY), os.open('/dev/null', os.O_RDONLY))"
    assert run(tmp_path, source).out == run(tmp_path, source, traced=False).out


# -- folders ---------------------------------------------------------------------------------


@pytest.mark.parametrize("with_child", [False, True])
@both
def test_a_folder_that_is_renamed_is_followed(tmp_path: Path, output: str, with_child: bool) -> None:
    (tmp_path / "out").mkdir()
    ended = run(
        tmp_path,
        f"""
        import os, time
        import nutrace
        with nutrace.span("before"):
            pass
        time.sleep(0.3)
        os.rename("out", "elsewhere")
        os.mkdir("out")
        time.sleep(0.3)
        if {with_child} and os.fork() == 0:
            with nutrace.span("child"):
                pass
            os._exit(0)
        {with_child} and os.wait()
        with nutrace.span("after"):
            pass
        """,
        output=f"out/{output}",
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    there = tmp_path / "elsewhere" / output
    assert f"wrote {there}: " in ended.err
    trace = load(there)
    assert counts(trace) == {"before": 1, "after": 1, **({"child": 1} if with_child else {})}
    assert not losses(trace)
    assert os.listdir(tmp_path / "out") == []
    assert os.listdir(tmp_path / "elsewhere") == [output]


def test_a_link_that_is_turned_to_another_folder(tmp_path: Path) -> None:
    """As ``latest`` is, when the next run begins."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "latest").symlink_to("one")
    ended = run(
        tmp_path,
        """
        import os, subprocess, sys
        import nutrace
        with nutrace.span("before"):
            pass
        os.unlink("latest")
        os.symlink("two", "latest")
        subprocess.run([sys.executable, "-c", "import nutrace\\nwith nutrace.span('child'): pass"])
        """,
        variables={"NUTRACE_OUTPUT": "latest/run.json"},
    )
    assert counts(load(tmp_path / "one" / "run.json")) == {"before": 1, "child": 1}
    assert os.listdir(tmp_path / "two") == []
    assert ended.code == 0


@pytest.mark.parametrize("again", [True, False])
@both
def test_what_was_in_a_deleted_folder_is_lost_and_counted(tmp_path: Path, output: str, again: bool) -> None:
    (tmp_path / "out").mkdir()
    ended = run(
        tmp_path,
        f"""
        import gc, os, shutil
        import nutrace
        from nutrace import session
        gc.disable()  # a collection would be counted as a span
        for number in range(3):
            with nutrace.span("before", number=number):
                pass
        session._session.recorder.flush()
        shutil.rmtree("out")  # which fails if something is written meanwhile
        {again} and os.mkdir("out")
        session._session.recorder.flush()
        with nutrace.span("after"):
            pass
        """,
        output=f"out/{output}",
        variables={"NUTRACE_FLUSH_SECONDS": "30"},
    )
    assert ended.code == 0
    assert "was deleted while the program ran; spans are being lost, and counted" in ended.err
    if again:
        assert "1 spans, 3 lost" in ended.err
        trace = ended.trace
        assert counts(trace) == {"after": 1}
        assert losses(trace) == {"dropped": 3}
    else:
        assert "4 spans were recorded and lost, and no file written" in ended.err


@both
def test_another_file_is_put_in_the_place_of_ours(tmp_path: Path, output: str) -> None:
    ended = run(
        tmp_path,
        f"""
        import os, time
        import nutrace
        time.sleep(0.2)
        with open("other", "w") as file:
            file.write("mine")
        os.replace("other", "{output}.partial")
        time.sleep(0.3)
        with nutrace.span("after"):
            pass
        """,
        output=output,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    assert (tmp_path / f"{output}.partial").read_text() == "mine"
    again = output.replace("run", "run-1")
    assert counts(load(tmp_path / again)) == {"after": 1}
    assert ended.files == [again, f"{output}.partial"]


@pytest.mark.skipif(os.getuid() != 0, reason="takes root to become somebody else")
def test_a_program_that_becomes_a_user_who_may_not_enter_the_folder(tmp_path: Path) -> None:
    """What is written goes on through the descriptor; joining is not possible."""
    tmp_path.chmod(0o700)
    ended = run(
        tmp_path,
        """
        import gc, os
        import nutrace
        from nutrace import session
        gc.disable()  # a collection would be counted as a span
        with nutrace.span("before"):
            pass
        session._session.recorder.flush()
        os.setuid(65534)
        with nutrace.span("after"):
            pass
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    assert ended.code == 0
    assert "cannot join" in ended.err
    assert "fault" not in ended.err
    assert "2 spans, none lost" in ended.err
    assert counts(load(tmp_path / "run.json")) == {"before": 1, "after": 1}


# -- what killed processes leave behind --------------------------------------------------------


def _left(output: str, pid: int) -> dict[str, bytes]:
    head = HEAD[output]
    return {
        f"{output}.joining-{pid}-0a1b2c": head + b'{"resource"',
        f"{output.replace('run', 'run-12')}.joining-{pid}-0a1b2c": b"",
        f"{output}.joining-{pid}-ffffff": head[:5],
        f"{output}.shard-{pid}-12345678abcdef.starting": b"",
    }


@both
def test_leftovers_of_killed_processes_go_and_nothing_else_does(tmp_path: Path, output: str) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = _left(output, gone.pid)
    (other_kind,) = set(OUTPUTS) - {output}
    others = {
        f"{output}.joining-{gone.pid}-0a1b2d": b"somebody's own",
        f"{output}.joining-{gone.pid}-0a1b2e": HEAD[other_kind],
        f"{output}.joining-{gone.pid}": HEAD[output],
        f"{output}.joining-x{gone.pid}-0a1b2c": HEAD[output],
        f"other{output[3:]}.joining-{gone.pid}-0a1b2c": HEAD[output],
        f"{output}.shard-{gone.pid}-12345678abcdee.starting": b"data",
        f"{output}.starting": b"",
        **_left(other_kind, gone.pid),
    }
    for name, content in {**left, **others}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / f"{output}.joining-{gone.pid}-000000").symlink_to(tmp_path / f"{output}.starting")
    os.mkfifo(tmp_path / f"{output}.joining-{gone.pid}-000001")
    ended = run(tmp_path, "import nutrace\nwith nutrace.span('work'): pass", output=output)
    assert counts(ended.trace) == {"work": 1}
    there = set(os.listdir(tmp_path))
    assert not there & set(left)
    assert set(others) <= there
    assert {f"{output}.joining-{gone.pid}-{number}" for number in ("000000", "000001")} <= there


def test_what_a_living_process_has_begun_stays(tmp_path: Path) -> None:
    """Its lock says that it lives. The number in the name may be a living stranger's, or nobody's."""
    for name, content in {**_left("run.json", 2**22 + 1), **_left("run.json", os.getpid())}.items():
        (tmp_path / name).write_bytes(content)
    held = [open(file, "rb") for file in sorted(tmp_path.iterdir())]  # noqa: SIM115
    for file in held[::2]:
        lock(file.fileno())
    names.remove_leftovers(tmp_path / "run.json")
    assert sorted(os.listdir(tmp_path)) == [os.path.basename(file.name) for file in held[::2]]
    for file in held:
        file.close()


@pytest.mark.parametrize("step", ["join", "os.link"])
@both
def test_killed_while_joining(tmp_path: Path, output: str, step: str) -> None:
    begin = repr(HEAD[output]) if step == "join" else "b''"
    if (step, output) == ("join", "run.json.gz"):
        step = "join_compressed"
    ended = run(
        tmp_path,
        f"""
        import os
        import nutrace
        from nutrace.recording import runfile
        def die(*args):
            if {begin}:
                args[-1].write({begin})
                args[-1].flush()
            os.kill(os.getpid(), 9)
        runfile.{step} = die
        with nutrace.span("work"):
            pass
        """,
        output=output,
    )
    assert ended.code == -signal.SIGKILL
    assert any(".joining-" in name for name in ended.files)
    assert counts(ended.trace) == {"work": 1}
    again = run(tmp_path, "import nutrace\nwith nutrace.span('again'): pass", output=output)
    assert again.files == [output.replace("run", "run-1"), f"{output}.partial"]


# -- locks -----------------------------------------------------------------------------------


def test_a_reader_that_looks_is_not_taken_for_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers take the lock for a moment, shared, to see whether the writer lives."""
    quick_s, patient_s = locks._PAUSE_S, 0.1  # the reader may be preempted while it has the lock
    source = f"""
        import fcntl, time
        while True:
            with open({str(tmp_path / "file")!r}) as file:
                fcntl.flock(file, fcntl.LOCK_SH)
            time.sleep(0.0005)
    """
    path = tmp_path / "file"
    path.touch()
    write(tmp_path, source, "reader.py")
    reader = start(tmp_path, ["reader.py"], traced=False)
    try:
        time.sleep(0.3)
        monkeypatch.setattr(locks, "_PAUSE_S", patient_s)
        assert all(ended(path) for _ in range(300))
        for _ in range(300):
            monkeypatch.setattr(locks, "_PAUSE_S", patient_s)
            file = AppendedFile(path, os.open(path, os.O_RDWR | os.O_APPEND))
            monkeypatch.setattr(locks, "_PAUSE_S", quick_s)  # all attempts fail here
            assert not ended(path)
            file.close()
    finally:
        reader.kill()
        finish(tmp_path, reader)
