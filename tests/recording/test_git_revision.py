"""Which commit and branch a run file says are checked out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nutrace.recording.resource import Head, git_head

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_branch_and_a_commit(tmp_path: Path) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert git_head(tmp_path) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert git_head(tmp_path / "folder") == Head(COMMIT, "main")
    (git / "refs/heads/main").write_text(COMMIT[::-1] + "\n")
    assert git_head(tmp_path) == Head(COMMIT[::-1], "main")
    (git / "HEAD").write_text(COMMIT + "\n")
    assert git_head(tmp_path) == Head(COMMIT, "")


def _git(folder: Path, *words: str) -> str:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
    names.update({name.replace("AUTHOR", "COMMITTER"): value for name, value in names.items()})
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**os.environ, **names},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("packed", [False, True])
def test_git_agrees_also_in_a_worktree(tmp_path: Path, packed: bool) -> None:
    repository, worktree = tmp_path / "repository", tmp_path / "worktree"
    repository.mkdir()
    _git(repository, "init", "-q", "-b", "main")
    _git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    _git(repository, "worktree", "add", "-q", "-b", "feature/faster", str(worktree))
    _git(worktree, "commit", "-q", "--allow-empty", "-m", "second")
    if packed:
        _git(repository, "pack-refs", "--all")
    for folder, branch in ((repository, "main"), (worktree, "feature/faster")):
        assert git_head(folder) == Head(_git(folder, "rev-parse", "HEAD"), branch)


@pytest.mark.parametrize("name", ["HEAD", "refs", "packed-refs"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    if name != "HEAD":
        (git / "HEAD").write_text("ref: refs")
    os.mkfifo(git / name)
    assert git_head(tmp_path) is None
