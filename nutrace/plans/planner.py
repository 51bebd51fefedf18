"""Plan statements in a process of their own.

A statement of 800 bytes can make SQLite take all memory or minutes while it compiles it: common tables that
join each other twice double at each level. Nothing interrupts that (a progress handler is not called then),
and SQLite's limits of memory hold for all connections of a process and cannot be taken back. Here a process
is bounded instead, and one that fails costs its statement only.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections import OrderedDict
from typing import Any, BinaryIO, Iterator, Optional, Tuple

from nutrace.errors import NutraceError
from nutrace.plans.advice import Explained, explain
from nutrace.plans.log import Log, open_log

# In seconds of processor time, so that a busy machine costs no plan.
_PLANNING_S = 5
_READING_S = 300  # to count the rows of a table
_MEMORY = 2**30  # bytes
_MOST_LOGS = 16  # open at a time
_MOST_FAILURES = 2
_PATIENCE_S = 10  # for the process to end
_CODE = "import sys; sys.path[:] = {!r}; from nutrace.plans import planner; planner.serve({})"


class Planner:
    """Explains statements in another process, which is begun when the first one is asked for.

    Parameters
    ----------
    advise:
        Look for indexes.
    """

    def __init__(self, *, advise: bool = True) -> None:
        self._advise = advise
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._answers: Optional[BinaryIO] = None
        self._failures = 0

    def explain(self, text: str, path: str) -> Explained:
        """Plan a statement on a database, and look for indexes.

        Raises
        ------
        InputError
            If the database cannot be read.
        MissingDependencyError
            If the SQL parser is needed and not installed.
        """
        if self._failures >= _MOST_FAILURES:
            return _unplanned("not tried, after others that took too long or too much memory")
        if self._process is None:
            self._process, self._answers = _start()
        process = self._process
        assert process.stdin is not None
        assert self._answers is not None
        try:
            pickle.dump((text, path, self._advise), process.stdin)
            process.stdin.flush()
            answer = pickle.load(self._answers)
        except (EOFError, OSError, pickle.UnpicklingError):
            self._failures += 1
            ended_by = self.close()
            return _unplanned(
                f"it takes more than {_PLANNING_S} s, or {_READING_S} s to count the rows of its tables"
                if ended_by == -signal.SIGPROF
                else f"SQLite or the SQL parser fails on it ({ended_by})"
            )
        if isinstance(answer, NutraceError):
            raise answer
        assert isinstance(answer, Explained)
        return answer

    def close(self) -> int:
        """End the process; returns its exit code, or 0 if there is none."""
        process, self._process = self._process, None
        if process is None:
            return 0
        for stream in (process.stdin, self._answers):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        try:
            return process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def __enter__(self) -> Planner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()  # it has nothing to finish
        self.close()


def _unplanned(reason: str) -> Explained:
    return Explained((), (), (), (), f"no plan: {reason}")


def _start() -> Tuple[subprocess.Popen[bytes], BinaryIO]:
    """Begin the process; returns it, and where its answers come from.

    That is not its standard output, on which a user's ``sitecustomize`` may print.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NUTRACE")}
    reading, writing = os.pipe()
    answers = open(reading, "rb")  # noqa: SIM115 - Planner closes it
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE.format(sys.path, writing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
            pass_fds=(writing,),
        )
    except BaseException:
        answers.close()
        raise
    finally:
        os.close(writing)
    return process, answers


def serve(writing: int) -> None:
    """Answer what is asked on standard input, in the process that :class:`Planner` begins.

    Parameters
    ----------
    writing:
        The descriptor to which answers are written.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the other process ends this one
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # ends this process even while SQLite compiles
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = _MEMORY if hard == resource.RLIM_INFINITY else min(_MEMORY, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    logs = _Logs()
    questions, answers = sys.stdin.buffer, open(writing, "wb")  # noqa: SIM115 - open as long as the process
    while True:
        try:
            text, path, advise = pickle.load(questions)
        except EOFError:
            return
        answer = _answer(text, path, advise, logs)
        pickle.dump(answer, answers)
        answers.flush()


def _answer(text: str, path: str, advise: bool, logs: _Logs) -> Any:
    _end_after(_PLANNING_S)
    try:
        return explain(text, logs.open(path), advise=advise)
    except NutraceError as error:
        return error
    except MemoryError:
        return _unplanned("it takes too much memory")
    finally:
        _end_after(0)


class _Logs:
    """The databases that were asked for last, which stay open."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Tuple[Log, contextlib.ExitStack]] = OrderedDict()

    def open(self, path: str) -> Log:
        if path not in self._open:
            while len(self._open) >= _MOST_LOGS:
                self._open.popitem(last=False)[1][1].close()
            stack = contextlib.ExitStack()
            log = stack.enter_context(open_log(path, alone=True))
            log.reading = _reading
            self._open[path] = log, stack
        return self._open[path][0]


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    _end_after(_READING_S)
    yield
    _end_after(_PLANNING_S)


def _end_after(seconds: float) -> None:
    """Let this process be ended unless this is called again; 0 lets it go on."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
