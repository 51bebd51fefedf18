"""What the start-up file imports when NUTRACE is set: turns tracing on in this process.

Nothing here may keep the program from running: a bad setting is one line, and it runs untraced.
"""

from __future__ import annotations

import contextlib
import sys


def start() -> None:
    """Trace this process, or say in one line why not."""
    from nutrace.errors import NutraceError

    try:
        from nutrace.session import instrument

        instrument()
    except NutraceError as error:
        _say(str(error))
    except Exception as error:  # law 1: whatever is wrong with us, the program starts
        _say(f"cannot start ({type(error).__name__}: {error})")


def _say(message: str) -> None:
    line = " ".join(message.split())  # a path or a value may hold line ends
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:  # print would take stdout instead, which is the program's
            print(f"nutrace: {line}; the program runs untraced", file=sys.stderr)


start()
