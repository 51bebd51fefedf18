"""Switches on tracing, speedups and the records of ``nutrace verify`` as a process starts.

The start-up file (``nutrace_autostart.pth``) imports this module if NUTRACE, NUTRACE_SPEEDUPS or
NUTRACE_VERIFY is set. Whatever goes wrong here is one line on stderr, and the program runs without it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

from nutrace._running import asked_for


def start() -> None:
    """Switch on what the environment variables ask for."""
    wanted = os.environ.get("NUTRACE_SPEEDUPS", "")
    if wanted.strip():
        _switch_on(wanted)  # before tracing, whose spans are put around what the speedups do
    folder = os.environ.get("NUTRACE_VERIFY", "")
    if folder:
        _record_steps(folder)
    if asked_for(os.environ):
        _trace()


def _switch_on(wanted: str) -> None:
    try:
        from nutrace.speedups import active

        active.start(wanted)
    except Exception as error:  # whatever is wrong with nutrace, the program starts
        _say(f"cannot switch speedups on ({type(error).__name__}: {error})", "as stock")


def _record_steps(folder: str) -> None:
    try:
        from nutrace.verify import recorder

        recorder.start(folder)
    except Exception as error:  # whatever is wrong with nutrace, the program starts
        _say(f"cannot note what is simulated ({type(error).__name__}: {error})", "unverified")


def _trace() -> None:
    began = time.thread_time_ns()
    from nutrace.errors import NutraceError

    try:
        from nutrace.session import begin

        begin(began, whole_process=True)
    except NutraceError as error:
        _say(str(error))
    except Exception as error:  # whatever is wrong with nutrace, the program starts
        _say(f"cannot start ({type(error).__name__}: {error})")


def _say(message: str, how: str = "untraced") -> None:
    line = " ".join(message.split())  # a path or a value may contain line breaks
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:  # None makes print use stdout, which belongs to the program
            print(f"nutrace: {line}; the program runs {how}", file=sys.stderr)


start()
