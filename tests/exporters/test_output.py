from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from pathlib import Path

import pytest

from nutrace.errors import OutputError
from nutrace_exporters.output import whole_file


def test_nothing_is_seen_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with whole_file(str(target)) as out:
        out.write(b"half")
        out.flush()
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole_file(str(target)) as out:  # noqa: PT012
        out.write(b"new")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with (
        pytest.raises(OutputError, match=r"cannot write /dev/full: No space left on device; choose"),
        whole_file("/dev/full") as out,
    ):
        out.write(b"x" * 10)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="No such file or directory"),
        whole_file(str(tmp_path / "no" / "out")),
    ):
        pass


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="it is a directory"), whole_file(str(tmp_path)):
        pass


def test_a_device_stays_a_device() -> None:
    with whole_file(os.devnull) as out:
        out.write(b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with whole_file(str(tmp_path / "link")) as out:
        out.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


def test_the_file_has_the_usual_rights(tmp_path: Path) -> None:
    with whole_file(str(tmp_path / "out")) as out:
        out.write(b"x")
    (tmp_path / "usual").write_bytes(b"x")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    names = {
        f".nutrace-{gone.pid}-01234567.tmp": False,
        f".nutrace-{gone.pid}-89abcdef.tmp": True,  # somebody has its lock
        f".nutrace-{os.getpid()}-01234567.tmp": True,  # a process with that number lives
        f".nutrace-{gone.pid}-0123.tmp": True,
        f"nutrace-{gone.pid}-01234567.tmp": True,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    with open(tmp_path / f".nutrace-{gone.pid}-89abcdef.tmp") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with whole_file(str(tmp_path / "out.txt")) as out:
            out.write(b"whole")
    assert {name: (tmp_path / name).exists() for name in names} == names


def test_a_pipe_that_nobody_reads_from_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="nobody reads from this pipe"), whole_file(str(pipe)):
        pass
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(str(pipe)) as out:
        out.write(b"all")
    assert os.read(reading, 10) == b"all"
    os.close(reading)
