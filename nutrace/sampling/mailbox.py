"""A folder through which traced processes and the process that samples them talk.

A traced process holds no descriptor for it. Only this user can open the folder, and each file appears in it
whole, by a rename:

``beside``
    Who samples: its process id, when it started, and where.
``<request>.ask``
    A process asks to be sampled: see :class:`Request`.
``<request>.stop``
    It asks for its samples; or it wants none, if the text is "drop".
``<request>.end``
    Its sampling has ended: see :class:`Ended`. The stacks are in files beside it.
``<request>.taken``
    It has written them into the run file: they can be deleted.
``<request>.raw``, ``<request>.log``
    What py-spy has written: the stacks, and its messages.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Dict, List, Optional

from nutrace.sampling.identity import is_alive, where

BESIDE = "beside"
ASK, STOP, END, TAKEN = ".ask", ".stop", ".end", ".taken"
RAW, LOG = ".raw", ".log"
DROP, KEEP = "drop", "keep"
PREFIX = "nutrace-sampling-"
_NEW = ".new"
_WRITTEN_S = 10.0  # to write a file takes no longer


@dataclass(frozen=True)
class Request:
    """What a process asks for.

    Attributes
    ----------
    pid, started:
        The process; process ids come again, so the time when it started belongs to it.
    run, run_id:
        The run file's path, and the run's id.
    joins:
        Whether this process joins the run's files when it ends: those of processes that were killed have to
        be there by then.
    program:
        The path of py-spy.
    hz, native:
        See :class:`nutrace.settings.Settings`.
    """

    pid: int
    started: int
    run: str
    run_id: str
    joins: bool
    program: str
    hz: int
    native: bool


@dataclass(frozen=True)
class Ended:
    """How the sampling of a process has ended.

    Attributes
    ----------
    sampler:
        What sampled: "py-spy 0.4.3".
    files:
        The files in the mailbox that hold the stacks.
    failure:
        What py-spy said if it ended by itself while the process went on, else "".
    """

    sampler: str = ""
    files: List[str] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True)
class Attendant:
    """The process that samples, in the file ``beside``."""

    pid: int
    started: int
    where: str


class Mailbox:
    """The files of a mailbox; what cannot be read is not there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.folder, name)

    def post(self, name: str, content: Any = "") -> None:
        """Put a file there: a text, or a dataclass.

        Raises
        ------
        OSError
            If the mailbox is not there.
        """
        text = content if isinstance(content, str) else json.dumps(asdict(content))
        path = self.path(name)
        try:
            with open(path + _NEW, "w", encoding="utf-8") as file:
                file.write(text)
            os.rename(path + _NEW, path)
        except BaseException:
            self.delete(name + _NEW)
            raise

    def text(self, name: str) -> Optional[str]:
        """What a file says; ``None`` if there is no such file."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return file.read()
        except (OSError, ValueError):
            return None

    def values(self, name: str) -> Optional[Dict[str, Any]]:
        """The fields of a dataclass that was posted."""
        try:
            said = json.loads(self.text(name) or "")
        except ValueError:
            return None
        return said if isinstance(said, dict) else None

    def names(self) -> List[str]:
        """The names of the files that are there, whole."""
        return [name for name in self._all() if not name.endswith(_NEW)]

    def _all(self) -> List[str]:
        try:
            return os.listdir(self.folder)
        except OSError:
            return []

    def _is_being_written(self, name: str) -> bool:
        """Whether somebody is about to post a file: who was killed meanwhile has left it as it is."""
        try:
            return name.endswith(_NEW) and time.time() - os.stat(self.path(name)).st_mtime < _WRITTEN_S
        except OSError:
            return False

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        with contextlib.suppress(OSError):
            os.unlink(self.path(name))

    def clear(self, request: str) -> None:
        """Delete the files of a request."""
        for name in self.names():
            if name.startswith(request):
                self.delete(name)

    def remove(self) -> bool:
        """Remove the mailbox, unless a request has come in; whether it is gone."""
        for name in self._all():
            if not name.endswith(ASK) and not self._is_being_written(name):
                self.delete(name)
        try:
            os.rmdir(self.folder)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def is_attended(self) -> bool:
        """Whether the process that samples is alive, and on this side of a container's wall."""
        said = self.values(BESIDE)
        return (
            said is not None
            and said.get("where") == where()
            and type(said.get("pid")) is int
            and type(said.get("started")) is int
            and is_alive(said["pid"], said["started"])
        )

    @property
    def pid(self) -> int:
        """The process that samples, 0 if unknown."""
        pid = (self.values(BESIDE) or {}).get("pid")
        return pid if type(pid) is int else 0
