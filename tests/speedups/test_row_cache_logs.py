"""The row cache and its logs: one that changes is asked anew, however it changes."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, List

import pytest
from asking import ALL, ROWS, CachedAsking, just_changed, make_numbers, settle


def names(asked: CachedAsking, numbers: str) -> List[str]:
    return [row["name"] for row in asked.many(numbers, "SELECT DISTINCT name FROM numbers ORDER BY name")]


@pytest.mark.parametrize("how", ["written to", "replaced", "copied over, same size and date"])
def test_a_log_that_changes_is_asked_anew(
    asked: CachedAsking, own_numbers: str, tmp_path: Path, how: str
) -> None:
    assert names(asked, own_numbers) == names(asked, own_numbers) == ["a"]
    other = make_numbers(tmp_path / "other.db", "b")
    settle(other)
    if how == "written to":
        with sqlite3.connect(own_numbers) as connection:
            connection.execute("UPDATE numbers SET name = 'b'")
        connection.close()
    elif how == "replaced":
        os.replace(other, own_numbers)
    else:
        dates = os.stat(own_numbers)
        shutil.copyfile(other, own_numbers)
        os.utime(own_numbers, ns=(dates.st_atime_ns, dates.st_mtime_ns))
        assert os.stat(own_numbers).st_size == dates.st_size
    settle(own_numbers)
    assert names(asked, own_numbers) == names(asked, own_numbers) == ["b"]
    assert asked.figures[:2] == (2, 2)


def test_a_change_that_waits_in_a_write_ahead_log(asked: CachedAsking, own_numbers: str) -> None:
    writer = sqlite3.connect(own_numbers, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    for name in "bc":
        before = os.stat(own_numbers)
        writer.execute("UPDATE numbers SET name = ?", (name,))
        assert os.stat(own_numbers).st_mtime_ns == before.st_mtime_ns
        settle(own_numbers + "-wal")
        assert names(asked, own_numbers) == names(asked, own_numbers) == [name]
    assert asked.figures[:2] == (2, 2)
    writer.close()


def test_a_write_ahead_log_lies_beside_the_file_and_not_beside_a_link(
    asked: CachedAsking, own_numbers: str, tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "log.db"
    link.symlink_to(own_numbers)
    writer = sqlite3.connect(own_numbers, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    for name in "bc":
        writer.execute("UPDATE numbers SET name = ?", (name,))
        settle(own_numbers, own_numbers + "-wal")
        assert names(asked, str(link)) == names(asked, str(link)) == [name]
    assert asked.figures[:2] == (2, 2)
    writer.close()


def test_a_log_that_changes_during_its_query_is_not_kept(asked: CachedAsking, own_numbers: str) -> None:
    rows = asked.many(own_numbers, ALL)
    next(rows)
    os.utime(own_numbers, ns=(0, 0))
    assert len(list(rows)) == ROWS - 1
    assert asked.cache.size == 0


def test_right_after_a_change_nothing_is_kept(asked: CachedAsking, own_numbers: str) -> None:
    """A second one within a tick of the file system's clock would not be seen."""
    os.utime(own_numbers)
    with just_changed():
        assert [names(asked, own_numbers) for _ in range(2)] == [["a"]] * 2
        assert asked.figures == (0, 2, 0, 0)
    settle(own_numbers)
    assert [names(asked, own_numbers) for _ in range(2)] == [["a"]] * 2
    assert asked.figures == (1, 3, 0, 1)


def test_two_logs_and_one_by_two_names(
    asked: CachedAsking, own_numbers: str, numbers: str, monkeypatch: Any
) -> None:
    with sqlite3.connect(own_numbers) as connection:
        connection.execute("UPDATE numbers SET name = 'own'")
    connection.close()
    settle(own_numbers)
    assert names(asked, own_numbers) == ["own"]
    assert names(asked, numbers) == ["a"]
    monkeypatch.chdir(Path(own_numbers).parent)
    assert names(asked, "own.db") == ["own"]
    assert asked.figures[:2] == (1, 2)


def test_without_a_log_it_is_as_without_a_cache(asked: CachedAsking, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        list(asked.many(str(missing), ALL))
    assert missing.exists()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        list(asked.many(str(tmp_path), ALL))
    corrupt = tmp_path / "corrupt.db"
    corrupt.write_bytes(b"no database" * 1000)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        list(asked.many(str(corrupt), ALL))
    assert asked.cache.size == 0
