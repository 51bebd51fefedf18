"""The resource: which host, process, program, versions and settings a run was made with."""

from __future__ import annotations

import os
import platform
import socket
import sys
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional

from nutrace import semconv
from nutrace.recording import machine
from nutrace.recording.command_line import command
from nutrace.recording.span import process_state
from nutrace.text_file import read_text

_BRANCHES = "refs/heads/"

_contributions: Dict[str, Callable[[], Any]] = {}


def contribute(key: str, tell: Callable[[], Any]) -> None:
    """Add an attribute to the resource of every recording of this process, from now on.

    Parameters
    ----------
    key:
        The attribute's name; a second contribution by that name replaces the first.
    tell:
        Gives its value. It is called from the thread that writes, every half flush interval and at the end,
        and in the child after a fork. While it gives ``None`` or an empty text, there is no such attribute.
    """
    _contributions[key] = tell


def contributed() -> Dict[str, Any]:
    """The contributed attributes as they are now."""
    attributes: Dict[str, Any] = {}
    for key, tell in list(_contributions.items()):
        try:
            value = tell()
        except Exception:  # one that fails must not take the others with it
            process_state.fault(f"asking for {key}")
            continue
        if value is not None and value != "":
            attributes[key] = value
    return attributes


def identity(run_id: str) -> Dict[str, Any]:
    """The attributes that tell this process from the others of the run; every line of the file has them."""
    return {
        "service.name": "nutrace",
        semconv.RUN_ID: run_id,
        "process.pid": os.getpid(),
        semconv.HOST_NAME: socket.gethostname(),  # processes of other hosts may have the same id
    }


def describe(run_id: str, version: str) -> Dict[str, Any]:
    """All attributes of this process that are known without importing anything of the program's."""
    attributes = {
        **identity(run_id),
        "service.version": version,
        "nutrace.version": version,
        "telemetry.sdk.name": "nutrace",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": version,
        "host.arch": platform.machine(),
        "os.type": sys.platform,
        "process.parent_pid": os.getppid(),
        "process.executable.path": sys.executable or "",
        semconv.COMMAND: command(),
        "process.working_directory": _cwd(),
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": platform.python_version(),
        semconv.PROCESSORS: machine.processors(),
    }
    memory = machine.memory_bytes()
    if memory is not None:
        attributes[semconv.HOST_MEMORY] = memory
    devkit = _devkit_version()
    if devkit:
        attributes["nuplan.devkit.version"] = devkit
    head = git_head(Path(_cwd()))
    if head:
        attributes[semconv.REVISION] = head.revision
        if head.branch:
            attributes[semconv.BRANCH] = head.branch
    return attributes


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was deleted
        return ""


def _devkit_version() -> Optional[str]:
    from importlib import metadata

    try:
        return metadata.version("nuplan-devkit")
    except metadata.PackageNotFoundError:
        return None


class Head(NamedTuple):
    """What is checked out: the commit, and the branch, which is "" if there is none."""

    revision: str
    branch: str


def git_head(folder: Path) -> Optional[Head]:
    """What is checked out in `folder` or above it, read from .git without running git."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        try:
            if git.is_file():  # a worktree, or a submodule
                git = parent / read_text(git).partition("gitdir:")[2].strip()
            head = read_text(git / "HEAD").strip()
        except (OSError, ValueError):  # missing, unreadable, or not text
            continue
        if not head.startswith("ref:"):
            return Head(head[:40], "")
        ref = head[4:].strip()
        revision = _commit_of(git, ref)
        branch = ref[len(_BRANCHES) :] if ref.startswith(_BRANCHES) else ""
        return Head(revision, branch) if revision else None
    return None


def _commit_of(git: Path, ref: str) -> str:
    """The commit that `ref` names, "" if unknown; a worktree has its branches in the repository's folder."""
    folders = [git]
    try:
        folders.append(git / read_text(git / "commondir").strip())
    except (OSError, ValueError):
        pass
    for folder in folders:
        try:
            return read_text(folder / ref).strip()[:40]
        except (OSError, ValueError):
            pass
        try:
            packed = read_text(folder / "packed-refs").splitlines()
        except (OSError, ValueError):
            continue
        named = [line[:40] for line in packed if line.endswith(" " + ref)]
        if named:
            return named[0]
    return ""
