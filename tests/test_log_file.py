"""Whether a log is the same file, unchanged; and the program's locks on it stay while that is looked at."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fakes.programs import environment

from nutrace import log_file
from nutrace.log_file import fingerprint, header, identity, is_settled, state


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(5_000)))
    return path


def another_program_can_write(log: Path) -> bool:
    code = f"import sqlite3; sqlite3.connect({str(log)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    ended = subprocess.run([sys.executable, "-c", code], env=environment(), stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 0 or "is locked" in ended.stderr
    return ended.returncode == 0


def test_the_programs_locks_stay(log: Path) -> None:
    with closing(sqlite3.connect(log, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert not another_program_can_write(log)
        for look in (header, state, fingerprint):
            assert look(str(log))
        log_file._has_wal.clear()
        assert state(str(log))
        assert not another_program_can_write(log)
        # What this is about: an open file that is closed takes the locks with it.
        log.open("rb").close()
        assert another_program_can_write(log)


def test_the_header(log: Path) -> None:
    read = header(str(log))
    assert read is not None
    assert not read.has_wal
    assert read.page_size * read.pages == log.stat().st_size
    assert read.changes == read.valid_for > 0
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("UPDATE t SET x = x + 1")
    later = header(str(log))
    assert later is not None
    assert later.changes == read.changes + 1
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    in_wal = header(str(log))
    assert in_wal is not None
    assert in_wal.has_wal


@pytest.mark.parametrize("what", ["a fifo", "a folder", "a device", "missing", "no database", "short"])
def test_what_is_no_database_has_no_header(tmp_path: Path, what: str) -> None:
    path = tmp_path / "log.db"
    if what == "a fifo":
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to(tmp_path / "fifo")
    elif what == "a folder":
        path.mkdir()
    elif what == "a device":
        path = Path("/dev/zero")
    elif what != "missing":
        path.write_bytes(b"no database" * (100 if what == "no database" else 1))
    assert header(str(path)) is None
    assert fingerprint(str(path)) == ""
    assert what in ("a folder", "a device") or sorted(tmp_path.glob("*-*")) == []


def test_threads_that_open_and_close_files_meanwhile(log: Path, tmp_path: Path) -> None:
    """Descriptors are numbers, and get another file as soon as they are closed."""
    other = tmp_path / "other"
    other.write_bytes(b"SQLite format 3\0" + bytes(range(84)))
    ended = threading.Event()

    def open_and_close() -> None:
        while not ended.is_set():
            for path in (other, log):
                os.close(os.open(path, os.O_RDONLY))

    threads = [threading.Thread(target=open_and_close) for _ in range(3)]
    for thread in threads:
        thread.start()
    expected = header(str(log))
    read = {header(str(log)) for _ in range(200)}
    ended.set()
    for thread in threads:
        thread.join()
    assert read == {expected}


def test_a_state_is_settled_when_the_next_change_would_show(log: Path) -> None:
    def dated(before_s: float) -> Any:
        return (1, 2, 3, 0, time.time_ns() - int(before_s * 1e9) | 1), None

    assert not is_settled(dated(0.05))
    assert is_settled(dated(0.2))
    assert not is_settled(dated(-5))  # another machine's clock
    # A file system that keeps whole seconds.
    second = time.time_ns() // 1_000_000_000 * 1_000_000_000
    assert not is_settled(((1, 2, 3, 0, second - 1_000_000_000), None))
    assert is_settled(((1, 2, 3, 0, second - 3_000_000_000), None))


def test_where_dates_tell_nothing_the_counter_does(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "identity", lambda file: (1, 1, os.stat(file).st_size, 0, 0))
    before = fingerprint(str(log))
    assert fingerprint(str(log)) == before != ""
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("UPDATE t SET x = 7 WHERE x = 8")
    assert fingerprint(str(log)) != before


def test_a_change_in_place_that_keeps_size_and_date(log: Path) -> None:
    before, dates = identity(str(log)), log.stat()
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("UPDATE t SET x = 7 WHERE x = 8")
    os.utime(log, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert (log.stat().st_size, log.stat().st_mtime_ns) == (dates.st_size, dates.st_mtime_ns)
    assert identity(str(log)) != before
