"""Processes: what a child is told of its run, and the ways to leave that skip Python's exit handlers.

Started programs learn of the run through an environment variable. ``os._exit``, with which forked children
leave, and ``exec`` run no exit handlers: what is not written yet is written before them. ``os.fork`` is
called through :func:`nutrace.forks.fork_with`.
"""

from __future__ import annotations

import json
import os
import pkgutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import wrapt

from nutrace.forks import fork_with
from nutrace.patching.frames import leave_traceback, passed_over
from nutrace.recording.host import UNKNOWN, Host, this_host
from nutrace.recording.runfile import abandoned
from nutrace.recording.span import process_state

VARIABLE = "NUTRACE_PARENT"
_EXEC = ("execv", "execve")
_FORK = ("fork", "forkpty")

passed_over(fork_with)  # here, because that module imports nothing of ours

_Around = Callable[[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]], Any]


@dataclass(frozen=True)
class Inherited:
    """What a process started by a traced one is told: it belongs to this run.

    The environment of a process can be read by others, and is often logged: nothing secret belongs here.
    """

    run: Path
    run_id: str
    trace_id: int
    offset_ns: int
    pid: int  # of the process that says so
    joins: bool  # whether that process joins the run's files when it ends
    folder: Path  # where the search for the run's pyproject.toml began
    mailbox: str = ""  # the folder through which the run's processes are sampled, if they are
    host: Host = UNKNOWN  # of the process that says so

    def __str__(self) -> str:
        return json.dumps({**vars(self), "run": os.fspath(self.run), "folder": os.fspath(self.folder)})

    @property
    def is_elsewhere(self) -> bool:
        """Whether the process that says so is on another host: its paths may mean nothing here."""
        return bool(self.host.name) and self.host != this_host()


def inherited(environ: Mapping[str, str]) -> Optional[Inherited]:
    """The run that this process belongs to, if a traced process started it."""
    try:
        said = json.loads(environ.get(VARIABLE, ""))
        told = Inherited(
            Path(said["run"]),
            str(said["run_id"]),
            int(said["trace_id"]),
            int(said["offset_ns"]),
            int(said["pid"]),
            bool(said["joins"]),
            Path(said["folder"]),
            str(said.get("mailbox", "")),
            Host(*map(str, said.get("host", ("", "")))),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return told if told.is_elsewhere or told.run.parent.is_dir() else None


def belongs_to(environ: Mapping[str, str]) -> Tuple[Optional[Inherited], bool]:
    """The run that this process belongs to, and whether it is its first process, after an ``exec``."""
    known = inherited(environ)
    if known is None or known.pid != os.getpid() or known.is_elsewhere:
        return known, False
    # The process that set the variable has our number: it became us by exec.
    if not known.joins:
        return replace(known, pid=os.getppid()), False
    # If it has not let go of the run, it is this very process, or an earlier one that had our number.
    return (known, True) if abandoned(known.run) else (None, False)


class Environment:
    """Variables of this process that the programs which it starts inherit.

    Parameters
    ----------
    variables:
        Set from :meth:`install` to :meth:`uninstall`.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._before: Dict[str, Optional[str]] = {}

    def install(self) -> None:
        """Set the variables."""
        self._before = {name: os.environ.get(name) for name in self._variables}
        os.environ.update(self._variables)

    def uninstall(self) -> None:
        """Give each variable its earlier value, unless the program has changed it meanwhile."""
        for name, before in self._before.items():
            if os.environ.get(name) != self._variables[name]:
                continue
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
        self._before = {}


class Endings:
    """Calls back before this process leaves by ``os._exit`` or becomes another program, and minds its forks.

    Parameters
    ----------
    finish:
        Writes everything out, once in a process.
    before_exec:
        Writes what there is; the process may go on (an ``exec`` that fails).
    """

    def __init__(self, finish: Callable[[], None], before_exec: Callable[[], None]) -> None:
        self._around: Dict[str, _Around] = {"_exit": _calling("before os._exit", finish)}
        self._around.update((name, _calling(f"before os.{name}", before_exec)) for name in _EXEC)
        self._around.update((name, _forking) for name in _FORK)
        self._undo: List[Tuple[str, Any, Any]] = []

    def install(self) -> None:
        """Begin to watch."""
        for name, around in self._around.items():
            original = getattr(os, name)
            replacement = _Replaced(original, name, around)
            setattr(os, name, replacement)
            self._undo.append((name, original, replacement))

    def uninstall(self) -> None:
        """Watch no more; what others put in our place meanwhile stays."""
        for name, original, replacement in self._undo:
            if getattr(os, name) is replacement:
                setattr(os, name, original)
        self._undo.clear()


@passed_over
def _calling(where: str, callback: Callable[[], None]) -> _Around:
    def around(function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
        try:
            callback()
        except Exception:  # the process leaves as it wants to
            process_state.fault(where)
        return function(*args, **kwargs)

    return around


@passed_over
def _forking(function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
    return fork_with(partial(function, *args, **kwargs))


@passed_over
class _Replaced(wrapt.ObjectProxy):  # type: ignore
    """A function of :mod:`os` that does more; it looks like the original, and pickles by its name."""

    def __init__(self, original: Any, name: str, around: _Around) -> None:
        super().__init__(original)
        self._self_name = name
        self._self_around = around

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._self_around(self.__wrapped__, args, kwargs)
        except BaseException as error:
            leave_traceback(error)
            raise

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Tuple[Any, ...]:
        # By name, for the process that loads it, which may not be traced.
        return pkgutil.resolve_name, (f"os:{self._self_name}",)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self
