"""A copy of a log answers for it only while nothing speaks against it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from nutrace.errors import OutputError
from nutrace.plans.copying import copy
from nutrace.plans.log_copies import all_of, find, folders, unused
from nutrace.speedups.indexes import LogIndexes, Options

BOXES = "SELECT x FROM lidar_box WHERE lidar_pc_token = ?"
NAME = "nutrace_lidar_box_lidar_pc_token"
INDEX = {NAME: f"CREATE INDEX {NAME} ON lidar_box (lidar_pc_token)"}


def make_log(path: Path, x: int = 5, rows: int = 2_000) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE lidar_box (lidar_pc_token BLOB, x INTEGER)")
        boxes = ((bytes([n % 100]), x) for n in range(rows))
        connection.executemany("INSERT INTO lidar_box VALUES (?, ?)", boxes)
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))  # all of the same age, as a backup keeps it
    return path


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return make_log(tmp_path / "data" / "log.db")


def change(path: Path, x: int) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE lidar_box SET x = ?", (x,))


def in_place(log: Path, other: Path) -> None:
    change(log, 2)


def renamed_over(log: Path, other: Path) -> None:
    os.replace(other, log)


def copied_over(log: Path, other: Path) -> None:
    shutil.copyfile(other, log)


def restored(log: Path, other: Path) -> None:
    log.unlink()
    shutil.copy2(other, log)


def linked_elsewhere(log: Path, other: Path) -> None:
    log.unlink()
    log.symlink_to(other)


def linked_hard(log: Path, other: Path) -> None:
    log.unlink()
    log.hardlink_to(other) if hasattr(log, "hardlink_to") else os.link(other, log)


CHANGES = [in_place, renamed_over, copied_over, restored, linked_elsewhere, linked_hard]


@pytest.mark.parametrize("how", CHANGES, ids=[how.__name__ for how in CHANGES])
@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "before it runs"])
def test_a_log_that_changed_with_its_size_and_date_kept(
    log: Path, tmp_path: Path, how: Callable[[Path, Path], None], running: bool
) -> None:
    before = LogIndexes(Options(place="copy"))
    assert before.answer(BOXES, (b"\1",), str(log)).rows == [(5,)] * 20  # type: ignore[union-attr]
    (first,) = all_of(str(log), folders(str(log)))
    size = log.stat().st_size
    other = make_log(tmp_path / "other.db", 2)
    how(log, other)
    os.utime(log, ns=(10**18 + 1, 10**18 + 1))
    assert (log.stat().st_size, log.stat().st_mtime_ns) == (size, 10**18 + 1)

    assert find(str(log), folders(str(log))) is None
    indexes = before if running else LogIndexes(Options(place="copy"))
    assert indexes.answer(BOXES, (b"\1",), str(log)).rows == [(2,)] * 20  # type: ignore[union-attr]
    assert indexes.file_for(str(log), BOXES) not in (first, str(log))


def truncated(path: Path, other: Path) -> None:
    os.truncate(path, 8192)


def emptied(path: Path, other: Path) -> None:
    os.truncate(path, 0)


def overwritten(path: Path, other: Path) -> None:
    with path.open("rb+") as file:
        file.seek(5_000)
        file.write(b"damage")


def of_another_log(path: Path, other: Path) -> None:
    os.replace(copy(str(other), str(other.parent), INDEX).path, path)


def shorter_and_of_the_same_date(path: Path, other: Path) -> None:
    of_another_log(path, make_log(other.with_name("shorter.db"), rows=1))


def replaced_by_a_link(path: Path, other: Path) -> None:
    os.replace(path, other)
    path.symlink_to(other)


def writable(path: Path, other: Path) -> None:
    path.chmod(0o646)


def with_a_journal(path: Path, other: Path) -> None:
    path.with_name(path.name + "-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 100)


def in_a_folder_for_all(path: Path, other: Path) -> None:
    path.parent.chmod(0o777)


def of_another_user(path: Path, other: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    os.chown(path, 12_345, -1)


DOUBTS: Dict[Callable[[Path, Path], None], str] = {
    truncated: "it was written to after it was made",
    emptied: "it was written to after it was made",
    overwritten: "it was written to after it was made",
    of_another_log: "it was written to after it was made",
    shorter_and_of_the_same_date: "it is of another log",
    replaced_by_a_link: "it is no file",
    writable: "others may write to it",
    with_a_journal: "a program that wrote to it has not finished",
    in_a_folder_for_all: "everybody may replace files in its folder",
    of_another_user: "it belongs to another user",
}


@pytest.mark.parametrize("how", DOUBTS, ids=[how.__name__ for how in DOUBTS])
@pytest.mark.parametrize("place", ["auto", "copy"])
def test_a_copy_in_doubt_is_not_used(
    log: Path, tmp_path: Path, capsys: Any, how: Callable[[Path, Path], None], place: str
) -> None:
    indexes = LogIndexes(Options(place="copy"))
    path = Path(indexes.file_for(str(log), BOXES))
    assert path != log
    other = make_log(tmp_path / "other.db", 2)
    os.utime(other)
    path.chmod(0o600)
    how(path, other)
    assert find(str(log), folders(str(log))) is None
    assert unused(str(log), folders(str(log))) == {str(path): DOUBTS[how]}
    capsys.readouterr()
    for each in (indexes, LogIndexes(Options(place=place))):
        rows = each.answer(BOXES, (b"\1",), str(log))
        assert rows is None or set(rows.rows) == {(5,)}
    assert f"its copy {path} is not used: {DOUBTS[how]}" in capsys.readouterr().err


def test_a_copy_half_as_good_as_new(log: Path, tmp_path: Path) -> None:
    """A copy that was cut off, and given its date back."""
    path = Path(copy(str(log), str(tmp_path / "copies"), INDEX).path)
    path.chmod(0o600)
    os.truncate(path, path.stat().st_size - 4096)
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert unused(str(log), [str(path.parent)]) == {str(path): "it is damaged"}


def test_no_copy_where_everybody_may_replace_it(log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(OutputError, match="everybody may replace files"):
        copy(str(log), str(folder), INDEX)
    assert [name for name in os.listdir(folder) if not name.endswith("-lock")] == []
    folder.chmod(0o1777)  # as /tmp is
    assert copy(str(log), str(folder), INDEX).made
    # Beside a log that everybody may replace, a copy is no worse.
    log.parent.chmod(0o777)
    assert copy(str(log), str(log.parent), INDEX).made
    assert find(str(log), [str(log.parent)]) is not None


def test_a_copy_is_as_private_as_its_log(log: Path, tmp_path: Path) -> None:
    log.chmod(0o600)
    modes: List[int] = []

    def look(*_: Any) -> None:
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "copies").glob("*.partial"))

    made = copy(str(log), str(tmp_path / "copies"), INDEX, progress=look)
    assert set(modes) == {0o600}
    assert stat.S_IMODE(os.stat(made.path).st_mode) == 0o400


def test_what_a_copy_says_is_not_executed(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes of a former copy are made in the next, from their tables and columns."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "copies"
    more = {"nutrace_x": "CREATE INDEX nutrace_x ON lidar_box (x)"}
    path = copy(str(log), str(folder), more).path
    os.chmod(path, 0o600)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX nutrace_x ON lidar_box (x) WHERE x > 5' "
            "WHERE name = 'nutrace_x'"
        )
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    made = copy(str(log), str(folder), INDEX)
    assert made.made
    with closing(sqlite3.connect(made.path)) as connection:
        made_of = "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        assert dict(connection.execute(made_of).fetchall()) == {**more, **INDEX}


def test_a_copy_of_a_log_with_a_coarse_date(log: Path) -> None:
    """A file system that keeps whole seconds hides a change for longer."""
    began = time.monotonic()
    os.utime(log, ns=(0, 0))
    made = copy(str(log), str(log.parent), INDEX)
    assert made.made
    assert time.monotonic() - began < 2  # the date of the inode is fine
    assert find(str(log), [str(log.parent)]) == made.path
