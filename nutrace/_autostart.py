"""What the start-up file imports when NUTRACE is set: turns tracing on in this process.

Nothing here may keep the program from running: a bad setting is one line, and it runs untraced.
"""

from __future__ import annotations

import sys


def start() -> None:
    """Trace this process, or say in one line why not."""
    from nutrace.errors import NutraceError

    try:
        from nutrace.session import instrument

        instrument()
    except NutraceError as error:
        print(f"nutrace: {error}; the program runs untraced", file=sys.stderr)
    except Exception as error:  # law 1: whatever is wrong with us, the program starts
        print(f"nutrace: cannot start ({type(error).__name__}: {error}); the program runs untraced", file=sys.stderr)


start()
