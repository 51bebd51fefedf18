"""Commands find runs that were killed or go on, by the name ``run.json``: with real programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from fakes.programs import OUTPUTS, start, write

import nutrace
from nutrace.cli.main import main

# With the default action, SIGTERM ends the program at once.
HEAD = """
    import os, signal, sys, time, nutrace
    from nutrace import session
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    def work(name):
        with nutrace.span(name, component="planner"):
            pass
        session._session.recorder.flush()
        print("ready", flush=True)
"""
ALONE = "work('parent')\ntime.sleep(60)\n"
WITH_CHILD = """
    work("parent")
    if os.fork() == 0:
        work("child")
        time.sleep(60)
    time.sleep(60)
"""
LAUNCHER = """
    if os.fork() == 0:
        work("child")
        sys.stdin.readline()
        os._exit(0)
    print("ready", flush=True)
    time.sleep(60)
"""

Run = Callable[..., Any]


@pytest.fixture(params=OUTPUTS)
def output(request: pytest.FixtureRequest) -> str:
    """The name of the run file."""
    return str(request.param)


@pytest.fixture
def begin(tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Starts a program in a folder of its own, and waits until its processes are at work."""
    processes: List[subprocess.Popen[str]] = []
    monkeypatch.chdir(tmp_path)

    def run(source: str, *, ready: int) -> subprocess.Popen[str]:
        program = write(tmp_path, HEAD)
        with program.open("a", encoding="utf-8") as file:
            file.write(write(tmp_path, source, "body.py").read_text(encoding="utf-8"))
        process = start(
            tmp_path,
            ["program.py"],
            output=output,
            variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
            start_new_session=True,
            stdin=subprocess.PIPE,
        )
        processes.append(process)
        assert process.stdout is not None
        for _ in range(ready):
            assert process.stdout.readline() == "ready\n"
        return process

    yield run
    for process in processes:
        _kill(process, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def _kill(process: subprocess.Popen[str], number: int) -> None:
    """Send a signal to all of a program's processes, and wait for the first."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    process.wait(20)
    _wait_for(lambda: not _group_lives(process.pid))


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def _report(capsys: pytest.CaptureFixture[str], output: str, *options: str) -> str:
    assert main(["report", output, *options]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def _json(capsys: pytest.CaptureFixture[str], output: str) -> Dict[str, Any]:
    document: Dict[str, Any] = json.loads(_report(capsys, output, "--json"))
    return document


def _names(document: Dict[str, Any]) -> List[str]:
    return sorted(span["name"] for span in document["spans"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(
    ("source", "names"), [(ALONE, ["parent"]), (WITH_CHILD, ["child", "parent"])], ids=["alone", "with child"]
)
def test_a_killed_run(
    begin: Run, output: str, capsys: pytest.CaptureFixture[str], number: int, source: str, names: List[str]
) -> None:
    _kill(begin(source, ready=len(names)), number)
    assert not os.path.exists(output)
    text = _report(capsys, output)
    assert text.startswith(f"nutrace report: {output}\n")
    assert "CUT SHORT" in text
    assert "the run was cut short: this is what was written until then" in text
    document = _json(capsys, output)
    assert _names(document) == names
    assert document["run"]["processes"] == len(names)
    assert (document["run"]["complete"], document["run"]["running"]) == (False, False)
    assert nutrace.load(f"{output}.partial").name == nutrace.load(output).name


def test_every_command_says_that_a_run_was_cut_short(
    begin: Run, output: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _kill(begin(ALONE, ready=1), signal.SIGKILL)
    for words in (["sql"], ["deepcopy"], ["overhead"], ["flamegraph", "-o", str(tmp_path / "x.html")]):
        assert main([words[0], output, *words[1:]]) == 0
        line = f"nutrace: {output}: the run was cut short: this is what was written until then\n"
        assert capsys.readouterr().err == line
    for command in ("sql", "deepcopy", "overhead"):
        assert main([command, output, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert (document["complete"], document["running"]) == (False, False)
    assert "cut short" in nutrace.load(output)._repr_html_()  # type: ignore[operator]


def test_a_run_that_goes_on(begin: Run, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    process = begin("work('parent')\nsys.stdin.readline()\n", ready=1)
    text = _report(capsys, output)
    assert "STILL RUNNING" in text
    assert "the run is still going on: this is what it has written so far" in text
    assert "cut short" not in text.lower()
    document = _json(capsys, output)
    assert (document["run"]["complete"], document["run"]["running"]) == (False, True)
    process.communicate("\n", timeout=20)
    assert os.path.exists(output)
    document = _json(capsys, output)
    assert (document["run"]["complete"], document["run"]["running"]) == (True, False)
    assert document["notes"] == []


def test_a_launcher_without_spans_that_is_killed(
    begin: Run, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process = begin(LAUNCHER, ready=2)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    document = _json(capsys, output)
    assert _names(document) == ["child"]
    assert document["run"]["running"]
    assert process.stdin is not None
    process.stdin.close()
    _wait_for(lambda: not _group_lives(process.pid))
    document = _json(capsys, output)
    assert _names(document) == ["child"]
    assert (document["run"]["complete"], document["run"]["running"]) == (False, False)


def test_a_launcher_without_spans_that_leaves_first(
    begin: Run, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process = begin(LAUNCHER.replace("time.sleep(60)", ""), ready=2)
    process.wait(20)
    assert _json(capsys, output)["run"]["running"]
    assert process.stdin is not None
    process.stdin.close()
    _wait_for(lambda: not _group_lives(process.pid))
    # The only process with spans has come to its end: nothing is missing.
    document = _json(capsys, output)
    assert _names(document) == ["child"]
    assert (document["run"]["complete"], document["notes"]) == (True, [])
