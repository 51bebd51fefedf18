"""Parts of a run from several machines become one run file: nothing lost, nothing twice."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import RESOURCE, envelope, spans, write
from fakes.programs import counts, losses
from fakes.programs import run as run_program

from nutrace import load
from nutrace.cli.main import main
from nutrace.recording import names
from nutrace.recording.locks import lock
from nutrace.recording.runfile import RunFile

KILLED = """
    import os, signal, sys
    import nutrace
    from nutrace import session
    if os.fork() == 0:
        with nutrace.span("first child"):
            with nutrace.span("inner", text="]}]}"):
                pass
        sys.exit()  # in order
    os.wait()
    if os.fork() == 0:
        with nutrace.span("open"):
            with nutrace.span("second child"):
                pass
            session._session.recorder.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    with nutrace.span("driver"):
        pass
    session._session.recorder.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose first process was killed: a partial file and two shards."""
    folder = tmp_path_factory.mktemp("killed")
    ended = run_program(
        folder, KILLED, variables={"NUTRACE_FLUSH_SECONDS": "0.05", "NUTRACE_COMPRESS_US": "0"}
    )
    assert ended.code == -signal.SIGKILL
    assert len(ended.files) == 3
    return folder


@pytest.fixture
def parts(killed: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(killed, tmp_path / "parts"))


def _shards(folder: Path) -> List[Path]:
    return sorted(folder.glob("*.shard-*"))


def test_the_result_is_what_the_first_process_would_have_written(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "joined.json"
    assert main(["join", str(parts / "run.json"), "-o", str(out)]) == 0
    assert f"wrote {out}: 3 processes on {os.uname().nodename}, from 3 files\n" == capsys.readouterr().out
    assert len(list(parts.iterdir())) == 4  # with the program: what has another name stays
    assert b"\n" not in out.read_bytes()[:-1]
    trace = load(out)
    assert counts(trace) == {"first child": 1, "inner": 1, "open": 1, "second child": 1, "driver": 1}
    assert losses(trace) == {"unfinished": 1}

    run_id = trace.resources[0].attributes["nutrace.run.id"]
    fd = os.open(parts / "run.json.partial", os.O_RDWR | os.O_APPEND)
    finished = RunFile(parts / "run.json", run_id, fd).finish()
    assert (finished.joined, finished.path) == (2, parts / "run.json")
    assert out.read_bytes() == (parts / "run.json").read_bytes()


def test_parts_from_several_folders_are_put_together(parts: Path, tmp_path: Path) -> None:
    first, second = _shards(parts)
    for number, shard in enumerate((first, second)):
        (tmp_path / f"host{number}").mkdir()
        shutil.move(str(shard), tmp_path / f"host{number}" / shard.name)
    out = tmp_path / "run.json.gz"
    assert main(["join", str(parts), str(tmp_path / "host0"), str(tmp_path / "host1"), "-o", str(out)]) == 0
    assert gzip.decompress(out.read_bytes()).endswith(b"]}\n")
    assert len(load(out).resources) == 3
    one = tmp_path / "one.json"
    assert main(["join", *map(str, tmp_path.glob("host*/*")), "-o", str(one)]) == 0
    assert len(load(one).resources) == 2  # without the first process


def test_what_is_there_twice_counts_once(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finished file, a shard that is in it, and a copy that was made of it before its process had ended."""
    out, again, shard = tmp_path / "run.json", tmp_path / "again.json", _shards(parts)[0]
    assert main(["join", str(parts), "-o", str(out)]) == 0
    early = tmp_path / f"early{names.PARTIAL}"
    early.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[:-1]) + b'{"resourceSpans":[{"re')
    assert main(["join", str(early), str(out), str(shard), "-o", str(again)]) == 0
    assert "4 spans were in two files, and counted once" in capsys.readouterr().out
    one, other = load(out), load(again)
    assert counts(one) == counts(other)
    assert losses(one) == losses(other) == {"unfinished": 1}
    keys = [sorted(map(str, each.attributes.items())) for trace in (one, other) for each in trace.resources]
    assert sorted(keys[:3]) == sorted(keys[3:])


def test_joined_where_its_parts_are(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the parts would be read a second time, with the file."""
    assert main(["join", str(parts), "-o", str(parts / "run.json")]) == 0
    assert "removed 3 partial files of that name, which are in it now" in capsys.readouterr().out
    assert sorted(file.name for file in parts.iterdir()) == ["program.py", "run.json"]
    assert losses(load(parts / "run.json")) == {"unfinished": 1}


def test_nothing_is_overwritten_without_force(
    parts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.json"
    out.write_text("mine")
    assert main(["join", str(parts), "-o", str(out)]) == 5
    assert (
        "run.json exists: name another file with -o, or overwrite it with --force" in capsys.readouterr().err
    )
    assert out.read_text() == "mine"
    assert main(["join", str(parts), "-o", str(out), "--force"]) == 0
    before = out.read_bytes()
    assert main(["join", str(out), "-o", str(out), "--force"]) == 0  # of itself
    assert out.read_bytes() == before
    assert len(load(out).resources) == 3


def _process(pid: int, run_id: str = "run1", **more: Any) -> Dict[str, Any]:
    return {**RESOURCE, "process.pid": pid, "nutrace.run.id": run_id, **more}


def test_parts_of_other_runs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "one.json", envelope(spans(("job", 0, 9)), _process(1)))
    other = write(tmp_path / "other.json", envelope(spans(("job", 0, 9)), _process(1, "run2")))
    out = tmp_path / "out.json"
    assert main(["join", str(one), str(other), "-o", str(out)]) == 3
    assert f"{other} is of another run than {one} (run2, not run1)" in capsys.readouterr().err
    assert not out.exists()
    (tmp_path / "left").mkdir()
    left = tmp_path / "left" / "run.json.shard-2@b-run2ab.partial"
    write(left, envelope(spans(("job", 0, 9)), _process(2, "run2")))
    assert main(["join", str(one), str(left.parent), "-o", str(out)]) == 3
    assert (
        f"{left.parent}/run.json and the shards beside it are of other runs than {one}"
        in capsys.readouterr().err
    )
    ours = left.with_name("run.json.shard-3@b-run1ab.partial")
    write(ours, envelope(spans(("more", 0, 9), first_id=9), _process(3)))
    assert main(["join", str(one), str(left.parent), "-o", str(out)]) == 0  # without the other run's
    assert len(load(out).resources) == 2
    out.unlink()
    foreign = write(tmp_path / "foreign.json", envelope(spans(("job", 0, 9)), {"service.name": "shop"}))
    assert main(["join", str(foreign), "-o", str(out)]) == 3
    assert "is not of nutrace, and names no run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"{}", "holds no part of a run"),
        (b"hello", "holds no part of a run"),
        (b'{"resourceSpans": 7}', "holds no part of a run"),
        (b"\x00\x01", "not a trace"),
        (b"[" * 100_000, "holds no part of a run"),
    ],
)
def test_what_is_no_part_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    assert main(["join", str(tmp_path / "bad.json"), "-o", str(tmp_path / "out.json")]) == 3
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert main(["join", str(tmp_path / "none.json"), "-o", str(tmp_path / "out.json")]) == 3
    assert main(["join", "-", "-o", str(tmp_path / "out.json")]) == 2
    assert not (tmp_path / "out.json").exists()


def test_a_broken_line_is_said_to_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.dumps(envelope(spans(("job", 0, 9)), _process(1)))
    more = json.dumps(envelope(spans(("more", 20, 29), first_id=9), _process(1)))
    (tmp_path / "run.jsonl").write_text(f"{good}\n{good[:50]}\n{more}\n")
    out = tmp_path / "out.json"
    assert main(["join", str(tmp_path / "run.jsonl"), "-o", str(out)]) == 0
    assert "1 line could not be read: left out" in capsys.readouterr().out
    assert counts(load(out)) == {"job": 1, "more": 1}


def test_a_part_that_is_being_written_stays(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = _shards(parts)[0]
    with open(shard, "rb") as held:
        lock(held.fileno())
        assert main(["join", str(parts), "-o", str(parts / "run.json")]) == 0
    assert "a process still writes: this is what was there" in capsys.readouterr().out
    assert sorted(file.name for file in parts.glob("run*")) == ["run.json", shard.name]


def test_processes_of_two_hosts_with_one_id_stay_two(tmp_path: Path) -> None:
    for host in ("a", "b"):
        process = _process(7, **{"host.name": host, "nutrace.run.parent_pid": 1})
        write(tmp_path / f"run.json.shard-7@{host}-run1.partial", envelope(spans((host, 0, 9)), process))
    assert main(["join", *map(str, tmp_path.glob("*.partial")), "-o", str(tmp_path / "out.json")]) == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert len(content["resourceSpans"]) == 2
