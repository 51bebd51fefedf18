"""Processes: what a child is told of its run, and the ways to leave that skip Python's exit handlers.

Started programs learn of the run through an environment variable. ``os._exit``, with which forked children
leave, and ``exec`` run no exit handlers: what is not written yet is written before them.
"""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Tuple

import wrapt

from nutrace.recording.span import process_state

VARIABLE = "NUTRACE_PARENT"
_LEAVING = ("_exit", "execv", "execve")


@dataclass(frozen=True)
class Inherited:
    """What a process started by a traced one is told: it belongs to this run.

    The environment of a process can be read by others, and is often logged: nothing secret belongs here.
    """

    run: Path
    run_id: str
    trace_id: int
    offset_ns: int
    pid: int

    def __str__(self) -> str:
        return f"{self.run_id}:{self.trace_id:032x}:{self.offset_ns}:{self.pid}:{self.run}"


def inherited(environ: Mapping[str, str]) -> Optional[Inherited]:
    """The run that this process belongs to, if a traced process started it."""
    parts = environ.get(VARIABLE, "").split(":", 4)
    if len(parts) < 5 or not parts[4]:
        return None
    run_id, trace_id, offset_ns, pid, run = parts
    try:
        told = Inherited(Path(run), run_id, int(trace_id, 16), int(offset_ns), int(pid))
    except ValueError:
        return None
    return told if told.run.parent.is_dir() else None


class Endings:
    """Calls back before this process leaves by ``os._exit`` or becomes another program.

    Parameters
    ----------
    finish:
        Writes everything out, once in a process.
    before_exec:
        Writes what there is; the process may go on (an ``exec`` that fails).
    """

    def __init__(self, finish: Callable[[], None], before_exec: Callable[[], None]) -> None:
        self._callbacks = dict.fromkeys(_LEAVING, before_exec)
        self._callbacks["_exit"] = finish
        self._undo: List[Tuple[str, Any, Any]] = []

    def install(self) -> None:
        """Begin to watch."""
        for name, callback in self._callbacks.items():
            original = getattr(os, name)
            replacement = _Leaving(original, name, callback)
            setattr(os, name, replacement)
            self._undo.append((name, original, replacement))

    def uninstall(self) -> None:
        """Watch no more; what others put in our place meanwhile stays."""
        for name, original, replacement in self._undo:
            if getattr(os, name) is replacement:
                setattr(os, name, original)
        self._undo.clear()


class _Leaving(wrapt.ObjectProxy):  # type: ignore
    """A function of :mod:`os` that calls back first; it looks like the original, and pickles by its name."""

    def __init__(self, original: Any, name: str, callback: Callable[[], None]) -> None:
        super().__init__(original)
        self._self_name = name
        self._self_callback = callback

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            self._self_callback()
        except Exception:  # the process leaves as it wants to
            process_state.fault(f"before os.{self._self_name}")
        return self.__wrapped__(*args, **kwargs)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Tuple[Any, ...]:
        # By name, for the process that loads it, which may not be traced.
        return pkgutil.resolve_name, (f"os:{self._self_name}",)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self
