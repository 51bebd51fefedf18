"""Processes of a run on other machines: their shards are joined if they can be, and else are not lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.machines import python_of
from fakes.programs import Ended, counts, environment, losses, run, write

from nutrace import semconv
from nutrace.recording import names
from nutrace.recording.host import Host, this_host
from nutrace.recording.locks import ELSEWHERE
from nutrace.recording.processes import Inherited, belongs_to
from nutrace.trace import load

WORKER = """
    import nutrace, sys
    with nutrace.span("work"):
        with nutrace.span("inner"):
            pass
"""

# As a worker on another machine would be started: by something that hands our variables over.
DRIVER = """
    import json, os, subprocess, sys
    import nutrace
    environ = dict(os.environ)
    told = json.loads(environ["NUTRACE_PARENT"])
    told.update(json.loads(sys.argv[2]))
    environ["NUTRACE_PARENT"] = json.dumps(told)
    with nutrace.span("driver"):
        done = subprocess.run([sys.argv[1], "worker.py"], env=environ, capture_output=True, text=True)
    print(done.stderr)
    sys.exit(done.returncode)
"""


def _run(folder: Path, python: str, told: dict[str, str]) -> Ended:
    write(folder, WORKER, "worker.py")
    write(folder, DRIVER, "driver.py")
    done = subprocess.run(
        [sys.executable, "driver.py", python, json.dumps(told)],
        cwd=folder,
        env=environment(NUTRACE="1", TMPDIR=str(folder / "tmp")),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ended(folder, done.returncode, done.stdout, done.stderr)


@pytest.fixture
def node_b(tmp_path: Path) -> str:
    """A Python on another machine."""
    (tmp_path / "tmp").mkdir()
    return python_of(tmp_path / "machine", "node-b", shift_s=2.0)


def test_a_shard_in_a_shared_folder_is_joined(tmp_path: Path, node_b: str) -> None:
    ended = _run(tmp_path, node_b, {})
    assert (ended.code, ended.out.strip()) == (0, ""), ended.out
    assert ended.files == ["run.json"]
    trace = ended.trace
    assert counts(trace) == {"driver": 1, "work": 1, "inner": 1}
    assert trace.diagnostics.complete
    assert not losses(trace)
    assert [resource.attributes[semconv.HOST_NAME] for resource in trace.resources] == [
        this_host().name,
        "node-b",
    ]


def test_times_are_by_the_clock_of_the_host(tmp_path: Path, node_b: str) -> None:
    """The tie of the driver's monotonic clock means nothing on a machine that was booted at another time."""
    trace = load(_run(tmp_path, node_b, {}).folder / "run.json", raw=True)
    driver, work = (next(span for span in trace if span.name == name) for name in ("driver", "work"))
    assert work.start_ns - driver.start_ns > 2_000_000_000
    assert work.end_ns > driver.end_ns


def test_without_the_folder_a_shard_is_kept_and_said_to_be(tmp_path: Path, node_b: str) -> None:
    ended = _run(tmp_path, node_b, {"run": "/nowhere/here/run.json"})
    assert ended.code == 0, ended.out
    assert counts(ended.trace) == {"driver": 1}
    (shard,) = (tmp_path / "tmp").glob("nutrace-*/run.json.shard-*")
    assert counts(load(shard)) == {"work": 1, "inner": 1}
    assert ended.out.count("nutrace: ") == 1
    assert "/nowhere/here is not shared with node-b" in ended.out
    assert str(shard) in ended.out
    assert _ids(shard) == _ids(tmp_path / "run.json")
    os.rename(shard, tmp_path / shard.name)  # as the line says
    assert counts(ended.trace) == {"driver": 1, "work": 1, "inner": 1}


def _ids(file: Path) -> list[str]:
    return [load(file).resources[0].attributes[semconv.RUN_ID], load(file).trace_id(0)]


def test_a_folder_of_the_same_name_is_not_taken_for_the_shared_one(tmp_path: Path, node_b: str) -> None:
    (tmp_path / "same").mkdir()
    ended = _run(tmp_path, node_b, {"run": str(tmp_path / "same" / "run.json")})
    (shard,) = (tmp_path / "same").iterdir()
    assert f"{tmp_path / 'same'} is not shared with node-b" in ended.out
    assert str(shard) in ended.out


def test_a_probe_file_that_is_not_there_does_not_cost_the_spans(tmp_path: Path, node_b: str) -> None:
    write(tmp_path, WORKER, "worker.py")
    write(tmp_path, "", "mine.toml")
    source = f"""
        import os, subprocess
        import nutrace
        environ = {{**os.environ, "NUTRACE_PROBES": "/nowhere/mine.toml"}}
        with nutrace.span("driver"):
            subprocess.run([{node_b!r}, "worker.py"], env=environ, check=True)
    """
    ended = run(tmp_path, source)
    assert counts(ended.trace) == {"driver": 1, "work": 1, "inner": 1}
    assert "/nowhere/mine.toml is not on node-b" in ended.err


def test_a_process_id_of_another_host_is_not_ours(tmp_path: Path) -> None:
    here = Inherited(tmp_path / "run.json", "id", 255, 1, os.getpid(), True, tmp_path, "", this_host())
    assert belongs_to({"NUTRACE_PARENT": str(here)}) == (None, False)  # an earlier process with our number
    there = Inherited(tmp_path / "run.json", "id", 255, 1, os.getpid(), True, tmp_path, "", Host("b", "2"))
    assert belongs_to({"NUTRACE_PARENT": str(there)}) == (there, False)


def test_whether_a_process_of_another_host_lives_does_not_show() -> None:
    shard = names.shard_of(Path("/tmp/run.json"), "12345678")
    assert names.pid_in(shard.name) == str(os.getpid())
    assert names.writer_in(shard.name).pid == str(os.getpid())
    assert names.pid_in("run.json.shard-1@node_b-12345678abcdef.partial") == ELSEWHERE
    assert names.pid_in("run.json.shard-77-12345678abcdef.partial") == "77"
