"""``nutrace export``: what is in the folder afterwards, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List

import pytest
from fakes.commands import command
from fakes.programs import environment, finish
from fakes.runs import write_run, write_runs

from nutrace.bench.machine import processors
from nutrace.cli.export_jobs import jobs_for
from nutrace.cli.export_names import named

pytestmark = pytest.mark.once

#: Stops a process that converts a run before its second renaming in a folder, say, and notes its process id.
#: Audit hooks see what the real code does.
STOP = """
import os, signal, sys
event, number, folder = os.environ["STOP"].split(":")
left = int(number)

def stop(name, arguments):
    global left
    if name == event and sys.argv[0] == "-c" and any(folder in str(each) for each in arguments[:2]):
        left -= 1
        if not left and not os.path.exists("stopped"):
            with open("stopped.new", "w") as file:
                file.write(str(os.getpid()))
            os.rename("stopped.new", "stopped")
            os.kill(os.getpid(), signal.SIGSTOP)

sys.addaudithook(stop)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_runs(tmp_path / "runs", [10, 11, 12])
    return tmp_path


def files(folder: Path) -> List[str]:
    """Everything below a folder, hidden files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def folders(folder: Path) -> List[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_dir())


def start(folder: Path, *words: str, stop: str = "") -> subprocess.Popen[str]:
    """Start the command; `stop` is event:number:folder, see :data:`STOP`."""
    variables: Dict[str, str] = {}
    if stop:
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(STOP)
        variables = {"STOP": stop, "PYTHONPATH": str(folder / "hook")}
    return subprocess.Popen(
        [sys.executable, "-m", "nutrace.cli.main", "export", *words],
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped(folder: Path) -> int:
    """The process that was stopped."""
    return int(wait_for_file(folder / "stopped").read_text())


def wait_for_file(path: Path) -> Path:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} does not come"
        time.sleep(0.02)
    return path


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_run_of_a_folder_is_converted(folder: Path) -> None:
    done = command("export", "runs", "-o", "out", "-f", "collapsed")
    assert (done.code, done.err) == (0, "")
    assert files(folder / "out") == ["01.collapsed.txt", "02.collapsed.txt", "03.collapsed.txt"]
    assert done.out == "out: collapsed, 0.0 MB, 3 runs, 123 spans, 30 steps\n"
    assert command("flamegraph", "runs/02.json", "-f", "collapsed", "-o", "alone.txt").code == 0
    assert (folder / "out" / "02.collapsed.txt").read_text() == (folder / "alone.txt").read_text()


def test_a_run_that_fails_is_a_line_and_the_others_go_on(folder: Path) -> None:
    (folder / "runs" / "02.json").write_text('{"resourceSpans": [')
    (folder / "runs" / "04.json").write_text('{"resourceSpans": []}')
    done = command("export", "runs", "nothing.json", "-o", "out", "-f", "collapsed")
    assert done.code == 1
    assert files(folder / "out") == ["01.collapsed.txt", "03.collapsed.txt"]
    lines = sorted(done.err.splitlines())
    assert [line.split()[:3] for line in lines] == [
        ["nutrace:", "error:", "nothing.json"],
        ["nutrace:", "error:", "runs/02.json"],
        ["nutrace:", "error:", "runs/04.json"],
    ]


def test_a_folder_that_was_made_for_nothing_is_gone(folder: Path) -> None:
    assert command("export", "nothing.json", "-o", "a/b/out", "-f", "svg").code == 1
    assert not (folder / "a").exists()


def test_a_run_that_is_there_is_not_replaced_unless_it_is_asked_for(folder: Path) -> None:
    words = ["export", "-o", "out", "-f", "collapsed"]
    assert command(*words, "runs/01.json").code == 0
    (folder / "out" / "01.collapsed.txt").write_text("earlier")
    done = command(*words, "runs")
    assert done.code == 1
    assert done.err == (
        "nutrace: error: runs/01.json: out has a run called 01 already: "
        "--force replaces it, --resume leaves it\n"
    )
    assert len(files(folder / "out")) == 3
    done = command(*words, "runs", "--resume")
    assert (done.code, done.err) == (0, "")
    assert done.out == "out: collapsed, 0.0 MB, 0 runs, 0 spans, 0 steps; 3 were there already\n"
    assert (folder / "out" / "01.collapsed.txt").read_text() == "earlier"
    assert command(*words, "runs", "--force").code == 0
    assert (folder / "out" / "01.collapsed.txt").read_text() != "earlier"


def test_json_says_what_became_of_each_run(folder: Path) -> None:
    command("export", "runs/01.json", "-o", "out", "-f", "collapsed")
    done = command("export", "runs", "nothing.json", "-o", "out", "-f", "collapsed", "--json", "--resume")
    document = json.loads(done.out)
    assert [(row["run"], row["spans"], row["steps"], row["bytes"]) for row in document["runs"]] == [
        (name, 41, 10, os.path.getsize(f"out/{name}.collapsed.txt")) for name in ("02", "03")
    ]
    assert [(row["file"], row["exit_code"]) for row in document["failed"]] == [("nothing.json", 3)]
    assert document["there_already"] == [{"run": "01", "file": "runs/01.json"}]
    assert (document["folder"], document["format"], document["not_tried"]) == ("out", "collapsed", [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs", "-f", "gif"], "unknown format 'gif': use one of parquet, html, speedscope, svg"),
        (["runs", "--jobs", "0"], "bad --jobs 0: write a number of processes"),
        (["runs", "--name", "x"], "--name is for one run, and there are 3"),
        (["runs/01.json", "--name", "../x"], "bad --name '../x': write a name"),
        (["hook"], "hook has no run files"),
    ],
)
def test_bad_arguments_are_one_line(folder: Path, words: List[str], message: str) -> None:
    (folder / "hook").mkdir()
    done = command("export", "-o", "out", *words)
    assert done.code in (2, 3)
    assert done.err.count("\n") == 1
    assert message in done.err


def test_a_folder_that_cannot_be_written_is_one_line(folder: Path) -> None:
    (folder / "file").write_text("")
    for output in ("file", "file/out"):
        done = command("export", "runs", "-o", output)
        assert done.code == 5
        assert done.err.startswith(f"nutrace: error: cannot write into {output}: ")
        assert done.err.count("\n") == 1


def test_if_the_disk_is_full_the_others_are_not_tried(folder: Path) -> None:
    script = "ulimit -f 0; exec " + " ".join(
        [sys.executable, "-m nutrace.cli.main export runs -o out -f collapsed --jobs 1"]
    )
    done = subprocess.run(
        ["bash", "-c", script], env=environment(), cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("nutrace: error: runs/01.json: cannot write ")
    assert lines[1] == "nutrace: 2 runs not tried: out cannot be written"
    assert not (folder / "out").exists()


def test_names_of_runs() -> None:
    assert named(["a/run 1.json.gz", "b/2.jsonl", "c/x.json.partial"]) == {
        "a/run 1.json.gz": "run 1",
        "b/2.jsonl": "2",
        "c/x.json": "x",
    }
    assert list(named(["x/a/01.json", "x/b/01.json", "y/a/01.json", "x/02.json"]).values()) == [
        "x-a-01",
        "x-b-01",
        "y-a-01",
        "02",
    ]
    assert list(named(["a.json", "a.json.gz", "a-2.json", "-"]).values()) == ["a", "a-2", "a-2-2", "run"]
    assert named(["a.json", "./a.json", "a.json.shard-7-abc.partial"]) == {"a.json": "a"}
    assert list(named([".json", "ü" * 120 + ".json"]).values()) == ["run", "ü" * 100]


def test_as_many_run_at_a_time_as_memory_holds(tmp_path: Path) -> None:
    small = [str(write_run(tmp_path / f"{number}.json", 1)) for number in range(3)]
    assert jobs_for(small) == min(3, processors())
    assert jobs_for(small, most=2) == 2
    large = tmp_path / "large.json"
    large.touch()
    os.truncate(large, 2**42)  # takes no room on the disk
    assert jobs_for([*small, str(large)]) == 1
    assert jobs_for([*small, str(large)], most=3) == 3  # who says so is believed
    assert jobs_for([]) == 1


def test_a_run_comes_from_a_pipe(folder: Path) -> None:
    script = "nutrace export <(cat runs/01.json) -o out -f collapsed --name a && "
    script += "nutrace export - -o out -f collapsed < runs/01.json && cmp out/a.* out/run.*"
    programs = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", script], env=environment(PATH=programs), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_run_has_a_process_of_its_own(folder: Path) -> None:
    """With one job the second process starts when the first has ended."""
    hook = """
import atexit, os

def note():
    with open("log", "a") as log:
        log.write(f"{os.getpid()}\\n")

note()
atexit.register(note)
"""
    (folder / "hook").mkdir()
    (folder / "hook" / "sitecustomize.py").write_text(hook)
    ended = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "export", "runs", "-o", "out", "-f", "svg", "--jobs", "1"],
        env=environment(PYTHONPATH=str(folder / "hook")),
        timeout=60,
    )
    assert ended.returncode == 0
    pids = (folder / "log").read_text().splitlines()
    command_pid, *others, last = pids
    assert command_pid == last
    assert len(others) == 6
    assert others[::2] == others[1::2]
    assert len({command_pid, *others}) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_leaves_whole_runs_only(folder: Path, number: signal.Signals) -> None:
    os.mkfifo(folder / "pipe.json")
    process = start(folder, "runs/01.json", "pipe.json", "runs/02.json", "-o", "out", "-f", "svg", "-j", "1")
    with open(folder / "pipe.json", "wb") as pipe:  # waits until the run is being read
        pipe.write((folder / "runs" / "03.json").read_bytes()[:1000])
        pipe.flush()
        process.send_signal(number)
        ended = finish(folder, process)
    assert ended.code == 128 + number
    assert files(folder / "out") == ["01.flamegraph.svg"]
    if number == signal.SIGINT:
        assert ended.err == "nutrace: interrupted: 2 of 3 runs left; --resume goes on\n"
    with pytest.raises(OSError):  # nobody reads from it any more
        os.open(folder / "pipe.json", os.O_WRONLY | os.O_NONBLOCK)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_half_written_is_left_if_it_is_interrupted(folder: Path, number: signal.Signals) -> None:
    process = start(folder, "runs/01.json", "-o", "out", "-f", "svg", stop="os.rename:1:out")
    pid = stopped(folder)
    assert files(folder / "out") != []
    process.send_signal(number)
    ended = finish(folder, process)
    assert ended.code == 128 + number
    assert not (folder / "out").exists()
    assert not is_alive(pid)


def test_a_killed_process_is_a_line_and_the_others_go_on(folder: Path) -> None:
    process = start(folder, "runs", "-o", "out", "-f", "svg", "--jobs", "1", stop="os.rename:1:01")
    os.kill(stopped(folder), signal.SIGKILL)
    ended = finish(folder, process)
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("nutrace: error: runs/01.json: the process that converted it failed: SIGKILL")
    assert files(folder / "out") == ["02.flamegraph.svg", "03.flamegraph.svg"]


def test_a_killed_command_leaves_a_whole_run(folder: Path) -> None:
    process = start(folder, "runs", "-o", "out", "-f", "svg", "--jobs", "1", stop="os.rename:1:out")
    pid = stopped(folder)
    process.kill()
    os.kill(pid, signal.SIGCONT)
    ended = finish(folder, process)  # when nobody writes to its streams any more
    assert (ended.code, ended.err) == (-signal.SIGKILL, "")
    assert files(folder / "out") == ["01.flamegraph.svg"]


def test_a_terminal_shows_what_is_done_and_what_is_left(folder: Path) -> None:
    shown, slave = os.openpty()
    words = [sys.executable, "-m", "nutrace.cli.main", "export", "runs", "-o", "out", "-f", "svg", "-j", "1"]
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    text = b""
    with contextlib.suppress(OSError):  # of a terminal that nobody uses any more
        while True:
            text += os.read(shown, 1 << 16)
    os.close(shown)
    assert process.wait() == 0
    *states, last = text.decode().split("\r\x1b[K")
    assert last == ""
    assert any("0 of 3 runs done, 1 at work, " in state for state in states)
    assert any(re.search(r"2 of 3 runs done, 1 at work, about \d+ s left, ", state) for state in states)


def test_tables_of_all_runs_are_in_one_folder(folder: Path) -> None:
    done = command("export", "runs", "-o", "out")
    assert (done.code, done.err) == (0, "")
    assert [file for file in files(folder / "out") if file.startswith("steps")] == [
        f"steps/run={name}/part-0.parquet" for name in ("01", "02", "03")
    ]
    size = sum(path.stat().st_size for path in (folder / "out").rglob("*.parquet")) / 1e6
    assert done.out == f"out: parquet, {size:.1f} MB, 3 runs, 123 spans, 30 steps\n"
    again = command("export", "runs", "-o", "out")
    assert again.code == 1
    assert again.err.count(" already: --force replaces it") == 3


@pytest.mark.parametrize("renamed", [1, 4])
def test_tables_that_are_killed_on_their_way_are_gone(folder: Path, renamed: int) -> None:
    process = start(
        folder, "runs/01.json", "runs/02.json", "-o", "out", "-j", "1", stop=f"os.rename:{renamed}:out"
    )
    pid = stopped(folder)
    assert len([file for file in files(folder / "out") if "/run=01/" in file]) == renamed - 1
    os.kill(pid, signal.SIGKILL)
    ended = finish(folder, process)
    assert ended.code == 1
    assert "runs/01.json: the process that converted it failed: SIGKILL" in ended.err
    left = files(folder / "out")
    assert len(left) == 6
    assert all("/run=02/" in file for file in left)
    assert command("export", "runs/01.json", "-o", "out").code == 0


@pytest.mark.parametrize(("renamed", "number"), [(2, signal.SIGINT), (12, signal.SIGTERM)])
def test_tables_that_were_to_be_replaced_stay(folder: Path, renamed: int, number: signal.Signals) -> None:
    assert command("export", "runs/01.json", "-o", "out").code == 0
    before = {file: (folder / "out" / file).read_bytes() for file in files(folder / "out")}
    write_runs(folder / "runs", [20])
    process = start(folder, "runs/01.json", "-o", "out", "--force", stop=f"os.rename:{renamed}:out")
    stopped(folder)
    process.send_signal(number)
    assert finish(folder, process).code == 128 + number
    assert {file: (folder / "out" / file).read_bytes() for file in files(folder / "out")} == before
    assert command("export", "runs/01.json", "-o", "out", "--force").code == 0
    assert files(folder / "out") == sorted(before)
    assert (folder / "out" / "steps/run=01/part-0.parquet").read_bytes() != before[
        "steps/run=01/part-0.parquet"
    ]


def test_a_run_that_is_there_under_two_names_is_told(folder: Path) -> None:
    assert command("export", "runs/01.json", "-o", "out").code == 0
    done = command("export", "runs/01.json", "-o", "out", "--name", "again")
    assert done.code == 0
    assert done.err == (
        "nutrace: warning: run=01 and run=again in out are the same run, and queries count each: "
        "delete out/*/run=again\n"
    )


def test_a_run_of_another_schema_version_is_told(folder: Path) -> None:
    assert command("export", "runs/01.json", "-o", "out").code == 0
    file = folder / "out" / "spans" / "run=01" / "part-0.parquet"
    content = file.read_bytes()
    pyarrow = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.read_table(file)
    metadata = {**table.schema.metadata, b"nutrace.schema": b"99"}
    pyarrow.write_table(table.replace_schema_metadata(metadata), file)
    assert file.read_bytes() != content
    done = command("export", "runs/02.json", "-o", "out")
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert "nutrace: warning: out/spans/run=01/part-0.parquet has schema version 99" in done.err


def test_exported_runs_are_drawn(folder: Path) -> None:
    assert command("export", "runs", "-o", "out").code == 0
    assert command("export", "out", "-o", "pictures", "-f", "collapsed").code == 0
    assert files(folder / "pictures") == ["01.collapsed.txt", "02.collapsed.txt", "03.collapsed.txt"]
    assert command("flamegraph", "runs/02.json", "-f", "collapsed", "-o", "alone.txt").code == 0
    assert (folder / "pictures" / "02.collapsed.txt").read_text() == (folder / "alone.txt").read_text()


def test_without_pyarrow_one_line_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    done = command("export", "runs", "-o", "out")
    assert done.code == 8
    assert done.err.count("\n") == 1
    assert "pip install 'pyarrow>=15'" in done.err
