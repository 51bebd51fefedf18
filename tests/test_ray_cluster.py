"""A run over two nodes of a Ray cluster that was there before: a worker with another clock.

Both nodes are on this machine. The second one has a host name, a clock and working folders of its own. The
run's folder is hidden from it, or shared with it.

Ray needs minutes to start two nodes on a busy machine, so this runs with NUTRACE_DEVKIT_MATRIX=1 only.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator, List

import pytest
from devkit import MARKS, devkit_python
from fakes.machines import python_of
from fakes.programs import counts, environment, write

import nutrace
from nutrace.cli.main import main
from nutrace.recording.host import this_host

pytestmark = [
    *MARKS,
    pytest.mark.skipif(
        os.environ.get("NUTRACE_DEVKIT_MATRIX", "0") in ("", "0"), reason="Ray: NUTRACE_DEVKIT_MATRIX=1"
    ),
]

AHEAD_S = 300.0
TASKS = 6
STARTING_S = 240
_SMALL = ("--num-cpus=1", "--object-store-memory=80000000")
ROOT = Path(__file__).parents[1]

DRIVER = """
    import os, socket, sys
    import nutrace, ray
    ray.init(address=sys.argv[1])

    @ray.remote(num_cpus=0)
    def simulate(number):
        import socket, time
        import nutrace
        with nutrace.span("simulation.run", number=number):
            time.sleep(0.2)
        return socket.gethostname()

    with nutrace.span("simulation.execute_runners"):
        tasks = [simulate.options(resources={"ab"[number % 2]: 1}).remote(number) for number in range(6)]
        print(sorted(ray.get(tasks)))
"""


def test_workers_on_two_nodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once with a folder that the second node does not have, and once with one that it has."""
    driver = write(tmp_path, DRIVER, "driver.py")
    hidden, shared = tmp_path / "hidden", tmp_path / "shared"
    (hidden / "run").mkdir(parents=True)
    shared.mkdir()
    with _Cluster(tmp_path, hidden) as cluster:
        said = _drive(driver, hidden / "run", cluster.address)
        _check_apart(hidden / "run" / "run.json", tmp_path / "tmp-b", said, capsys)
        _drive(driver, shared, cluster.address)
    trace = nutrace.load(shared / "run.json")
    _check_whole(trace)
    assert not any("not in this file" in note for note in trace.diagnostics.notes)


def _drive(program: Path, folder: Path, address: str) -> str:
    done = subprocess.run(
        [devkit_python() or "", str(program), address],
        cwd=folder,
        env=_environment(NUTRACE="1", NUTRACE_OUTPUT=str(folder / "run.json")),
        capture_output=True,
        text=True,
        timeout=STARTING_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert str([*["node-b"] * (TASKS // 2), *[this_host().name] * (TASKS // 2)]) in done.stdout.replace(
        '"', "'"
    )
    return done.stderr + done.stdout


def _check_apart(run: Path, temporary: Path, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is missing is named; copied and joined, it is there."""
    (place,) = temporary.glob("nutrace-*")
    assert f"{run.parent} is not shared with node-b" in said
    assert re.search(rf"\d+ process(es)? on node-b left spans there, in {place}", said)
    assert counts(nutrace.load(run))["simulation.run"] == TASKS // 2
    assert main(["report", str(run)]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"on host node-b (is|are) not in this file: copy what is in node-b:{place}", out)
    copies = shutil.copytree(place, run.parent / "copies")
    joined = run.with_name("joined.json")
    assert main(["join", str(run), str(copies), "-o", str(joined)]) == 0
    trace = nutrace.load(joined)
    _check_whole(trace)
    assert main(["report", str(joined)]) == 0
    assert "the clock of node-b is" in capsys.readouterr().out


def _check_whole(trace: nutrace.Trace) -> None:
    """All tasks are there, within the span that sent them, by clocks that were aligned."""
    assert counts(trace)["simulation.run"] == TASKS
    hosts = {resource.attributes["host.name"] for resource in trace.resources}
    assert hosts == {this_host().name, "node-b"}
    outer = next(span for span in trace if span.name == "simulation.execute_runners")
    inner = [span for span in trace if span.name == "simulation.run"]
    assert all(outer.start_ns <= span.start_ns <= span.end_ns <= outer.end_ns for span in inner)
    (skew,) = trace.skews
    assert skew.uncertainty_ns is not None
    assert abs(skew.offset_ns / 1e9 + AHEAD_S) <= skew.uncertainty_ns / 1e9 + 0.01
    assert len({trace.trace_id(index) for index in range(len(trace))}) == 1


class _Cluster:
    """Two nodes, of which the second is another machine; `hidden` is a folder that it does not have."""

    def __init__(self, folder: Path, hidden: Path) -> None:
        self._folder = folder
        self._hidden = hidden
        self._nodes: List[subprocess.Popen[bytes]] = []
        self.address = ""

    def __enter__(self) -> _Cluster:
        probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(self._hidden)]
        if not shutil.which("unshare") or subprocess.run(probe, capture_output=True, check=False).returncode:
            pytest.skip("no folder can be hidden from a process here: unshare -rm is not allowed")
        # Names of sockets may have 107 characters, and pytest's folders are long.
        self._ray = Path("/tmp") / f"ray-{os.getpid()}"
        try:
            with socket.socket() as found:
                found.bind(("", 0))
                port = found.getsockname()[1]
            words = ["--head", f"--port={port}", f"--temp-dir={self._ray}", "--include-dashboard=false"]
            python = devkit_python() or ""
            said = self._start("a", [python], words)
            self.address = re.search(r"--address='([^']+)'", said)[1]  # type: ignore[index]
            other = python_of(self._folder / "machine", "node-b", AHEAD_S, python)
            hide = f'mount -t tmpfs none "{self._hidden}" && exec "$@"'
            self._start("b", ["unshare", "-rm", "sh", "-c", hide, "sh", other], [f"--address={self.address}"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in reversed(self._nodes):
            node.send_signal(signal.SIGTERM)  # it ends its own processes
            try:
                node.wait(60)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
        shutil.rmtree(self._ray, ignore_errors=True)

    def _start(self, name: str, python: List[str], words: List[str]) -> str:
        """Start a node in folders of its own; returns what it has said when it runs."""
        folder, temporary = self._folder / name, self._folder / f"tmp-{name}"
        folder.mkdir()
        temporary.mkdir()
        log = self._folder / f"{name}.log"
        resources = f'--resources={{"{name}": 1}}'
        with log.open("wb") as out:
            node = subprocess.Popen(
                [*python, "-m", "ray.scripts.scripts", "start", "--block", resources, *_SMALL, *words],
                cwd=folder,
                env=_environment(
                    TMPDIR=str(temporary), RAY_USAGE_STATS_ENABLED="0", RAY_agent_register_timeout_ms="200000"
                ),
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._nodes.append(node)
        for _ in _until(STARTING_S):
            said = log.read_text(encoding="utf-8", errors="replace")
            if "--block" in said:
                return said
            assert node.poll() is None, said
        raise AssertionError(f"a node of Ray does not start: {said}")


def _environment(**variables: str) -> dict[str, str]:
    return environment(PYTHONPATH=os.pathsep.join(map(str, (ROOT, ROOT / "exporters"))), **variables)


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.2)
