"""Whatever ends a program, its py-spy or what stands beside it: nothing stays, and little is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fakes.programs import Ended, counts, finish
from fakes.sampled import (
    BURN,
    attached,
    beside,
    inside,
    pyspies,
    stacks_of,
    start_sampled,
    wait_for,
    wait_until_nothing_is_left,
)

from nutrace.sampling.mailbox import Mailbox

pytestmark = pytest.mark.usefixtures("pyspy_works")

#: Works for a second while it is sampled, then says so, and works until its standard input ends.
WORK = (
    BURN
    + """
import nutrace, sys, threading
@nutrace.probe
def work():
    burn("before", 1.0)
    print("ready", flush=True)
    rest()
def rest():
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        burn("after", 0.05)
until_sampled()
work()
"""
)


def _started(folder: Path, **options: object) -> subprocess.Popen[str]:
    process = start_sampled(folder, WORK, stdin=subprocess.PIPE, **options)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: attached(folder))
    return process


def _goes_on(folder: Path, process: subprocess.Popen[str], line: str) -> Ended:
    """Wait for a line on stderr, let the program work for another second, and end it."""
    assert process.stderr is not None
    said = process.stderr.readline()
    assert line in said
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        pass
    ended = finish(folder, process)
    assert ended.code == 0
    assert "fault" not in ended.err
    return ended


def test_an_exit_does_not_wait_long_for_the_samples(tmp_path: Path) -> None:
    process = _started(tmp_path)
    (stopped,) = beside(tmp_path)
    os.kill(stopped, signal.SIGSTOP)
    try:
        began = time.monotonic()
        ended = finish(tmp_path, process)
        assert time.monotonic() - began < 4.5  # 2 s for the samples
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert "they will be in a file beside the run file" in ended.err
    wait_until_nothing_is_left(tmp_path)
    assert inside(stacks_of(ended.trace)[process.pid])["work"] > 100


def test_ctrl_c(tmp_path: Path) -> None:
    process = _started(tmp_path, start_new_session=True)
    os.killpg(process.pid, signal.SIGINT)
    ended = finish(tmp_path, process)
    wait_until_nothing_is_left(tmp_path)
    assert "KeyboardInterrupt" in ended.err
    assert inside(stacks_of(ended.trace)[process.pid])["work"] > 100


def test_a_process_group_that_is_killed(tmp_path: Path) -> None:
    process = _started(tmp_path, start_new_session=True)
    os.killpg(process.pid, signal.SIGKILL)
    finish(tmp_path, process)
    wait_until_nothing_is_left(tmp_path)


def test_py_spy_is_killed(tmp_path: Path) -> None:
    process = _started(tmp_path)
    (pid,) = pyspies(tmp_path)
    os.kill(pid, signal.SIGKILL)
    ended = _goes_on(
        tmp_path, process, "py-spy does not sample: it was killed by signal 9; a thread samples instead"
    )
    wait_until_nothing_is_left(tmp_path)
    (seen,) = stacks_of(ended.trace).values()
    assert "a thread of nutrace" in seen.sampler
    assert inside(seen)["rest"] > 10
    assert "counts for what runs after it" in " ".join(seen.notes)


def test_what_stands_beside_is_killed(tmp_path: Path) -> None:
    process = _started(tmp_path)
    (pid,) = beside(tmp_path)
    os.kill(pid, signal.SIGKILL)
    ended = _goes_on(
        tmp_path, process, "the process that samples was ended from outside; a thread samples instead"
    )
    wait_until_nothing_is_left(tmp_path)
    (seen,) = stacks_of(ended.trace).values()
    assert seen.sampler == "py-spy, then a thread of nutrace"
    counts = inside(seen)
    assert counts["work"] > counts["rest"] + 100, "py-spy writes when its parent is killed"
    assert counts["rest"] > 10


def test_py_spy_is_killed_when_the_program_ends(tmp_path: Path) -> None:
    process = _started(tmp_path)
    for pid in (*beside(tmp_path), *pyspies(tmp_path)):
        os.kill(pid, signal.SIGKILL)
    ended = finish(tmp_path, process)
    assert ended.code == 0
    assert counts(ended.trace) == {"work": 1}
    wait_for(lambda: not (tmp_path / "tmp").exists() or not pyspies(tmp_path))
    wait_until_nothing_is_left(tmp_path)


def test_a_file_that_was_never_finished_goes_with_the_mailbox(tmp_path: Path) -> None:
    """Of a process that was killed while it wrote a request; one that is being written may stay."""
    mailbox = Mailbox(str(tmp_path / "mailbox"))
    os.mkdir(mailbox.folder)
    for name, age_s in (("old.ask.new", 60), ("young.ask.new", 0)):
        Path(mailbox.path(name)).touch()
        os.utime(mailbox.path(name), (time.time() - age_s,) * 2)
    assert not mailbox.remove()
    assert os.listdir(mailbox.folder) == ["young.ask.new"]
    os.unlink(mailbox.path("young.ask.new"))
    assert mailbox.remove()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    mailbox = Mailbox(str(tmp_path))
    with pytest.raises(UnicodeEncodeError):
        mailbox.post("a.stop", "\udcff")
    assert os.listdir(tmp_path) == []
