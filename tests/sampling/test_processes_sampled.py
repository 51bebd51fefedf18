"""Every process of a run is sampled, and none is lost, however it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from fakes.programs import counts, finish, write
from fakes.sampled import (
    BURN,
    attached,
    beside,
    inside,
    run_sampled,
    samplers,
    stacks_of,
    start_sampled,
    wait_for,
    wait_until_nothing_is_left,
)

from nutrace.trace import load

pytestmark = pytest.mark.usefixtures("pyspy_works")

FORK = (
    BURN
    + """
import nutrace, os, signal, sys, time
@nutrace.probe
def work(seconds):
    burn("work", seconds)
"""
)


@pytest.mark.parametrize(
    ("output", "ending"),
    [
        ("run.json", "os._exit(0)"),
        ("run.json", "sys.exit()"),
        ("run.json", "os.kill(os.getpid(), signal.SIGKILL)"),
        ("run.json.gz", "os._exit(0)"),
        ("run.json.gz", "os.kill(os.getpid(), signal.SIGKILL)"),
    ],
)
def test_a_forked_child(tmp_path: Path, output: str, ending: str) -> None:
    ended = run_sampled(
        tmp_path,
        FORK
        + f"""
child = os.fork()
if child == 0:
    work(0.1)
    until_sampled()
    work(1.2)
    {ending}
until_sampled()
work(0.2)
os.waitpid(child, 0)
print(child)
""",
        output=output,
    )
    stacks = stacks_of(ended.trace)
    assert len(ended.trace.resources) == len(stacks) == 2
    assert inside(stacks[int(ended.out)])["work"] > 50
    assert ended.files == [output]
    assert "those of 1 more process" in ended.err


def test_programs_that_a_program_starts(tmp_path: Path) -> None:
    write(tmp_path, FORK + "\nuntil_sampled()\nwork(1.5)\nprint(os.getpid())", "child.py")
    ended = run_sampled(
        tmp_path,
        """
        import nutrace, subprocess, sys
        with nutrace.span("parent"):
            print(subprocess.run([sys.executable, "child.py"], capture_output=True, text=True).stdout)
        """,
    )
    assert inside(stacks_of(ended.trace)[int(ended.out)])["work"] > 50
    assert "program.py" not in str(samplers(tmp_path))


def test_a_program_that_starts_others_which_are_not_traced_has_no_sampler_for_them(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        f"""
        import nutrace, subprocess, sys
        sys.path.insert(0, {os.path.dirname(os.path.dirname(__file__))!r})
        from fakes.sampled import attached, pyspies, wait_for
        from pathlib import Path
        with nutrace.span("parent"):
            wait_for(lambda: attached(Path({str(tmp_path)!r})))
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.8)"])
            child.wait()
            print(len(pyspies(Path({str(tmp_path)!r}))))
        """,
    )
    assert ended.out == "1\n"


def test_a_program_that_becomes_another_program(tmp_path: Path) -> None:
    write(tmp_path, FORK + "\nuntil_sampled(2)\nwork(0.8)", "next.py")
    ended = run_sampled(
        tmp_path,
        FORK
        + """
def before(): work(0.8)
until_sampled()
before()
os.execv(sys.executable, [sys.executable, "next.py"])
""",
    )
    (seen,) = stacks_of(ended.trace).values()
    counts = inside(seen)
    assert counts["before"] > 50, "what the first program did"
    assert counts["work"] > counts["before"] + 50, "what the second one did"


def test_a_program_that_does_not_become_another_one_is_sampled_on(tmp_path: Path) -> None:
    ended = run_sampled(
        tmp_path,
        FORK
        + """
def after(): work(1.8)
until_sampled()
work(0.5)
try:
    os.execv("/nothing/there", ["there"])
except FileNotFoundError:
    until_sampled(2)
    after()
""",
    )
    (seen,) = stacks_of(ended.trace).values()
    counts = inside(seen)
    assert counts["after"] > 50
    assert counts["work"] > counts["after"] + 30


def test_a_daemon_outlives_the_program(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    ended = finish(
        tmp_path,
        start_sampled(
            tmp_path,
            FORK
            + """
with nutrace.span("starting"):
    pass
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
null = os.open(os.devnull, os.O_RDWR)
for descriptor in range(3):
    os.dup2(null, descriptor)
work(0.3)
until_sampled()
work(1.0)
""",
            pass_fds=[theirs],
        ),
    )
    os.close(theirs)
    assert ended.code == 0
    assert os.read(ours, 1) == b""  # the daemon has ended; before it asks for samples, nothing may be there
    os.close(ours)
    wait_for(lambda: (tmp_path / "run.json").exists())
    wait_until_nothing_is_left(tmp_path)
    seen = stacks_of(load(tmp_path / "run.json"))
    assert any(inside(stacks)["work"] > 50 for stacks in seen.values())


@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_a_program_that_has_ended_at_once(tmp_path: Path, seconds: float) -> None:
    ended = run_sampled(
        tmp_path,
        f"""
        import nutrace, time
        with nutrace.span("short"):
            time.sleep({seconds})
        """,
    )
    assert ended.code == 0
    assert counts(ended.trace) == {"short": 1}
    assert "samples" in ended.err


def test_a_program_without_spans_leaves_no_file(tmp_path: Path) -> None:
    ended = run_sampled(tmp_path, "import time; time.sleep(0.5)")
    assert ended.code == 0
    assert ended.files == []


def test_a_killed_program_leaves_its_samples_beside_its_spans(tmp_path: Path) -> None:
    process = start_sampled(
        tmp_path,
        FORK + "\nuntil_sampled()\nwork(0.2)\nwork(0.8)\nprint('ready', flush=True)\nwork(60)",
        variables={"NUTRACE_FLUSH_SECONDS": "0.05"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    finish(tmp_path, process)
    wait_until_nothing_is_left(tmp_path)
    trace = load(tmp_path / "run.json")
    assert len(trace.resources) == 1
    assert inside(stacks_of(trace)[process.pid])["work"] > 50


def test_a_killed_program_without_spans_leaves_no_samples(tmp_path: Path) -> None:
    process = start_sampled(tmp_path, "import time; print('ready', flush=True); time.sleep(60)")
    wait_for(lambda: attached(tmp_path))
    process.kill()
    ended = finish(tmp_path, process)
    wait_until_nothing_is_left(tmp_path)
    assert ended.files == ["run.json.partial"]


def test_the_program_has_no_child_and_no_descriptor_of_it(tmp_path: Path) -> None:
    source = """
        import nutrace, os, time
        with nutrace.span("looking"):
            time.sleep(0.4)
            try:
                print(os.wait())
            except ChildProcessError:
                print("no child")
            print(len([number for number in os.listdir("/proc/self/fd") if int(number) < 100]))
    """
    ended = run_sampled(tmp_path, source)
    assert ended.out.startswith("no child\n")
    plain = tmp_path / "plain"
    plain.mkdir()
    assert run_sampled(plain, source, variables={"NUTRACE_SAMPLE": "0"}).out == ended.out


def test_an_open_pipe_of_the_program_is_not_kept_open(tmp_path: Path) -> None:
    """A reader of the program's output sees its end, although what samples its child goes on."""
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    process = start_sampled(tmp_path, FORK + "\nwork(60)", pass_fds=[theirs])
    os.close(theirs)
    pid = wait_for(lambda: attached(tmp_path) and beside(tmp_path))[0]
    assert all(f"pipe:[{os.fstat(ours).st_ino}]" not in link for link in _links(pid))
    os.kill(process.pid, signal.SIGTERM)
    finish(tmp_path, process)
    os.close(ours)
    wait_until_nothing_is_left(tmp_path)


def _links(pid: int) -> list[str]:
    return [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
