"""``nutrace index`` shows, makes and drops indexes, and changes nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import document, write
from fakes.programs import environment
from fakes.tracing import Tracing

import nutrace
from nutrace.cli.main import main
from nutrace.plans import copying
from nutrace.plans import log_copies as copies
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.speedups.indexes import LogIndexes, Options

DDL = "CREATE INDEX nutrace_lights_pc ON lights (pc)"


def _indexes(path: Path) -> List[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")]


def _log(path: Path, rows: int = 5_000) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lights (pc INTEGER, status TEXT)")
        connection.execute("CREATE INDEX nutracer ON lights (status)")  # the user's own
        connection.executemany("INSERT INTO lights VALUES (?, 'red')", ((n % 500,) for n in range(rows)))
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return _log(tmp_path / "log.db")


@pytest.fixture
def run_file(tmp_path: Path, log: Path) -> Path:
    tracing = Tracing(tmp_path)
    with tracing(*PROBES), closing(sqlite3.connect(log)) as connection:
        for token in range(3):
            with nutrace.span("simulation.step", component="simulation"):
                connection.execute("SELECT * FROM lights WHERE pc = ?", (token,)).fetchall()
    assert tracing.path is not None
    return tracing.path


def test_shown_made_and_dropped(log: Path, run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = log.read_bytes()
    assert main(["index", str(log), "--run", str(run_file)]) == 0
    out = capsys.readouterr().out
    assert f"  {DDL};\n      10 rows to read instead of 5,000; saves about " in out
    assert f"nutrace index {log} --run {run_file} --apply" in out
    assert log.read_bytes() == before

    assert main(["index", str(log), "--run", str(run_file), "--apply"]) == 0
    assert capsys.readouterr().out.startswith(f"{log}: {DDL}; ")
    assert _indexes(log) == ["nutracer", "nutrace_lights_pc"]
    by_indexes = "all queries that were planned find their rows by indexes that are there"
    for more in ([], ["--apply"]):
        assert main(["index", str(log), "--run", str(run_file), *more]) == 0
        assert " ".join(capsys.readouterr().out.split()) == f"{log}: nothing to make: {by_indexes}"

    assert main(["index", str(log), "--drop"]) == 0
    assert capsys.readouterr().out == f'{log}: DROP INDEX "nutrace_lights_pc"\n'
    assert _indexes(log) == ["nutracer"]
    assert main(["index", str(log), "--drop"]) == 0
    assert capsys.readouterr().out == f"{log}: nutrace has made no index there\n"


def test_it_says_why_there_is_nothing_to_make(
    tmp_path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = _log(tmp_path / "few.db", 1)
    assert main(["index", str(few), "--run", str(run_file)]) == 0
    assert "nothing to make: no index would " in capsys.readouterr().out
    other = _devkits(tmp_path / "devkit.db")
    assert main(["index", str(other), "--run", str(run_file)]) == 0
    assert "nothing to make: no plan: no such table: lights" in capsys.readouterr().out
    without = tmp_path / "without.json"
    write(without, document(("simulation.step", 0, 10)))
    assert main(["index", str(other), "--run", str(without)]) == 0
    assert "nothing to make: the run has no statement that could be planned" in capsys.readouterr().out


def test_another_log_than_the_one_that_ran(
    tmp_path: Path, run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = _log(tmp_path / "other.db", 1_000)
    assert main(["index", str(other), "--run", str(run_file), "--json"]) == 0
    (index,) = json.loads(capsys.readouterr().out)[str(other)]
    assert (index["ddl"], index["rows"], index["rows_after"]) == (DDL, 1_000, 2)
    assert index["saved_ms_per_step"] > 0
    assert main(["index", str(other), "--run", str(run_file), "--apply", "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)[str(other)]
    assert made["ddl"] == DDL
    assert "nutrace_lights_pc" in _indexes(other)


def _refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    assert main(["index", *map(str, arguments)]) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_what_cannot_be_done(tmp_path: Path, log: Path, run_file: Path, capsys: Any) -> None:
    assert "no such file" in _refused(capsys, 3, tmp_path / "gone.db", "--run", run_file)
    assert "there is no such run" in _refused(capsys, 2, log, "--run", tmp_path / "gone.json")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all" * 50)
    assert "not a database" in _refused(capsys, 3, broken, "--drop")
    with closing(sqlite3.connect(log, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        said = _refused(capsys, 5, log, "--run", run_file, "--apply")
        assert "database is locked" in said
        assert "nutrace_lights_pc was not done" in said
    assert _indexes(log) == ["nutracer"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nutrace" / "logs"


def _copies(folder: Path) -> List[Path]:
    return sorted(folder.glob("*.db.*.nutrace*")) if folder.exists() else []


def _devkits(path: Path) -> Path:
    """A log with the tables that the devkit queries in each step."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lidar_box (lidar_pc_token BLOB, x REAL)")
        connection.execute("CREATE TABLE traffic_light_status (lidar_pc_token BLOB, status TEXT)")
        connection.execute("CREATE INDEX own ON traffic_light_status (lidar_pc_token)")
        connection.executemany("INSERT INTO lidar_box VALUES (?, 1.5)", ((bytes([n]),) for n in range(200)))
    return path


def test_copied_and_removed(log: Path, run_file: Path, cache: Path, capsys: Any) -> None:
    before = log.read_bytes()
    assert main(["index", str(log), "--run", str(run_file), "--copy"]) == 0
    out = capsys.readouterr().out
    (copy,) = _copies(log.parent)
    assert re.match(rf"{re.escape(f'{log}: copied to {copy} (0 MB, ')}\d\.\d s\)\n  {re.escape(DDL)}\n", out)
    assert "NUTRACE_SPEEDUPS=indexes" in out
    assert _indexes(copy) == ["nutracer", "nutrace_lights_pc"]
    assert copies.find(str(log), copies.folders(str(log))) == str(copy)
    assert main(["index", str(log), "--run", str(run_file), "--copy", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)[str(log)]
    assert told["copy"] == str(copy)
    assert (told["made"], told["bytes"], told["indexes"]) == (False, copy.stat().st_size, [DDL])
    assert log.read_bytes() == before

    assert main(["index", str(log), "--drop"]) == 0
    assert capsys.readouterr().out == f"{log}: removed {copy}\n"
    assert sorted(path.name for path in log.parent.glob("*nutrace*")) == []
    assert main(["index", str(log), "--drop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {str(log): []}
    assert log.read_bytes() == before


def test_a_copy_without_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    log, folder = _devkits(tmp_path / "devkit.db"), tmp_path / "copies"
    assert main(["index", "devkit.db", "--copy", "--output", "copies"]) == 0
    assert f"NUTRACE_SPEEDUPS=indexes:folder={folder}" in capsys.readouterr().out
    (copy,) = _copies(folder)
    assert _indexes(copy) == ["own", "nutrace_lidar_box_lidar_pc_token"]
    # An existing copy is used; the log is not written to.
    before = log.read_bytes()
    query = "SELECT x FROM lidar_box WHERE lidar_pc_token = ?"
    assert LogIndexes(Options(folder=str(folder))).file_for(str(log), query) == str(copy)
    assert log.read_bytes() == before
    # With a run, more indexes: one file gets both.
    ddl = "CREATE INDEX nutrace_lidar_box_x ON lidar_box (x)"
    assert copying.copy(str(log), str(folder), {"nutrace_lidar_box_x": ddl}).made
    assert _copies(folder) == [copy]
    assert set(_indexes(copy)) == {"own", "nutrace_lidar_box_lidar_pc_token", "nutrace_lidar_box_x"}
    indexed = _log(tmp_path / "other.db", 5)
    assert main(["index", str(indexed), "--copy", "--output", "copies"]) == 0
    assert capsys.readouterr().out == f"{indexed}: lacks no index, and was not copied\n"
    # The copy of a log that was removed can be dropped.
    log.unlink()
    assert main(["index", str(log), "--drop", "--output", "copies"]) == 0
    assert _copies(folder) == []


def test_what_cannot_be_copied(tmp_path: Path, cache: Path, capsys: Any, monkeypatch: Any) -> None:
    log = _devkits(tmp_path / "devkit.db")
    assert "--output needs" in _refused(capsys, 2, log, "--output", tmp_path)
    (tmp_path / "file").touch()
    assert "cannot be copied to" in _refused(capsys, 5, log, "--copy", "--output", tmp_path / "file")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    assert "no room for a copy" in _refused(capsys, 5, log, "--copy")
    assert _copies(tmp_path) == []


def test_interrupted_in_the_middle_nothing_is_left(tmp_path: Path) -> None:
    log = _log(tmp_path / "large.db", 200_000)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.copy(str(log), str(tmp_path / "copies"), {}, progress=interrupt)
    assert _copies(tmp_path / "copies") == []
    seen: List[float] = []
    copied = copying.copy(
        str(log), str(tmp_path / "copies"), {}, progress=lambda done, total: seen.append(done / total)
    )
    assert copied.made
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert Path(copied.path).read_bytes()[100:] == log.read_bytes()[100:]  # page for page


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_log_that_may_not_be_written(log: Path, run_file: Path, capsys: Any) -> None:
    log.chmod(0o444)
    assert "--copy makes a copy" in _refused(capsys, 5, log, "--run", run_file, "--apply")


def test_killed_in_the_middle_the_log_is_whole(tmp_path: Path) -> None:
    log = _log(tmp_path / "large.db", 1_000_000)
    code = f"""
from nutrace.plans import make
print("begun", flush=True)
list(make({str(log)!r}, [{DDL!r}, "CREATE INDEX nutrace_both ON lights (status, pc)"]))
"""
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    with closing(sqlite3.connect(log)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT COUNT(*) FROM lights").fetchone() == (1_000_000,)
    assert main(["index", str(log), "--drop"]) == 0
    assert _indexes(log) == ["nutracer"]
