"""Indexes made while a program runs: in its log or in a copy, whole or not at all, and no row moved."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, List

import pytest
from fakes.noted import Noted, compared
from fakes.programs import finish, start, write
from test_miniature_speedups import POOL, STEPS, Traced, simulate
from test_switching_on import BEGIN

from nutrace.analysis.database import database
from nutrace.analysis.installed_speedups import installed_speedups
from nutrace.cli.main import main
from nutrace.demo.miniature import queries, query_session
from nutrace.errors import SettingsError
from nutrace.plans import log_copies as copies
from nutrace.recording.span import process_state, unrecorded
from nutrace.speedups import chosen
from nutrace.speedups.active import speedups
from nutrace.speedups.connection_pool import ConnectionPool
from nutrace.speedups.indexes import LogIndexes, Options, log_indexes
from nutrace.synthetic import LogSpec, write_log
from nutrace.trace import load
from nutrace.verify import files

NAMES = ["nutrace_lidar_box_lidar_pc_token", "nutrace_traffic_light_status_lidar_pc_token"]
LIGHTS = """
    SELECT light.lane_connector_id, light.status FROM lidar_pc AS sweep
    INNER JOIN traffic_light_status AS light ON sweep.token = light.lidar_pc_token WHERE sweep.token = ?
"""
BOXES = "SELECT box.* FROM lidar_box AS box WHERE box.lidar_pc_token = ?"
SEVERAL = "SELECT * FROM lidar_box WHERE lidar_pc_token IN (?, ?)"
BY_FRAME = re.compile("traffic_light_status|lidar_box")
SWEEPS = "SELECT token FROM lidar_pc ORDER BY timestamp"


@pytest.fixture(scope="module")
def unindexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.db"
    write_log(str(path), LogSpec(seconds=27, agents=20, traffic_lights=23, indexes=False))
    return path


@pytest.fixture
def log(tmp_path: Path, unindexed: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copyfile(unindexed, str(tmp_path / "log.db"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "nutrace" / "logs"


def rows(file: str, text: str, *parameters: Any) -> List[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(text, parameters).fetchall()


def made(file: str) -> List[str]:
    indexes = rows(file, "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'nutrace%'")
    return sorted(name for (name,) in indexes)


def names(folder: Path) -> List[str]:
    """Copies, and what is left of copies."""
    entries = os.listdir(folder) if folder.exists() else []
    return sorted(name for name in entries if name != ".nutrace-lock")


def equal_rows(file: str, other: str) -> None:
    for (token,) in rows(other, SWEEPS)[::25]:
        for text in (LIGHTS, BOXES):
            expected = rows(other, text, token)
            assert rows(file, text, token) == expected
            assert len(expected) >= 20


def test_in_the_log(log: str, unindexed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    indexes = LogIndexes()
    for text in (SWEEPS, LIGHTS, LIGHTS, BOXES):
        assert indexes.file_for(log, text) == log
    assert made(log) == NAMES
    equal_rows(log, str(unindexed))
    stats = indexes.stats()
    assert (stats["indexes_made"], stats["already_there"], stats["failed"]) == (2, 0, 0)
    assert stats["spent_ns"] > 0
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 2
    assert f"nutrace: indexes: {log}: CREATE INDEX {NAMES[1]} ON traffic_light_status" in printed[0]

    other = LogIndexes()
    assert other.file_for(log, LIGHTS) == other.file_for(log, BOXES) == log
    assert (other.stats()["indexes_made"], other.stats()["already_there"]) == (0, 2)
    assert capsys.readouterr().err == ""
    for each in (log, Path(log), os.fsencode(log), log):
        assert other.answer(LIGHTS, (b"",), each) is None  # the program's own function reads the log
    assert main(["index", log, "--drop"]) == 0
    assert made(log) == []
    assert rows(log, "SELECT name, sql FROM sqlite_master") == rows(
        str(unindexed), "SELECT name, sql FROM sqlite_master"
    )


def test_in_a_copy(log: str, folder: Path, unindexed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    indexes = LogIndexes(Options(place="copy"))
    assert indexes.file_for(log, SWEEPS) == log
    assert not folder.exists()
    copy = indexes.file_for(log, LIGHTS)
    assert names(folder) == [os.path.basename(copy)]
    assert indexes.file_for(log, BOXES) == copy
    assert not copy.endswith(".db")  # the devkit would take it for a log
    assert made(copy) == NAMES
    equal_rows(copy, str(unindexed))
    assert indexes.answer(SWEEPS, (), log) is None
    for token, text in ((b"none", LIGHTS), *((rows(log, SWEEPS)[25][0], text) for text in (LIGHTS, BOXES))):
        answer = indexes.answer(text, (token,), log)
        assert answer is not None
        assert answer.rows == rows(str(unindexed), text, token)
    asked: List[str] = []
    pool = ConnectionPool()

    def following(query: str, parameters: Any, file: str) -> Any:
        asked.append(file)
        return pool.answer(query, parameters, file)

    through = LogIndexes(Options(place="copy"), following)
    assert [row["status"] for row in through.answer(LIGHTS, (token,), log).fresh()]  # type: ignore[union-attr]
    assert (asked, pool.stats()["checkouts"]) == ([copy], 1)
    pool.close()
    failing = LIGHTS.replace("light.status", "ABS(-9223372036854775808)")
    assert indexes.answer(failing, (token,), log) is None
    assert indexes.file_for(log, SEVERAL) == log  # IN finds the rows of one frame after the other's
    assert Path(log).read_bytes() == unindexed.read_bytes()
    stats = indexes.stats()
    assert (stats["indexes_made"], stats["copies_made"], stats["queries_redirected"]) == (2, 1, 3)
    assert (stats["refused"], stats["bytes_copied"]) == (1, os.path.getsize(copy))
    assert capsys.readouterr().err.count("\n") == 1

    other = LogIndexes(Options(place="copy"))
    assert other.file_for(log, LIGHTS) == copy
    assert (other.stats()["copies_made"], other.stats()["copies_found"]) == (0, 1)
    assert capsys.readouterr().err == ""
    assert main(["index", log, "--drop"]) == 0
    assert os.listdir(folder) == []
    assert indexes.file_for(log, LIGHTS) == log  # and makes no empty file of that name
    assert names(folder) == []
    assert indexes.file_for(log, LIGHTS) == copy


def test_a_log_that_changes_leaves_its_copy_behind(log: str, folder: Path) -> None:
    indexes = LogIndexes(Options(place="copy"))
    first = indexes.file_for(log, LIGHTS)
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("UPDATE traffic_light_status SET status = 'unknown'")
    second = indexes.file_for(log, LIGHTS)
    assert second != first
    assert rows(second, "SELECT DISTINCT status FROM traffic_light_status") == [("unknown",)]
    assert names(folder) == [os.path.basename(second)]


def test_a_copy_waits_until_the_next_change_would_show(log: str) -> None:
    """One within a tick of the file system's clock would leave the log's date, and so the copy's name."""
    os.utime(log)
    copy = LogIndexes(Options(place="copy")).file_for(log, LIGHTS)
    assert copy != log
    assert os.stat(copy).st_ctime - os.stat(log).st_ctime > 0.09


def test_without_a_home(log: str, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which is to be ignored
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert LogIndexes(Options(place="copy")).file_for(log, LIGHTS) == log
    assert os.listdir(tmp_path) == ["log.db"]
    assert capsys.readouterr().err == (
        f"nutrace: indexes: {log}: no copy: this user has no home for it, and no folder is named; "
        "its statements run as stock\n"
    )
    assert LogIndexes(Options(place="copy", folder="own")).file_for(log, LIGHTS).startswith(str(tmp_path))


def test_a_fault_is_said_by_the_plain_class_too(log: str, monkeypatch: Any, capsys: Any) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("an odd plan")

    monkeypatch.setattr(log_indexes, "plan_of", fail)
    monkeypatch.setattr(process_state, "fault", unrecorded)
    assert LogIndexes(Options(place="copy")).file_for(log, LIGHTS) == log
    assert capsys.readouterr().err == (
        f"nutrace: fault in nutrace (the program goes on): looking for indexes in {log}: "
        "RuntimeError: an odd plan\n"
    )


def test_a_folder_of_ones_own(log: str, folder: Path, tmp_path: Path) -> None:
    indexes = LogIndexes(Options(place="copy", folder=str(tmp_path / "own")))
    assert os.path.dirname(indexes.file_for(log, LIGHTS)) == str(tmp_path / "own")
    assert not folder.exists()
    assert main(["index", log, "--drop", "--output", str(tmp_path / "own")]) == 0
    assert os.listdir(tmp_path / "own") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_log_that_may_not_be_written(log: str) -> None:
    os.chmod(log, 0o444)
    assert LogIndexes().file_for(log, LIGHTS) != log
    assert LogIndexes(Options(place="log")).file_for(log, LIGHTS) == log
    assert made(log) == []


def test_a_statement_seen_before_whose_order_an_index_could_change(log: str) -> None:
    indexes = LogIndexes()
    indexes.file_for(log, SEVERAL)
    assert indexes.file_for(log, BOXES) != log
    assert made(log) == []


def test_a_statement_seen_later(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    indexes = LogIndexes()
    indexes.file_for(log, BOXES)
    capsys.readouterr()
    assert indexes.file_for(log, SEVERAL) == log
    printed = capsys.readouterr().err
    assert "rows of a statement may come in another order than without nutrace_lidar_box" in printed
    assert "SELECT * FROM lidar_box WHERE lidar_pc_token IN (?, ?)" in printed
    assert printed.count("\n") == 1
    assert indexes.stats()["refused"] == 1


def test_no_room(log: str, folder: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    indexes = LogIndexes(Options(place="copy", most_gib=0.001))
    assert indexes.file_for(log, LIGHTS) == indexes.file_for(log, BOXES) == log
    printed = capsys.readouterr().err.splitlines()
    assert "would take more than 1 MB; its statements run as stock" in printed[-1]
    usage = shutil.disk_usage(log)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    assert LogIndexes(Options(place="copy")).file_for(log, LIGHTS) == log
    assert "no room for a copy" in capsys.readouterr().err.splitlines()[-1]
    assert names(folder) == []


@pytest.mark.parametrize("place", ["log", "copy"])
def test_a_disk_that_fills_up(tmp_path: Path, log: str, folder: Path, unindexed: Path, place: str) -> None:
    pytest.importorskip("resource")
    source = f"""
    import os, resource, signal
    from nutrace.speedups.indexes import LogIndexes, Options
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    most = os.path.getsize({log!r}) + 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    indexes = LogIndexes(Options(place={place!r}))
    print(indexes.file_for({log!r}, {LIGHTS!r}), indexes.stats()["failed"])
    """
    ended = finish(tmp_path, start(tmp_path, [write(tmp_path, source).name], traced=False))
    assert (ended.code, ended.out) == (0, f"{log} 1\n")
    assert ended.err.splitlines()[-1].endswith("its statements run as stock")
    assert names(folder) == []
    assert made(log) == []
    assert rows(log, "PRAGMA integrity_check") == [("ok",)]
    equal_rows(log, str(unindexed))


def test_bad_logs_are_a_line_and_run_as_stock(log: str, tmp_path: Path, capsys: Any) -> None:
    broken = str(tmp_path / "broken.db")
    Path(broken).write_bytes(b"no database at all" * 50)
    indexes = LogIndexes()
    assert indexes.file_for(broken, LIGHTS) == indexes.file_for(broken, BOXES) == broken
    for text in (
        "SELECT gone FROM lidar_box",
        "SELECT * FROM lidar_box; SELECT 1",
        "SELECT '\0' FROM lidar_box",
    ):
        assert indexes.file_for(log, text) == log  # what is wrong with it, the program hears itself
    gone = str(tmp_path / "gone.db")
    assert indexes.file_for(gone, LIGHTS) == gone
    assert not os.path.exists(gone)
    printed = capsys.readouterr().err
    assert printed == f"nutrace: indexes: {broken}: file is not a database; its statements run as stock\n"
    with closing(sqlite3.connect(log, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert indexes.file_for(log, LIGHTS) == log
    printed = capsys.readouterr().err
    assert printed == f"nutrace: indexes: {log}: database is locked; its statements run as stock\n"


def test_no_copy_of_a_log_in_write_ahead_mode(log: str, folder: Path, capsys: Any) -> None:
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    assert LogIndexes(Options(place="copy")).file_for(log, LIGHTS) == log
    assert "write-ahead mode" in capsys.readouterr().err
    assert names(folder) == []


def test_nothing_is_made_while_its_log_is_read(log: str, unindexed: Path) -> None:
    (token,) = rows(log, SWEEPS)[9]
    expected = list(queries.get_tracked_objects(str(unindexed), token))
    with speedups("indexes") as (installation,):
        outer = query_session.execute_many(SWEEPS, (), log)
        next(outer)
        assert list(queries.get_tracked_objects(log, token)) == expected
        assert installation.part.stats()["deferred"] == 1
        outer.close()
        assert made(log) == []
        first = queries.get_tracked_objects(log, token)
        assert made(log) == []  # nothing is looked at before the first row
        next(first)
        assert made(log) == NAMES[:1]
        first.close()


PROCESS = """
import json, sys, threading
from nutrace.speedups.indexes import LogIndexes, Options
log, place, *texts = sys.argv[1:]
indexes = LogIndexes(Options(place=place))
print("ready", flush=True)
sys.stdin.readline()
answers = []
threads = [threading.Thread(target=lambda: answers.append([indexes.file_for(log, text) for text in texts]))
           for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(answers) == 4 and all(each == answers[0] for each in answers), answers
print(json.dumps([answers[0], indexes.stats()]))
"""


@pytest.mark.parametrize("place", ["log", "copy"])
def test_processes_and_threads_that_start_together(
    tmp_path: Path, log: str, folder: Path, unindexed: Path, place: str
) -> None:
    program = write(tmp_path, PROCESS).name
    pipes = {"stdin": -1, "traced": False}
    started = [start(tmp_path, [program, log, place, LIGHTS, BOXES], **pipes) for _ in range(4)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [finish(tmp_path, process) for process in started]
    assert [each.code for each in ended] == [0] * 4, ended
    printed = [json.loads(each.out) for each in ended]
    assert sum(stats["indexes_made"] for _, stats in printed) == 2
    assert sum(stats["failed"] for _, stats in printed) == 0
    files = {file for files, _ in printed for file in files}
    assert len(files) == 1
    (file,) = files
    assert (file == log) is (place == "log")
    assert made(file) == NAMES
    equal_rows(file, str(unindexed))
    assert names(folder) == ([] if place == "log" else [os.path.basename(file)])


def test_killed_while_a_copy_is_made(tmp_path: Path, log: str, folder: Path, unindexed: Path) -> None:
    source = f"""
    import os, signal
    from nutrace.plans.copying import copy
    from nutrace.plans.log_copies import cache_folder
    def look(done, total):
        if done > total / 2:
            os.kill(os.getpid(), signal.SIGKILL)
    import nutrace.plans.copying as copying
    copying._PAGES = 16
    copy({log!r}, cache_folder(), {{}}, progress=look)
    """
    ended = finish(tmp_path, start(tmp_path, [write(tmp_path, source).name], traced=False))
    assert ended.code == -signal.SIGKILL
    (partial,) = [name for name in names(folder) if not name.endswith("-journal")]
    assert partial.endswith(".partial")
    assert copies.find(log, [str(folder)]) is None
    copy = LogIndexes(Options(place="copy")).file_for(log, LIGHTS)
    assert names(folder) == [os.path.basename(copy)]
    equal_rows(copy, str(unindexed))


def test_killed_while_an_index_is_written(tmp_path: Path, log: str, unindexed: Path) -> None:
    pytest.importorskip("resource")
    source = f"""
    import os, resource, signal
    from nutrace.speedups.indexes import LogIndexes
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # a write beyond the limit kills, amid the commit
    most = os.path.getsize({log!r}) + 16 * 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    LogIndexes().file_for({log!r}, {BOXES!r})
    """
    ended = finish(tmp_path, start(tmp_path, [write(tmp_path, source).name], traced=False))
    assert ended.code == -signal.SIGXFSZ
    assert os.path.getsize(log) > os.path.getsize(unindexed)
    assert os.path.getsize(log + "-journal") > 0
    assert made(log) == []
    assert rows(log, "PRAGMA integrity_check") == [("ok",)]
    assert Path(log).read_bytes() == unindexed.read_bytes()
    LogIndexes().file_for(log, BOXES)
    assert made(log) == NAMES[:1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forks(log: str) -> None:
    indexes = LogIndexes(Options(place="copy"))
    making = threading.Thread(target=indexes.file_for, args=(log, LIGHTS))
    making.start()
    child = os.fork()  # waits until it is whole
    if not child:
        copy = indexes.file_for(log, LIGHTS)
        stats = indexes.stats()
        right = made(copy) == NAMES and stats["copies_made"] + stats["copies_found"] <= 1
        os._exit(0 if right else 1)
    making.join()
    assert os.waitpid(child, 0)[1] == 0
    assert indexes.stats()["copies_made"] + indexes.stats()["copies_found"] == 1


def test_options() -> None:
    with pytest.raises(SettingsError, match="indexes: place is 'here': use auto, log, copy"):
        chosen("indexes:place=here")
    with pytest.raises(SettingsError, match="most_gib is 0, and must be above 0"):
        chosen("indexes:most_gib=0")
    places = {text: each.options.place for text in ("all", "indexes", "all,indexes", "all,indexes:place=log")
              for each in chosen(text) if each.speedup.name == "indexes"}  # fmt: skip
    # Somebody who writes all has not asked for changes to logs.
    assert list(places.values()) == ["copy", "auto", "auto", "log"]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory, unindexed: Path) -> Noted:
    return simulate(tmp_path_factory.mktemp("stock") / "run", str(unindexed), "", traced=False)


def miniature(folder: Path, log: str, speedups: str, **variables: str) -> Noted:
    """Run it; the only lines printed are those of the indexes."""
    noted = Noted(folder)
    source = f"{BEGIN}import sys\nfrom nutrace.demo.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    arguments = [write(folder, source).name, log, str(noted.output), f"scenario.frames={STEPS + 1}"]
    variables.update(noted.variables, NUTRACE_SPEEDUPS=speedups)
    ended = finish(folder, start(folder, arguments, traced=False, variables=variables))
    assert ended.code == 0
    assert [line for line in ended.err.splitlines() if not line.startswith("nutrace: indexes: ")] == []
    assert files.main(noted.reading) == 0
    return noted


@pytest.mark.parametrize("chosen_by", ["indexes", "indexes:place=copy", "all", "all,indexes:place=log"])
def test_outputs_are_equal(
    tmp_path: Path, log: str, folder: Path, unindexed: Path, stock: Noted, chosen_by: str
) -> None:
    comparison = compared(stock, miniature(tmp_path / "run", log, chosen_by))
    assert (comparison.differences, comparison.steps, comparison.files) == ([], STEPS, 1)
    in_place = chosen_by in ("indexes", "all,indexes:place=log")
    # With all, the prefetch reads the objects of many frames at once, and asks for no index.
    least = NAMES if chosen_by == "indexes" else NAMES[1:]
    assert set(least if in_place else ()) <= set(made(log)) <= set(NAMES if in_place else ())
    assert (Path(log).read_bytes() == unindexed.read_bytes()) is not in_place
    assert len(names(folder)) == (0 if in_place else 1)


def test_the_statements_are_those_of_stock(tmp_path: Path, log: str, folder: Path, unindexed: Path) -> None:
    plain = Traced(tmp_path / "plain", str(unindexed), "")
    miniature(tmp_path / "copy", log, f"indexes:place=copy,{POOL}", NUTRACE="1", NUTRACE_SUMMARY="0")
    trace = load(tmp_path / "copy" / "run.json")
    traced, figures = database(trace), installed_speedups(trace).speedups
    indexes = {each.name: each.figures for each in figures}["indexes"]
    assert [
        (each.text, each.all.count, each.all.rows) for each in traced.statements if "nutrace" in each.text
    ] == []
    assert traced.all.count == plain.database.all.count
    # The program takes the first of two rows of one query; the pool reads queries to their end.
    assert traced.all.rows == plain.database.all.rows + 1
    (copy,) = names(folder)
    redirected = sum(
        use.all.count for each in traced.statements for use in each.uses if use.database.endswith(copy)
    )
    concerned = [each.all.count for each in plain.database.statements if BY_FRAME.search(each.text)]
    assert redirected == indexes["queries_redirected"] == sum(concerned) > STEPS
    # The pool has one connection to the log and one to the copy; SQLAlchemy reads the metadata by two.
    assert traced.connections.opened == 2 + 2
