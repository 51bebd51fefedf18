"""The line that says how far a simulation is which is being traced in a notebook."""

from __future__ import annotations

import contextvars
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, Type

from nutrace import forks
from nutrace.jupyter.so_far import SoFar
from nutrace.recording.background import Background
from nutrace.recording.own_time import SHOWING
from nutrace_exporters.labels import counted

if TYPE_CHECKING:
    from nutrace.session import Session
    from nutrace.trace import Trace

_EVERY_S = 0.3

#: Shows a line in place of the one before, and whether it is the last.
Show = Callable[[str, bool], None]


class Live:
    """Shows while a block runs what it has simulated so far, and in the end how much it was.

    Without a simulation nothing is shown. What this costs is a part of nutrace's own cost.

    Parameters
    ----------
    session:
        What traces the block.
    show:
        It is called on a thread of its own.
    """

    def __init__(self, session: Session, show: Show) -> None:
        self._so_far = SoFar(session.file.run, session.run_id)
        self._recorder = session.recorder
        self._show = show
        self._began = time.monotonic()
        self._shown = self._failed = False
        self._took = ""
        # Kernels of some versions find the cell that output belongs to in the context.
        self._context = contextvars.copy_context()
        self._background = Background(self._work, _EVERY_S)

    def __enter__(self) -> Live:
        forks.watch(self, has_thread=True)
        self._background.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        forks.unwatch(self)
        self._background.stop()
        self._took = self._clock() if self._shown else ""

    def end(self, trace: Trace) -> None:
        """Show how much was traced, if there was a line before; times are in the trace's card."""
        scenarios, steps = len(trace.simulations), len(trace.finished_steps)
        if self._took:
            self._show(
                f"traced {counted(scenarios, 'scenario')} · {counted(steps, 'step')} · {self._took}", True
            )

    def before_fork(self) -> None:
        """See :class:`nutrace.forks.Forking`."""
        self._background.stop()

    def after_fork(self, in_child: bool) -> None:
        """See :class:`nutrace.forks.Forking`."""
        if in_child:
            self._background.forget()
        else:
            forks.after_hooks(self._background.start)

    def _work(self) -> None:
        if self._failed:
            return
        began = time.thread_time_ns()
        try:
            self._so_far.look()
            words = self._so_far.words()
            if words and not self._background.stopping:  # its end or a fork may have stopped waiting
                self._shown = True
                self._context.run(self._show, f"{words} · {self._clock()}", False)
        except Exception:  # the line stays as it is, and the simulation goes on
            self._failed = True
            self._recorder.fault("showing the progress")
        finally:
            self._recorder.own_time.count(SHOWING, time.thread_time_ns() - began)

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:02}:{seconds:02}"


def line_of(shell: Any) -> Show:
    """What shows a line in a notebook, or in a terminal; nothing where there is neither."""
    if getattr(shell, "kernel", None) is not None:
        return _Cell()
    try:
        return _Terminal() if sys.stderr.isatty() else _nowhere
    except Exception:  # it may be closed, or any object of the program's
        return _nowhere


class _Cell:
    """A line in the output of a cell, in the notebook's own letters."""

    def __init__(self) -> None:
        self._handle: Any = None

    def __call__(self, line: str, last: bool) -> None:
        from IPython import display

        data = {"text/plain": line}
        shown: Any = display
        if self._handle is None:
            self._handle = shown.display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)


class _Terminal:
    """A line that is written over the one before."""

    def __init__(self) -> None:
        self._length = 0

    def __call__(self, line: str, last: bool) -> None:
        end = "\n" if last else ""
        sys.stderr.write(f"\r{line.ljust(self._length)}{end}")
        sys.stderr.flush()
        self._length = len(line)


def _nowhere(line: str, last: bool) -> None:
    pass
