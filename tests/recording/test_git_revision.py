"""Which commit a run file says is checked out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nutrace.recording.resource import git_revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_branch_and_a_commit(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_revision(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert git_revision(tmp_path / "folder") == COMMIT
    (git / "refs/heads/main").write_text(COMMIT[::-1] + "\n")
    assert git_revision(tmp_path) == COMMIT[::-1]
    (git / "HEAD").write_text(COMMIT + "\n")
    assert git_revision(tmp_path) == COMMIT


@pytest.mark.parametrize("name", ["HEAD", "refs", "packed-refs"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    if name != "HEAD":
        (git / "HEAD").write_text("ref: refs")
    os.mkfifo(git / name)
    assert git_revision(tmp_path) is None
