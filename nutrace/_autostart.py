"""What the start-up file imports when NUTRACE, NUTRACE_SPEEDUPS or NUTRACE_VERIFY is set: turns
tracing, speedups and the notes of ``nutrace verify`` on in this process.

Nothing here may keep the program from running: a bad setting is one line, and it runs untraced.
"""

from __future__ import annotations

import contextlib
import os
import sys


def start() -> None:
    """Switch on what the environment asks for, or say in one line why not."""
    wanted = os.environ.get("NUTRACE_SPEEDUPS", "")
    if wanted.strip():
        _switch_on(wanted)  # first: spans stand around what speedups do
    folder = os.environ.get("NUTRACE_VERIFY", "")
    if folder:
        _note_steps(folder)
    if os.environ.get("NUTRACE", "0") not in ("", "0"):
        _trace()


def _switch_on(wanted: str) -> None:
    try:
        from nutrace.speedups import active

        active.start(wanted)
    except Exception as error:  # law 1: whatever is wrong with us, the program starts
        _say(f"cannot switch speedups on ({type(error).__name__}: {error})", "as stock")


def _note_steps(folder: str) -> None:
    try:
        from nutrace.verify import recorder

        recorder.start(folder)
    except Exception as error:  # law 1: whatever is wrong with us, the program starts
        _say(f"cannot note what is simulated ({type(error).__name__}: {error})", "unverified")


def _trace() -> None:
    from nutrace.errors import NutraceError

    try:
        from nutrace.session import instrument

        instrument()
    except NutraceError as error:
        _say(str(error))
    except Exception as error:  # law 1: whatever is wrong with us, the program starts
        _say(f"cannot start ({type(error).__name__}: {error})")


def _say(message: str, how: str = "untraced") -> None:
    line = " ".join(message.split())  # a path or a value may hold line ends
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:  # print would take stdout instead, which is the program's
            print(f"nutrace: {line}; the program runs {how}", file=sys.stderr)


start()
