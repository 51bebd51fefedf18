"""Processes: what a child inherits, and every way in which a process can end.

Children of fork get a shard of their own; started programs learn of the run through an environment
variable. ``os._exit``, ``exec`` and SIGTERM skip Python's exit handlers, so they are met here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Tuple

from nutrace.recording import termination
from nutrace.recording.span import process_state
from nutrace.recording.termination import Termination

VARIABLE = "NUTRACE_PARENT"
_LEAVING = ("_exit", "execv", "execve")


@dataclass(frozen=True)
class Inherited:
    """What a process started by a traced one is told: it belongs to this run."""

    run: Path
    run_id: str
    trace_id: int
    offset_ns: int
    pid: int
    secret: bytes = b""

    def __str__(self) -> str:
        pid = f"{self.pid}.{self.secret.hex()}"
        return f"{self.run_id}:{self.trace_id:032x}:{self.offset_ns}:{pid}:{self.run}"


def inherited(environ: Mapping[str, str]) -> Optional[Inherited]:
    """The run that this process belongs to, if a traced process started it."""
    run_id, trace_id, offset, pid, run = [*environ.get(VARIABLE, "").split(":", 4), "", "", "", "", ""][:5]
    pid, _, secret = pid.partition(".")
    try:
        key = bytes.fromhex(secret)
        found = Inherited(Path(run), run_id, int(trace_id, 16), int(offset), int(pid), key)
    except ValueError:
        return None
    return found if run and found.run.parent.is_dir() else None


class Endings:
    """Calls back before this process forks, ends abruptly or becomes another program.

    Parameters
    ----------
    finish:
        Writes everything out; called at most once in a process.
    before_exec:
        Writes what there is; the process may go on (an ``exec`` that fails).
    before_fork, in_parent, in_child:
        Called around ``os.fork``.
    busy:
        See :class:`nutrace.recording.termination.Termination`.
    """

    # os.register_at_fork cannot be undone: one registration serves whoever is current.
    _current: Optional[Endings] = None
    _registered = False

    def __init__(
        self,
        finish: Callable[[], None],
        before_exec: Callable[[], None],
        before_fork: Callable[[], None],
        in_parent: Callable[[], None],
        in_child: Callable[[], None],
        busy: Callable[[], bool],
    ) -> None:
        self.finish = finish
        self.before_exec = before_exec
        self.before_fork = before_fork
        self.in_parent = in_parent
        self.in_child = in_child
        self.termination = Termination(finish, busy)
        self._undo: List[Tuple[str, Any, Any]] = []

    def install(self) -> None:
        """Begin to watch."""
        Endings._current = self
        if not Endings._registered:
            os.register_at_fork(
                before=_before_fork,
                after_in_parent=lambda: _after_fork("in_parent"),
                after_in_child=lambda: _after_fork("in_child"),
            )
            Endings._registered = True
        for name in _LEAVING:
            original = getattr(os, name)
            replacement = self._leaving(original, self.finish if name == "_exit" else self.before_exec)
            setattr(os, name, replacement)
            self._undo.append((name, original, replacement))
        self.termination.install()

    def uninstall(self) -> None:
        """Watch no more; what others put in our place meanwhile stays."""
        Endings._current = None
        for name, original, replacement in self._undo:
            if getattr(os, name) is replacement:
                setattr(os, name, original)
        self._undo.clear()
        self.termination.uninstall()

    def _leaving(self, original: Any, callback: Callable[[], None]) -> Any:
        def leave(*args: Any, **kwargs: Any) -> Any:
            try:
                callback()
            except Exception:  # law 1: the process leaves as it wants to
                process_state.fault(f"before os.{original.__name__}")
            return original(*args, **kwargs)

        leave.__name__ = leave.__qualname__ = original.__name__
        leave.__doc__ = original.__doc__
        leave.__wrapped__ = original  # type: ignore[attr-defined]
        return leave


def _before_fork() -> None:
    if Endings._current is not None:
        termination.hold()
        Endings._current.before_fork()


def _after_fork(side: str) -> None:
    try:
        if Endings._current is not None:
            getattr(Endings._current, side)()
    finally:
        termination.release()
